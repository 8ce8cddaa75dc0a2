import Testing
import Workload

@testable import Verify

/// Answers of the five documents' routes; every number here is counted by hand.
@Suite struct RouteExpectationTests {
    static let organization = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
    typealias Given = (type: String, data: String, time: String)

    /// What is expected after these events, of March 2026; times are `DDTHH:MM`.
    private func expectation(
        _ events: [Given], without: String? = nil, later: String? = nil,
        organization: String = RouteExpectationTests.organization, now: Int64 = Bench.now / 1_000
    ) throws -> RouteExpectation {
        var catalog = try GeneratorTests.shippedCatalog()
        var bench = try Bench(catalog)
        for (number, given) in events.enumerated() {
            let text = event(
                given.type, given.data, id: "\(number)", subject: organization,
                time: given.time.count == 8 ? "2026-03-\(given.time):00Z" : given.time)
            try #require(bench.feed(text) == .accepted, "\(given)")
        }
        bench.oracle.sortCells()
        catalog.meters.removeAll { $0.name == without }
        var expectation = RouteExpectation(
            organization, catalog.meters, later: later.map { [Array($0.utf8)] } ?? [],
            nowSeconds: now,
            prefix: "odo:1:", shards: 64, bench.oracle.cells)
        expectation.expectAll()
        return expectation
    }

    private func body(_ expectation: RouteExpectation, _ target: String) throws -> ExpectedJSON {
        let route = try #require(expectation.routes.first { $0.target == target }, "\(target)")
        return try #require(route.bodies.first)
    }

    private func member(_ json: ExpectedJSON?, _ path: String) -> ExpectedJSON? {
        path.split(separator: "/").reduce(json) { json, part in
            switch json {
            case .object(let members): members[String(part)]
            case .list(let entries): Int(part).map { entries[$0] }
            default: nil
            }
        }
    }

    /// `[{date, NAME}]` from a first day of March on.
    private func daily(_ first: Int, _ numbers: [Int64], _ name: String) -> ExpectedJSON {
        .list(
            numbers.enumerated().map { place, number in
                let day = first + place
                return .object([
                    "date": .text("2026-03-\(day < 10 ? "0" : "")\(day)"), name: .integer(number),
                ])
            })
    }

    private func row(_ members: [String: ExpectedJSON]) -> ExpectedJSON { .object(members) }

    // MARK: Overview

