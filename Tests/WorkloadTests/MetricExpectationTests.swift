import Testing
import Workload

@testable import Verify

/// The organization metrics; every number here is counted by hand.
@Suite struct MetricExpectationTests {
    private static let organization = RouteExpectationTests.organization
    private static let path = "/organizations/\(organization)/metrics"
    private static let whole = "startDate=2026-03-04T00%3A00%3A00Z&endDate=2026-03-10T00%3A00%3A00Z"
    private static let inner = "startDate=2026-03-06T00%3A00%3A00Z&endDate=2026-03-08T00%3A00%3A00Z"

    private static let events: [RouteExpectationTests.Given] =
        [("04", "p"), ("05", ""), ("05", ""), ("06", "p"), ("06", "p"), ("06", "p"), ("07", "p")]
        .map { ("session.started", "{\"project\":\"\($0.1)\"}", "\($0.0)T10:00") }
        + [
            ("session.started", "{}", "09T10:00"),
            (
                "consent.recorded",
                #"{"consent":"full","user":"u1","browser":"Firefox","os":"Linux","country":"DE","categories":{"ads":"granted","stats":"denied"}}"#,
                "06T10:00"
            ),
            (
                "consent.recorded",
                #"{"consent":"partial","user":"u1","browser":"Firefox","os":"Linux","country":"AT","project":"p","categories":{"ads":"denied"}}"#,
                "06T11:00"
            ),
            ("consent.recorded", #"{"consent":"none","user":"u2","os":"Android"}"#, "07T11:00"),
            (
                "compliance_request.created",
                #"{"requestId":"1","type":"erase","status":"open","country":"DE"}"#, "06T10:00"
            ),
            (
                "compliance_request.created",
                #"{"requestId":"2","type":"access","status":"open"}"#, "07T10:00"
            ),
            (
                "compliance_request.status_changed",
                #"{"requestId":"1","type":"erase","createdAt":"2026-03-06T10:00:00Z","from":"open","to":"done"}"#,
                "09T10:00"
            ),
        ]
        + [172_800, 100, 90_000].map {
            (
                "compliance_request.resolved",
                "{\"requestId\":\"1\",\"type\":\"erase\",\"resolutionSeconds\":\($0)}", "07T12:00"
            )
        }

    private func routes() throws -> [ExpectedRoute] {
        var catalog = try GeneratorTests.shippedCatalog()
        catalog.meters.shuffle()
        var bench = try Bench(catalog)
        for (number, given) in Self.events.enumerated() {
            let text = event(
                given.type, given.data, id: "\(number)", subject: Self.organization,
                time: "2026-03-\(given.time):00Z")
            try #require(bench.feed(text) == .accepted, "\(given)")
        }
        bench.oracle.sortCells()
        var expectation = RouteExpectation(
            Self.organization, catalog.meters, later: [], nowSeconds: Bench.now / 1_000,
            prefix: "odo:1:", shards: 64, bench.oracle.cells)
        expectation.expectAll()
        return expectation.routes.filter { $0.document == .privacy }
    }

    private func part(_ query: String, _ path: String) throws -> ExpectedJSON? {
        let routes = try routes()
        let route = try #require(routes.first { $0.target == "\(Self.path)?\(query)" }, "\(query)")
        return path.split(separator: "/").reduce(route.bodies.first) { json, part in
            switch json {
            case .object(let members): members[String(part)]
            case .list(let entries): Int(part).map { entries[$0] }
            default: nil
            }
        }
    }

    private func counts(_ name: String, _ rows: [(String, Int64)]) -> ExpectedJSON {
        .list(rows.map { .object([name: .text($0.0), "count": .integer($0.1)]) })
    }

    @Test func fourRequestsAreMade() throws {
        #expect(
            try routes().map(\.target) == [
                "\(Self.path)?\(Self.whole)", "\(Self.path)?\(Self.inner)",
                "\(Self.path)?\(Self.whole)&project=",
                "\(Self.path)?\(Self.whole)&project=&project=p",
            ])
    }

