import Workload

/// Identity provider analytics: tokens, activity, agents.
extension RouteExpectation {
    static let tokensPath = "/api/v1/analytics/tokens"
    static let activityPath = "/api/v1/analytics/agents/activity"
    static let agentsPath = "/api/v1/analytics/agents"
    static let tokensNeeds = [RouteNeed("tokens", .count, [.day])]
    static let activityNeeds = [RouteNeed("agent_activity", .grid, [])]
    static let agentsNeeds = [RouteNeed("agent_tokens", .ranking, [.month], by: ["agent"])]

    mutating func expectIdentity() {
        if canExpect(Self.tokensPath) {
            for count in [7, 90] as [Int64] {
                expect(
                    .identity, Self.tokensPath, [("days", "\(count)")],
                    bodies: todays.map { today in
                        let days = today - count + 1..<today + 1
                        return .object([
                            "tenantId": .text(organization), "days": .integer(count),
                            "data": Self.daily(days, cells.series("tokens", days), named: "count"),
                        ])
                    })
            }
        }
        if canExpect(Self.activityPath) { expectActivity() }
        if canExpect(Self.agentsPath) {
            let months = Set(todays.map { String(oracleDate(ofDay: $0).prefix(7)) }).sorted()
            expect(.identity, Self.agentsPath, bodies: months.map { agents(month: $0) })
        }
    }

    private mutating func expectActivity() {
        var data: [ExpectedJSON] = []
        for weekday in 0..<7 {
            for hour in 0..<24 {
                let count = cells.grid("agent_activity", weekday: weekday, hour: hour)
                guard count != 0 else { continue }
                data.append(
                    .object([
                        "dow": .integer(Int64(weekday)), "hour": .integer(Int64(hour)),
                        "count": .integer(count),
                    ]))
            }
        }
        expect(
            .identity, Self.activityPath,
            bodies: [.object(["tenantId": .text(organization), "data": .list(data)])])
    }

    private func agents(month: String) -> ExpectedJSON {
        let rows = cells.ranking("agent_tokens", month: month).map { tuple, count in
            (id: tuple.first ?? [], count: count)
        }.sorted {
            $0.count != $1.count
                ? $0.count > $1.count : $0.id.lexicographicallyPrecedes($1.id)
        }
        return .object([
            "tenantId": .text(organization), "month": .text(month),
            "data": .list(
                rows.map {
                    .object(["agentId": .text($0.id), "tokenCount": .integer($0.count)])
                }),
        ])
    }
}