    @Test func theOverviewTellsWhatExistsNow() throws {
        let expectation = try expectation([
            ("bucket.created", #"{"count":5}"#, "04T10:00"),
            ("bucket.deleted", #"{"count":2}"#, "05T10:00"),
            ("data_source.deleted", "{}", "05T10:00"),
            ("api_key.created", "{}", "05T10:00"), ("api_key.created", "{}", "05T10:01"),
            ("data_points.ingested", #"{"count":1000,"bytes":1572864}"#, "09T11:22"),
            ("data_points.ingested", #"{"count":1}"#, "08T11:22"),
            ("data_points.deleted", #"{"count":101}"#, "09T12:00"),
        ])
        let overview = try body(expectation, "/api/analytics/overview")
        #expect(
            member(overview, "overview/totals")
                == row([
                    "buckets": .integer(3), "dataSources": .integer(0), "dataPoints": .integer(900),
                    "alertRules": .integer(0), "apiKeys": .integer(2),
                ]))
        #expect(member(overview, "overview/usage/storageUsedBytes") == .integer(1_572_864))
        #expect(member(overview, "overview/usage/storageUsedFormatted") == .text("1.5 MB"))
        #expect(
            member(overview, "overview/recentActivity")
                == row([
                    "lastDataIngestion": .text("2026-03-09T11:22:00Z"), "lastAlertTriggered": .null,
                    "dataPointsLast24h": .leftOut, "alertsTriggeredLast24h": .leftOut,
                ]))
        #expect(
            member(overview, "overview/organization")
                == row(["_id": .text(Self.organization), "name": .leftOut]))
        #expect(member(overview, "overview/plan") == .leftOut)
    }

    @Test func sizesAndRatiosAreRoundedHalfAwayFromZero() {
        let sizes: [(Int64, String)] = [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1 KB"), (1_100, "1.07 KB"),
            (1_536, "1.5 KB"), (52_428_800, "50 MB"), (1_048_575, "1 MB"),
            (1_610_612_736, "1.5 GB"), (.max, "8 EB"),
        ]
        for (bytes, text) in sizes { #expect(ExpectedJSON.size(bytes) == text) }
        #expect(ExpectedJSON.rounded(1, times: 1, by: 2) == 1)
        #expect(ExpectedJSON.rounded(-1, times: 1, by: 2) == -1)
        #expect(ExpectedJSON.rounded(1, times: 1_000, by: 3) == 333)
        #expect(ExpectedJSON.rounded(-2, times: 1_000, by: 3) == -667)
        #expect(ExpectedJSON.rounded(.max, times: 100, by: 100) == .max)
        #expect(ExpectedJSON.rounded(7, times: 1, by: 0) == 0)
    }

    // MARK: Workspace

    @Test func totalsRankingsAndSeriesOfTheWorkspace() throws {
        func interaction(_ user: String, _ time: String) -> Given {
            ("interaction.created", "{\"user\":\"\(user)\",\"project\":\"p\"}", time)
        }
        let expectation = try expectation([
            ("project.created", #"{"count":3}"#, "04T10:00"),
            ("project.deleted", #"{"count":1}"#, "06T10:00"),
            ("project.created", "{}", "07T23:59"), ("artifact.deleted", "{}", "07T10:00"),
            interaction("b", "06T10:00"), interaction("a", "06T11:00"),
            interaction("c", "09T10:00"), interaction("c", "09T10:01"),
            ("agent_flow.created", #"{"user":"d"}"#, "07T10:00"),
            ("agent_flow.created", #"{"user":"d"}"#, "07T10:01"),
            ("agent_flow.created", "{}", "08T00:00"),
        ])
        let path = "/api/v1/app/organization/analytics"
        let whole = "start_date=1772582400&end_date=1773100800"
        let inner = "start_date=1772755200&end_date=1772928000"
        func totals(_ numbers: [Int64]) -> ExpectedJSON {
            row([
                "projects_total": .integer(numbers[0]), "threads_total": .integer(0),
                "uploaded_artifacts_total": .integer(0), "interactions_total": .integer(numbers[1]),
                "agent_flows_total": .integer(numbers[2]),
            ])
        }
        #expect(try body(expectation, path + "/totals") == totals([3, 4, 3]))
        #expect(try body(expectation, path + "/totals?" + whole) == totals([4, 4, 3]))
        #expect(try body(expectation, path + "/totals?" + inner) == totals([1, 2, 2]))

        func users(_ query: String) throws -> [String] {
            guard
                case .list(let rows) = try body(
                    expectation, "\(path)/ranking/active-users?\(query)")
            else { return [] }
            return rows.map { row in
                ["user/id", "interactions_created", "agent_flows_created"].map { name in
                    switch member(row, name) {
                    case .text(let text): text
                    case .integer(let number): "\(number)"
                    default: "?"
                    }
                }.joined(separator: " ")
            }
        }
        // Two activities each of c and d, those of c are interactions; a and b by their ids.
        #expect(try users(whole + "&limit=100") == ["c 2 0", "d 0 2", "a 1 0", "b 1 0"])
        #expect(try users(whole + "&limit=3") == ["c 2 0", "d 0 2", "a 1 0"])
        #expect(try users(inner + "&limit=100") == ["d 0 2", "a 1 0", "b 1 0"])
        let projects = try body(expectation, "\(path)/ranking/active-projects?\(whole)&limit=3")
        #expect(member(projects, "0/interactions_created") == .integer(4))
        #expect(member(projects, "0/project/name") == .leftOut)
        #expect(member(projects, "0/project/org_id") == nil)

        #expect(
            try body(expectation, "\(path)/timeseries?type=projects&\(whole)")
                == daily(4, [3, 0, 0, 1, 0, 0], "value"))
        #expect(
            try body(expectation, "\(path)/timeseries?type=interactions&\(inner)")
                == daily(6, [2, 0], "value"))
    }

    // MARK: Connections

    private static func connection(
        _ what: String, _ group: [String], _ key: String, _ time: String, seconds: Int? = nil
    ) -> Given {
        let data = """
            {"connectionId":"1","service":"\(group[0])","protocol":"\(group[1])",\
            "dataCenter":"\(group[2])","apiKeyId":"\(key)"\
            \(seconds.map { ",\"durationSeconds\":\($0)" } ?? "")}
            """
        return ("connection.\(what)", data, time)
    }

    private func connectionRow(
        _ group: [String], _ numbers: [Int64], keys: [String], _ times: [String?]
    ) -> ExpectedJSON {
        func time(_ text: String?) -> ExpectedJSON {
            text.map { .text("2026-03-\($0):00.0000000Z") } ?? .null
        }
        return row([
            "organizationId": .text(Self.organization), "serviceName": .text(group[0]),
            "protocolName": .text(group[1]), "dataCenter": .text(group[2]),
            "totalConnections": .integer(numbers[0]),
            "newConnectionsInPeriod": .integer(numbers[1]),
            "uniqueApiKeys": .distinct(Set(keys.map { Array($0.utf8) })),
            "averageConnectionDurationSeconds": .integer(numbers[2]),
            "totalConnectionTimeSeconds": .integer(numbers[3]), "firstConnection": time(times[0]),
            "lastConnection": time(times[1]), "lastActivity": time(times[2]),
        ])
    }

    @Test func connectionsOfEverythingAndOfAPeriod() throws {
        let (first, second) = (["a:pi", "tls", "eu"], ["db", "tls", "us"])
        let expectation = try expectation([
            Self.connection("opened", first, "k1", "04T08:00"),
            Self.connection("opened", first, "k2", "06T10:00"),
            Self.connection("closed", first, "k1", "07T09:00", seconds: 100),
            Self.connection("activity", first, "k3", "09T12:00"),
            Self.connection("opened", second, "k1", "04T07:00"),
            Self.connection("opened", second, "k1", "04T07:30"),
            Self.connection("closed", second, "k1", "04T09:00", seconds: 51),
            Self.connection("closed", second, "k1", "09T01:00", seconds: 50),
        ])
        let path = "/api/connection-analytics/summary"
        let all = [
            connectionRow(
                first, [2, 2, 100, 100], keys: ["k1", "k2", "k3"],
                ["04T08:00", "06T10:00", "09T12:00"]),
            // 101 seconds of two connections are 50.5 each.
            connectionRow(
                second, [2, 2, 51, 101], keys: ["k1"], ["04T07:00", "04T07:30", "09T01:00"]),
        ]
        #expect(try body(expectation, path) == .list(all))
        #expect(try body(expectation, path + "?serviceName=a%3Api") == .list([all[0]]))
        #expect(try body(expectation, path + "?protocolName=tls") == .list(all))
        #expect(try body(expectation, path + "?dataCenter=eu") == .list([all[0]]))
        let inner = "timeStart=2026-03-06T00%3A00%3A00Z&timeEnd=2026-03-08T00%3A00%3A00Z"
        #expect(
            try body(expectation, "\(path)?\(inner)")
                == .list([
                    connectionRow(
                        first, [2, 1, 100, 100], keys: ["k1", "k2"],
                        ["06T10:00", "06T10:00", "07T09:00"]),
                    connectionRow(second, [1, 0, 0, 0], keys: [], [nil, nil, nil]),
                ]))
    }

    // MARK: Identity

    private static let tokens: [Given] = [
        ("token.issued", #"{"agent":"b"}"#, "2026-02-27T05:00:00Z"),
        ("token.issued", #"{"agent":"a"}"#, "08T03:00"),
        ("token.issued", #"{"agent":"a"}"#, "09T14:00"),
        ("token.issued", #"{"agent":"b"}"#, "09T14:01"),
        ("agent.request", #"{"agent":"b"}"#, "09T14:02"),
    ]

    @Test func tokensActivityAndAgents() throws {
        let expectation = try expectation(Self.tokens)
        let path = "/api/v1/analytics"
        #expect(
            try body(expectation, path + "/tokens?days=7")
                == row([
                    "tenantId": .text(Self.organization), "days": .integer(7),
                    "data": daily(3, [0, 0, 0, 0, 0, 1, 2], "count"),
                ]))
        func cell(_ weekday: Int64, _ hour: Int64, _ count: Int64) -> ExpectedJSON {
            row(["dow": .integer(weekday), "hour": .integer(hour), "count": .integer(count)])
        }
        #expect(
            member(try body(expectation, path + "/agents/activity"), "data")
                == .list([cell(0, 3, 1), cell(1, 14, 3), cell(5, 5, 1)]))
        #expect(
            try body(expectation, path + "/agents")
                == row([
                    "tenantId": .text(Self.organization), "month": .text("2026-03"),
                    "data": .list([
                        row(["agentId": .text("a"), "tokenCount": .integer(2)]),
                        row(["agentId": .text("b"), "tokenCount": .integer(1)]),
                    ]),
                ]))
    }

    @Test func beforeMidnightTodayMayBeTwoDays() throws {
        // 2026-03-31T23:30:00Z
        let expectation = try expectation(Self.tokens, now: 1_774_999_800)
        let routes = expectation.routes.filter { $0.document == .identity }
        #expect(routes.map(\.bodies.count) == [2, 2, 1, 2])
        let months = routes[3].bodies.map { member($0, "month") }
        #expect(months == [.text("2026-03"), .text("2026-04")])
        #expect(member(routes[3].bodies[1], "data") == .list([]))
    }

    // MARK: What is asked for

    @Test func rangesCoverTheDaysAndRoutesWithoutTheirMetersAreNamed() throws {
        let start = "2025-01-01T00:00:00Z"
        let bucket: Given = ("project.created", "{}", "09T10:00")
        let day = try expectation([bucket])
        #expect(day.whole == 20_521..<20_522 && day.inner == nil && day.unchecked.isEmpty)
        // Older than 360 days: the range begins where all day cells still exist.
        let long = try expectation([("project.created", "{}", start), bucket])
        #expect(long.whole == 20_162..<20_522 && long.inner == 20_282..<20_402)
        let nothing = try expectation([])
        #expect(nothing.whole == 20_521..<20_522)
        #expect(Set(nothing.routes.map(\.document)) == Set(ExpectedRoute.Document.allCases))

        let other = try expectation([bucket], without: "buckets", later: "sessions")
        #expect(
            other.unchecked.map { "\($0.path): \($0.reason)" } == [
                "/api/analytics/overview: the catalog has no meter buckets",
                "/organizations/{organizationId}/metrics: "
                    + "the meter sessions was added after the ledger was created",
            ])
        #expect(!other.routes.contains { $0.document == .overview || $0.document == .privacy })
        let named = try expectation([bucket], organization: "acme")
        #expect(named.unchecked.map(\.reason) == ["the organization's id is not a UUID"])
        #expect(named.routes.allSatisfy { $0.organization == "acme" })
    }
}
