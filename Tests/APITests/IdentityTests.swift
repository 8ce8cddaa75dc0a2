import API
import Foundation
import Testing

@Suite struct IdentityTests {
    private let root = "/api/v1/analytics/"

    private func headers(_ organization: String = "org-i") throws -> [String: String] {
        let token = try signed(
            #"{"organization_id": "\#(organization)", "exp": 1893456000}"#, key: TestService.secret)
        return ["Authorization": "Bearer \(token)"]
    }

    @Test func tokens() throws {
        let service = try TestService()
        try service.add("org-i", "tokens:day:2026-03", ["07": 142, "08": 198])
        try service.add("org-i", "tokens:day:2026-02", ["28": 5])
        let answer = try service.get(root + "tokens?days=3", try headers())
        expect(
            answer, 200,
            """
            {"tenantId": "org-i", "days": 3, "data": [{"date": "2026-03-07", "count": 142},
             {"date": "2026-03-08", "count": 198}, {"date": "2026-03-09", "count": 0}]}
            """)
        #expect(
            answer.headers["X-Odometer-Range"] == "2026-03-07T00:00:00Z/2026-03-10T00:00:00Z")
        #expect(answer.vary == "Authorization")
        let month = try service.get(root + "tokens", try headers()).body
        #expect(month.contains(#""days":30,"data":[{"date":"2026-02-08","count":0}"#))
        #expect(month.contains(#"{"date":"2026-02-28","count":5}"#))
        #expect(try service.get(root + "tokens?days=90", try headers()).status == 200)
    }

    @Test(
        arguments: [
            ("0", "days must be from 1 to 90"), ("91", "days must be from 1 to 90"),
            ("-1", "days must be from 1 to 90"), ("x", "days is not an integer"),
            ("", "days is empty"), ("1&days=2", "days is given more than once"),
        ])
    func badDays(days: String, message: String) throws {
        expect(
            try TestService().get(root + "tokens?days=\(days)", try headers()), 400,
            #"{"code":"VALIDATION_ERROR","message":"\#(message)"}"#)
    }

    @Test func unknownParameters() throws {
        let service = try TestService()
        let none = #"this path takes no parameters"#
        for (target, message) in [
            ("tokens?day=7", #"unknown parameter \"day\" (did you mean days?)"#),
            ("tokens?count=7", #"unknown parameter \"count\"; known are: days"#),
            ("tokens?days=7&", nil), ("agents?", nil),
            ("agents?days=7", #"unknown parameter \"days\": \#(none)"#),
            ("agents/activity?=", #"unknown parameter \"\": \#(none)"#),
            (
                "agents?" + String(repeating: "é", count: 40),
                #"unknown parameter \"\#(String(repeating: "é", count: 32))…\": \#(none)"#
            ),
        ] as [(String, String?)] {
            let answer = try service.get(root + target, try headers())
            guard let message else {
                #expect(answer.status == 200, "\(target)")
                continue
            }
            expect(answer, 400, #"{"code":"VALIDATION_ERROR","message":"\#(message)"}"#)
        }
        #expect(try service.get(root + "tokens?day=7").status == 401)
    }

    @Test func activity() throws {
        let service = try TestService()
        expect(
            try service.get(root + "agents/activity", try headers()), 200,
            #"{"tenantId":"org-i","data":[]}"#)
        try service.add("org-i", "agent_activity:grid:1", ["09": 54, "10": 87])
        try service.add("org-i", "agent_activity:grid:0", ["23": 1])
        try service.add("org-i", "agent_activity:grid:3", ["14": 201])
        expect(
            try service.get(root + "agents/activity", try headers()), 200,
            """
            {"tenantId": "org-i", "data": [{"dow": 0, "hour": 23, "count": 1},
             {"dow": 1, "hour": 9, "count": 54}, {"dow": 1, "hour": 10, "count": 87},
             {"dow": 3, "hour": 14, "count": 201}]}
            """)
    }

    @Test func agents() throws {
        let service = try TestService()
        try service.rank(
            "org-i", "agent_tokens:month:2026-03", ["b": 87, "a": 87, "c%3Ad": 312])
        try service.rank("org-i", "agent_tokens:month:2026-02", ["old": 5])
        expect(
            try service.get(root + "agents", try headers()), 200,
            """
            {"tenantId": "org-i", "month": "2026-03", "data": [{"agentId": "c:d", "tokenCount": 312},
             {"agentId": "a", "tokenCount": 87}, {"agentId": "b", "tokenCount": 87}]}
            """)
        try service.setNow("2026-04-01T00:00:00Z")
        expect(
            try service.get(root + "agents", try headers()), 200,
            #"{"tenantId":"org-i","month":"2026-04","data":[]}"#)
    }

    /// More members than may be read in one call.
    @Test func manyAgents() throws {
        let service = try TestService()
        try service.run(
            "EVAL",
            "for i = 1, 12000 do redis.call('ZADD', KEYS[1], i % 7 + 1, string.format('a%05d', i)) end",
            "1", TestService.key("org-i", "agent_tokens:month:2026-03"))
        let answer = try service.get(root + "agents", try headers())
        #expect(answer.status == 200)
        #expect(answer.headers["X-Odometer-Snapshot"] == "no")
        #expect(answer.body.contains(#""data":[{"agentId":"a00006","tokenCount":7}"#))
        #expect(answer.body.hasSuffix(#"{"agentId":"a11998","tokenCount":1}]}"#))
        #expect(answer.body.components(separatedBy: "agentId").count == 12_001)
    }

    @Test func organizationClaim() throws {
        let service = try TestService()
        let forbidden = #"{"code":"FORBIDDEN","message":"The token names no organization"}"#
        for claims in [
            "{\"exp\": 1893456000}", "{\"exp\": 1893456000, \"organization_id\": 7}",
            "{\"exp\": 1893456000, \"organization_id\": \"\"}",
        ] {
            let token = try signed(claims, key: TestService.secret)
            expect(
                try service.get(root + "tokens?days=0", ["Authorization": "Bearer \(token)"]), 403,
                forbidden)
        }
        for path in ["tokens?days=0", "agents", "agents/activity"] {
            expect(
                try service.get(root + path), 401,
                #"{"code":"UNAUTHORIZED","message":"Missing, invalid or expired token"}"#)
        }
    }
}
