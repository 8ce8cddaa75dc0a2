import Query
import Testing

/// Removals of what was never added: levels below zero are shown as 0, and told.
@Suite struct OrphanTests {
    private let organization = "507f1f77bcf86cd799439000"

    @Test func levelsBelowZeroAreTold() throws {
        let service = try TestService()
        try service.add(
            organization, "totals", ["buckets": -2, "data_sources": 3, "alert_rules": -1])
        try service.mark(organization, milliseconds: 1_773_065_251_123)
        let headers = ["X-API-Key": try service.key(organization, ["overview"], role: .admin)]
        let answer = try service.get("/api/analytics/overview", headers)
        #expect(answer.body.contains(#""buckets":0,"dataSources":3"#))
        #expect(answer.headers["X-Odometer-Orphans"] == "3")
        // The opening balance.
        try service.add(organization, "totals", ["buckets": 2, "alert_rules": 1])
        let later = try service.get("/api/analytics/overview", headers)
        #expect(later.headers["X-Odometer-Orphans"] == nil)
    }

    /// Two connections that were open when the counting began are closed.
    @Test func aPeriodAndAllTimeCountOrphansAlike() throws {
        let service = try TestService()
        let group = "s:p:d"
        for window in ["all", "month:2026-03", "day:2026-03-09", "quarter:2026-03-09T1400"] {
            try service.add(organization, "connections_closed:\(window)", [group: 2])
            try service.add(organization, "connection_seconds:\(window)", [group: 10])
            try service.set(
                organization, "connection_activity:\(window)", group,
                try TestService.digits("2026-03-09T14:05:00Z"))
        }
        try service.add(organization, "connections_open:all", [group: -2])
        let headers = ["Authorization": try service.key(organization, ["connections"])]
        let path = "/api/connection-analytics/summary"
        for query in ["", "?timeEnd=2026-03-10T00:00:00Z"] {
            let answer = try service.get(path + query, headers)
            #expect(
                answer.body.contains(#""totalConnections":2,"newConnectionsInPeriod":0"#),
                "\(query): \(answer.body)")
            #expect(answer.headers["X-Odometer-Orphans"] == "2")
        }
    }

    /// A request that is older than the counting changes its status.
    @Test func statusesBelowZeroAreTold() throws {
        let service = try TestService()
        let identity = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
        try service.directory(identity, "organization", ["name": #""A""#])
        try service.add(
            identity, "compliance_statuses:day:2026-03-09",
            ["access:open": -1, "access:done": 1])
        let headers = ["x-api-key": try service.key(identity, ["privacy"])]
        let answer = try service.get(
            "/organizations/\(identity)/metrics?startDate=2026-03-09T00:00:00Z"
                + "&endDate=2026-03-10T00:00:00Z", headers)
        #expect(answer.body.contains(#""statusStats":{"done":1}"#))
        #expect(answer.headers["X-Odometer-Orphans"] == "1")
    }
}
