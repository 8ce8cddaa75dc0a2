import API
import Query
import Testing

@Suite struct OverviewTests {
    private let path = "/api/analytics/overview"

    private func seeded() throws -> TestService {
        let service = try TestService()
        try service.add(
            "507f1f77bcf86cd799439000", "totals",
            [
                "buckets": 5, "data_sources": 12, "data_points": 1_523_456, "alert_rules": 8,
                "api_keys": 15, "storage_bytes": 52_428_800,
            ])
        let organization = "507f1f77bcf86cd799439000"
        try service.set(
            organization, "totals", "last_ingestion",
            try TestService.digits("2026-03-09T14:07:30.9Z"))
        try service.set(
            organization, "totals", "last_alert", try TestService.digits("2024-01-15T10:15:00Z"))
        try service.add(organization, "api_calls:day:2026-03", ["01": 40_230, "09": 5_000])
        try service.add(organization, "api_calls:day:2026-02", ["28": 7, "09": 100])
        // The 1,440 minutes that end with 14:07: from 14:08 of the day before.
        try service.add(organization, "data_points_ingested:minute:2026-03-08T14", ["08": 12_000])
        try service.add(organization, "data_points_ingested:minute:2026-03-08T14", ["07": 999])
        try service.add(organization, "data_points_ingested:minute:2026-03-09T14", ["07": 543])
        try service.add(organization, "alerts_triggered:minute:2026-03-09T00", ["05": 3])
        try service.directory(organization, "organization", ["name": #""My Organization""#])
        try service.directory(
            organization, "plan",
            [
                "name": #""Pro""#, "maxBuckets": "25", "maxRetentionDays": "365",
                "maxApiCalls": "1000000",
            ])
        try service.mark(organization, milliseconds: 1_773_065_251_123)
        return service
    }

    private func expected(
        calls: Int, percentage: String, limit: String = "1000000",
        name: String = #""My Organization""#
    ) -> String {
        """
        {"overview": {
          "organization": {"_id": "507f1f77bcf86cd799439000", "name": \(name)},
          "totals": {"buckets": 5, "dataSources": 12, "dataPoints": 1523456, "alertRules": 8,
                     "apiKeys": 15},
          "usage": {"apiCallsThisMonth": \(calls), "apiCallsLimit": \(limit),
                    "apiCallsPercentage": \(percentage), "storageUsedBytes": 52428800,
                    "storageUsedFormatted": "50 MB"},
          "plan": {"name": "Pro", "maxBuckets": 25, "maxRetentionDays": 365,
                   "maxApiCalls": \(limit)},
          "recentActivity": {"lastDataIngestion": "2026-03-09T14:07:30Z",
                             "lastAlertTriggered": "2024-01-15T10:15:00Z",
                             "dataPointsLast24h": 12543, "alertsTriggeredLast24h": 3}}}
        """
    }

    @Test func wholeBody() throws {
        let service = try seeded()
        let key = try service.key("507f1f77bcf86cd799439000", ["overview"])
        let answer = try service.get(path, ["X-API-Key": key])
        expect(answer, 200, expected(calls: 45_230, percentage: "4.5"))
        #expect(answer.vary == "X-API-Key")
        #expect(answer.headers["X-Odometer-As-Of"] == "2026-03-09T14:07:31.123Z")
        #expect(answer.headers["X-Odometer-Snapshot"] == nil)
    }

    /// A cell that refused its changes: cell + parked is answered, and the header says so.
    @Test func aParkedCellIsInTheAnswerWhichSaysSo() throws {
        let service = try seeded()
        let organization = "507f1f77bcf86cd799439000"
        let headers = ["X-API-Key": try service.key(organization, ["overview"])]
        #expect(try service.get(path, headers).headers["X-Odometer-Parked"] == nil)
        let totals = TestService.key(organization, "totals")
        try service.run("HINCRBY", totals, "buckets", "-2")
        let parked = TestService.marks(organization).replacing("marks", with: "parked")
        try service.run("HSET", parked, "H 0 \(totals) buckets", "2")
        try service.run("HSET", parked, "H 0 \(TestService.key("other", "totals")) buckets", "7")
        try service.run("HSET", TestService.marks(organization), "!parked", "2")
        let answer = try service.get(path, headers)
        expect(answer, 200, expected(calls: 45_230, percentage: "4.5"))
        #expect(answer.headers["X-Odometer-Parked"] == "1")
        try service.run("HSET", TestService.marks(organization), "!parked", "0")
        #expect(try service.get(path, headers).headers["X-Odometer-Parked"] == nil)
    }

    @Test func billingDay() throws {
        let service = try seeded()
        let organization = "507f1f77bcf86cd799439000"
        let key = try service.key(organization, ["overview"])
        try service.directory(organization, "organization", ["billingDay": "10"])
        expect(
            try service.get(path, ["X-API-Key": key]), 200,
            expected(calls: 45_237, percentage: "4.5"))
        try service.directory(organization, "organization", ["billingDay": "9"])
        expect(
            try service.get(path, ["X-API-Key": key]), 200,
            expected(calls: 5_000, percentage: "0.5"))
        try service.directory(organization, "plan", ["maxApiCalls": "1000"])
        expect(
            try service.get(path, ["X-API-Key": key]), 200,
            expected(calls: 5_000, percentage: "500", limit: "1000"))
        // The same integers, spelled as other programs write them.
        for (day, limit) in [("0.9e1", "1000.0"), ("9.0", "1e3"), ("90e-1", "0.1E+4")] {
            try service.directory(organization, "organization", ["billingDay": day])
            try service.directory(organization, "plan", ["maxApiCalls": limit])
            expect(
                try service.get(path, ["X-API-Key": key]), 200,
                expected(calls: 5_000, percentage: "500", limit: "1000"))
        }
        #expect(
            try service.get(path, ["X-API-Key": key]).body.contains(#""maxApiCalls":1000}"#))
        try service.run(
            "HSET", TestService.key(organization, "directory:organization"), "@deleted", "1")
        expect(
            try service.get(path, ["X-API-Key": key]), 200,
            expected(calls: 45_230, percentage: "4523", limit: "1000", name: "null"))
    }

    @Test func nothingCounted() throws {
        let service = try TestService()
        let key = try service.key("org-empty", ["overview"])
        try service.add("org-empty", "totals", ["buckets": -3, "storage_bytes": -1])
        let answer = try service.get(path, ["x-api-key": key])
        expect(
            answer, 200,
            """
            {"overview": {"organization": {"_id": "org-empty", "name": null},
              "totals": {"buckets": 0, "dataSources": 0, "dataPoints": 0, "alertRules": 0,
                         "apiKeys": 0},
              "usage": {"apiCallsThisMonth": 0, "apiCallsLimit": 0, "apiCallsPercentage": 0,
                        "storageUsedBytes": 0, "storageUsedFormatted": "0 B"},
              "plan": {"name": null, "maxBuckets": null, "maxRetentionDays": null,
                       "maxApiCalls": null},
              "recentActivity": {"lastDataIngestion": null, "lastAlertTriggered": null,
                                 "dataPointsLast24h": 0, "alertsTriggeredLast24h": 0}}}
            """)
        #expect(answer.headers["X-Odometer-As-Of"] == nil)
    }

    @Test func takesNoParameters() throws {
        let service = try TestService()
        let admin = try service.key("o", ["overview"])
        let reader = try service.key("o", ["overview"], role: .read)
        expect(
            try service.get(path + "?days=7", ["X-API-Key": admin]), 400,
            #"{"error":"Bad Request","message":"unknown parameter \"days\": this path takes no parameters"}"#
        )
        #expect(try service.get(path + "?days=7").status == 401)
        #expect(try service.get(path + "?days=7", ["X-API-Key": reader]).status == 403)
    }

    @Test func onlyAdminKeys() throws {
        let service = try TestService()
        let unauthorized = #"{"error":"Unauthorized","message":"Invalid or missing API key"}"#
        let forbidden =
            #"{"error":"Forbidden","message":"Only Admin keys can access organization analytics"}"#
        for role in [Role.write, .read] {
            let key = try service.key("o", ["overview"], role: role)
            #expect(key.hasPrefix("dakkio_\(role.rawValue.prefix(1))_"))
            expect(try service.get(path, ["X-API-Key": key]), 403, forbidden)
        }
        expect(try service.get(path), 401, unauthorized)
        expect(try service.get(path, ["X-API-Key": ""]), 401, unauthorized)
        let other = try service.key("o", ["privacy", "operations"])
        expect(try service.get(path, ["X-API-Key": other]), 401, unauthorized)
    }
}
