import Workload

/// Organization overview: what exists now.
extension RouteExpectation {
    static let overviewPath = "/api/analytics/overview"
    static let overviewNeeds: [RouteNeed] =
        ["buckets", "data_sources", "alert_rules", "data_points", "storage_bytes"].map {
            RouteNeed($0, .level, [.all])
        } + [
            RouteNeed("api_keys", .count, [.all]),
            RouteNeed("last_ingestion", .extreme, [.all], keep: .max),
            RouteNeed("last_alert", .extreme, [.all], keep: .max),
        ]

    mutating func expectOverview() {
        guard canExpect(Self.overviewPath) else { return }
        func time(_ meter: String) -> ExpectedJSON {
            cells.extreme(meter).map { .text(oracleTime(nanoseconds: $0)) } ?? .null
        }
        let stored = cells.level("storage_bytes")
        let overview: [String: ExpectedJSON] = [
            "organization": .object(["_id": .text(organization), "name": .leftOut]),
            "totals": .object([
                "buckets": .integer(cells.level("buckets")),
                "dataSources": .integer(cells.level("data_sources")),
                "dataPoints": .integer(cells.level("data_points")),
                "alertRules": .integer(cells.level("alert_rules")),
                "apiKeys": .integer(cells.total("api_keys")),
            ]),
            "usage": .object([
                "apiCallsThisMonth": .leftOut, "apiCallsLimit": .leftOut,
                "apiCallsPercentage": .leftOut, "storageUsedBytes": .integer(stored),
                "storageUsedFormatted": .text(ExpectedJSON.size(stored)),
            ]),
            "plan": .leftOut,
            "recentActivity": .object([
                "lastDataIngestion": time("last_ingestion"),
                "lastAlertTriggered": time("last_alert"),
                "dataPointsLast24h": .leftOut, "alertsTriggeredLast24h": .leftOut,
            ]),
        ]
        expect(.overview, Self.overviewPath, bodies: [.object(["overview": .object(overview)])])
    }
}