    @Test func sessionsWithTheirTrend() throws {
        #expect(
            try part(Self.inner, "sessions")
                == .object([
                    "dailySessionCounts": .list([
                        .object(["date": .text("2026-03-06"), "count": .integer(3)]),
                        .object(["date": .text("2026-03-07"), "count": .integer(1)]),
                    ]),
                    "dateRangeTotal": .integer(4),
                    // 4 after 3 is a third more.
                    "trend": .object([
                        "current": .integer(4), "previous": .integer(3), "change": .integer(1),
                        "changePercentage": .hundredths(3_330),
                    ]),
                ]))
        #expect(
            try part(Self.whole, "sessions/trend")
                == .object([
                    "current": .integer(8), "previous": .integer(0), "change": .integer(8),
                    "changePercentage": .null,
                ]))
        #expect(try part(Self.whole + "&project=", "sessions/dateRangeTotal") == .integer(3))
        #expect(
            try part(Self.whole + "&project=&project=p", "sessions/dateRangeTotal") == .integer(8))
    }

    @Test func consentByEveryDimension() throws {
        let consent = "consentEvents/"
        func choices(_ granted: Int64, _ denied: Int64) -> ExpectedJSON {
            .object(["granted": .integer(granted), "denied": .integer(denied)])
        }
        #expect(
            try part(Self.inner, consent + "browserCounts")
                == counts("browser", [("Firefox", 2), ("unknown", 1)]))
        #expect(
            try part(Self.inner, consent + "osCounts")
                == counts("os", [("Linux", 2), ("Android", 1)]))
        #expect(
            try part(Self.inner, consent + "geographyCounts")
                == counts("country", [("AT", 1), ("DE", 1), ("unknown", 1)]))
        #expect(
            try part(Self.inner, consent + "categoryStats")
                == .object(["ads": choices(1, 1), "stats": choices(0, 1)]))
        #expect(try part(Self.inner, consent + "totalCategories") == .integer(2))
        #expect(
            try part(Self.inner, consent + "totalUsers")
                == .distinct([Array("u1".utf8), Array("u2".utf8)]))
        for (name, count) in [
            ("totalEvents", 3), ("fullConsent", 1), ("partialConsent", 1), ("noConsent", 1),
        ] as [(String, Int64)] {
            #expect(try part(Self.inner, consent + name) == .integer(count), "\(name)")
        }
        #expect(
            try part(Self.inner, consent + "trendData/previousPeriod")
                == .object([
                    "startDate": .text("2026-03-04T00:00:00Z"),
                    "endDate": .text("2026-03-06T00:00:00Z"),
                ]))
        #expect(
            try part(Self.inner, consent + "trendData/daily/0")
                == .object([
                    "date": .text("2026-03-06"), "count": .integer(2),
                    "previousCount": .integer(0),
                ]))
        #expect(
            try part(Self.whole + "&project=", consent + "categoryStats")
                == .object(["ads": choices(1, 0), "stats": choices(0, 1)]))
    }

    @Test func requestsStandWhereTheirLastChangePutThem() throws {
        let requests = "complianceRequests/"
        #expect(
            try part(Self.inner, requests + "statusStats")
                == .object(["open": .integer(1), "done": .integer(1)]))
        #expect(
            try part(Self.inner, requests + "statusByType")
                == .object([
                    "erase": .object(["done": .integer(1)]),
                    "access": .object(["open": .integer(1)]),
                ]))
        #expect(
            try part(Self.inner, requests + "typeStats")
                == .object(["erase": .integer(1), "access": .integer(1)]))
        #expect(
            try part(Self.inner, requests + "geographyCounts")
                == counts("country", [("DE", 1), ("unknown", 1)]))
        #expect(try part(Self.inner, requests + "totalRequests") == .integer(2))
        #expect(try part(Self.inner, requests + "dateRangeTotal") == .integer(2))
    }

    @Test func resolutionsAreInDaysAndTheMedianWithinItsStep() throws {
        // 262,900 seconds of three are 1.0143 days each; 90,000 lies in the step 89,088 to 90,111.
        #expect(
            try part(Self.inner, "complianceRequests/resolutionMetrics")
                == .object([
                    "avgResolutionDays": .hundredths(101),
                    "medianResolutionDays": .between(103, 104),
                    "minResolutionDays": .hundredths(0), "maxResolutionDays": .hundredths(200),
                ]))
        #expect(
            try part(
                Self.whole + "&project=", "complianceRequests/resolutionMetrics/avgResolutionDays")
                == .hundredths(101))
    }
}
