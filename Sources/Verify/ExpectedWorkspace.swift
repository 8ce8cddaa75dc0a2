import Workload

/// Workspace analytics: totals, rankings and series.
extension RouteExpectation {
    private static let analytics = "/api/v1/app/organization/analytics"
    static let totalsPath = analytics + "/totals"
    static let usersPath = analytics + "/ranking/active-users"
    static let projectsPath = analytics + "/ranking/active-projects"
    static let seriesPath = analytics + "/timeseries"

    static let totalsNeeds: [RouteNeed] =
        ["projects", "threads", "artifacts"].flatMap {
            [RouteNeed($0, .level, [.all]), RouteNeed("\($0)_created", .count, [.day])]
        } + ["interactions", "agent_flows"].map { RouteNeed($0, .count, [.day, .all]) }
    /// The types of a series and their meters.
    private static let types = [
        ("interactions", "interactions"), ("agent_flows", "agent_flows"),
        ("threads", "threads_created"), ("projects", "projects_created"),
        ("artifacts", "artifacts_created"),
    ]
    static let seriesNeeds = types.map { RouteNeed($0.1, .count, [.day]) }
    static func rankingNeeds(_ member: String) -> [RouteNeed] {
        ["interactions", "agent_flows"].map {
            RouteNeed("\(member)_\($0)", .ranking, [.day], by: [member])
        }
    }

    mutating func expectWorkspace() {
        expectTotals()
        expectRanking("user", Self.usersPath)
        expectRanking("project", Self.projectsPath)
        guard canExpect(Self.seriesPath) else { return }
        for (type, meter) in Self.types {
            for days in ranges {
                expect(
                    .workspace, Self.seriesPath, [(name: "type", value: type)] + Self.seconds(days),
                    bodies: [Self.daily(days, cells.series(meter, days), named: "value")])
            }
        }
    }

    private static func seconds(_ days: Range<Int64>) -> [(name: String, value: String)] {
        [
            ("start_date", "\(days.lowerBound * 86_400)"),
            ("end_date", "\(days.upperBound * 86_400)"),
        ]
    }

    private mutating func expectTotals() {
        guard canExpect(Self.totalsPath) else { return }
        let levels = [
            ("projects_total", "projects"), ("threads_total", "threads"),
            ("uploaded_artifacts_total", "artifacts"),
        ]
        let counts = [
            ("interactions_total", "interactions"), ("agent_flows_total", "agent_flows"),
        ]
        var now: [String: ExpectedJSON] = [:]
        for (name, meter) in levels { now[name] = .integer(cells.level(meter)) }
        for (name, meter) in counts { now[name] = .integer(cells.total(meter)) }
        expect(.workspace, Self.totalsPath, bodies: [.object(now)])
        for days in ranges {
            var created: [String: ExpectedJSON] = [:]
            for (name, meter) in levels.map({ ($0.0, "\($0.1)_created") }) + counts {
                created[name] = .integer(cells.sum(meter, days))
            }
            expect(.workspace, Self.totalsPath, Self.seconds(days), bodies: [.object(created)])
        }
    }

    /// Activity is interactions plus agent flows: the greatest sum first, then most interactions,
    /// then by id.
    private mutating func expectRanking(_ member: String, _ path: String) {
        guard canExpect(path) else { return }
        for (days, limit) in ranges.map({ ($0, 100) }) + [(whole, 3)] {
            let interactions = cells.table("\(member)_interactions", days)
            let flows = cells.table("\(member)_agent_flows", days)
            var rows: [(id: [UInt8], interactions: Int64, flows: Int64)] = []
            for tuple in Set(interactions.keys).union(flows.keys) {
                rows.append((tuple.first ?? [], interactions[tuple] ?? 0, flows[tuple] ?? 0))
            }
            rows = rows.filter { $0.interactions + $0.flows > 0 }.sorted { row, other in
                let (sum, otherSum) = (
                    row.interactions + row.flows, other.interactions + other.flows
                )
                if sum != otherSum { return sum > otherSum }
                if row.interactions != other.interactions {
                    return row.interactions > other.interactions
                }
                return row.id.lexicographicallyPrecedes(other.id)
            }
            expect(
                .workspace, path, Self.seconds(days) + [(name: "limit", value: "\(limit)")],
                bodies: [
                    .list(
                        rows.prefix(limit).map { row in
                            .object([
                                member: profile(member, row.id),
                                "interactions_created": .integer(row.interactions),
                                "agent_flows_created": .integer(row.flows),
                            ])
                        })
                ])
        }
    }

    /// The profile of a user or project: its id follows from the events, all else is the
    /// directory's.
    private func profile(_ member: String, _ id: [UInt8]) -> ExpectedJSON {
        var object: [String: ExpectedJSON] = ["id": .text(id)]
        if member == "user" { object["org_id"] = .text(organization) }
        let names =
            member == "user"
            ? ["account_id", "name", "email", "state", "roles", "created_at"]
            : [
                "name", "goal", "deadline", "visibility", "member_count", "default_member_role",
                "default_role_enabled", "project_context", "answer_context", "is_pinned",
            ]
        for name in names { object[name] = .leftOut }
        return .object(object)
    }
}
