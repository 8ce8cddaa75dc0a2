import API
import Query
import Testing

@Suite struct WorkspaceTests {
    private let root = "/api/v1/app/organization/analytics/"

    private func open(_ role: Role = .read) throws -> (TestService, [String: String]) {
        let service = try TestService()
        let key = try service.key("org-w", ["workspace"], role: role)
        try service.directory("org-w", "organization", ["slug": #""aurora-labs""#])
        return (service, ["Authorization": "Bearer \(key)", "x-org": "aurora-labs"])
    }

    @Test func totalsNow() throws {
        let (service, headers) = try open(.admin)
        try service.add(
            "org-w", "totals",
            [
                "projects": 12, "threads": 184, "interactions": 1_420, "agent_flows": 36,
                "artifacts": -2,
            ])
        let answer = try service.get(root + "totals", headers)
        expect(
            answer, 200,
            """
            {"projects_total": 12, "threads_total": 184, "interactions_total": 1420,
             "agent_flows_total": 36, "uploaded_artifacts_total": 0}
            """)
        #expect(answer.headers["X-Odometer-Range"] == nil)
        #expect(answer.vary == "Authorization, x-org")
    }

    /// A whole month is read from its month cell, the edges from days.
    @Test func totalsInRange() throws {
        let (service, headers) = try open()
        try service.add("org-w", "interactions:month:2026", ["01": 100, "02": 9_000])
        try service.add("org-w", "interactions:day:2025-12", ["14": 50, "15": 1])
        try service.add("org-w", "interactions:day:2026-02", ["10": 2, "11": 50])
        try service.add("org-w", "projects_created:day:2026-02", ["01": 4])
        let answer = try service.get(
            root + "totals?start_date=1765800000&end_date=1770724800", headers)
        expect(
            answer, 200,
            """
            {"projects_total": 4, "threads_total": 0, "interactions_total": 103,
             "agent_flows_total": 0, "uploaded_artifacts_total": 0}
            """)
        #expect(
            answer.headers["X-Odometer-Range"] == "2025-12-15T00:00:00Z/2026-02-11T00:00:00Z")
    }

    @Test func rankingWithTiesAcrossTheCut() throws {
        let (service, headers) = try open()
        let interactions = "org-w"
        try service.rank(
            interactions, "user_interactions:day:2026-03-01", ["u3": 4, "u2": 6, "u1": 5])
        try service.rank(
            interactions, "user_interactions:day:2026-03-09", ["u3": 2, "a%3Ab": 1, "gone": -1])
        try service.rank(
            interactions, "user_agent_flows:day:2026-03-09", ["u1": 5, "u2": 4, "u3": 4, "f": 9])
        try service.rank(interactions, "user_interactions:day:2026-02-07", ["old": 90])
        try service.directory(
            "org-w", "user:u2",
            [
                "id": #""u2""#, "account_id": #""acct_1""#, "name": #""Sasha \"S\" Patel""#,
                "email": #""s@example.com""#, "state": #""Active""#, "roles": #"["AppAdmin"]"#,
                "created_at": #""2026-02-08T14:12:45Z""#, "secret": #""not for others""#,
            ])
        try service.directory("org-w", "user:u3", ["name": #""Gone""#, "@deleted": "1"])
        let unknown =
            #""account_id":null,"name":null,"email":null,"state":null,"roles":null,"created_at":null"#
        let rows = [
            """
            {"user": {"id": "u2", "org_id": "org-w", "account_id": "acct_1",
              "name": "Sasha \\"S\\" Patel", "email": "s@example.com", "state": "Active",
              "roles": ["AppAdmin"], "created_at": "2026-02-08T14:12:45Z"},
             "interactions_created": 6, "agent_flows_created": 4}
            """,
            #"{"user":{"id":"u3","org_id":"org-w",\#(unknown)},"interactions_created":6,"agent_flows_created":4}"#,
            #"{"user":{"id":"u1","org_id":"org-w",\#(unknown)},"interactions_created":5,"agent_flows_created":5}"#,
            #"{"user":{"id":"f","org_id":"org-w",\#(unknown)},"interactions_created":0,"agent_flows_created":9}"#,
            #"{"user":{"id":"a:b","org_id":"org-w",\#(unknown)},"interactions_created":1,"agent_flows_created":0}"#,
        ]
        for limit in [1, 2, 3, 5, 100] {
            let answer = try service.get(root + "ranking/active-users?limit=\(limit)", headers)
            expect(answer, 200, "[\(rows.prefix(limit).joined(separator: ","))]")
        }
        let answer = try service.get(root + "ranking/active-users", headers)
        #expect(
            answer.headers["X-Odometer-Range"] == "2026-02-08T00:00:00Z/2026-03-10T00:00:00Z")
    }

    @Test func activeProjects() throws {
        let (service, headers) = try open()
        try service.rank("org-w", "project_interactions:day:2026-02-02", ["p": 112])
        try service.rank("org-w", "project_agent_flows:day:2026-02-03", ["p": 12])
        try service.directory(
            "org-w", "project:p",
            [
                "name": #""Customer Insights""#, "goal": #""Summarize""#,
                "deadline": #""2026-03-01T00:00:00Z""#, "visibility": #""Private""#,
                "member_count": "4", "default_member_role": #""Editor""#,
                "default_role_enabled": "true", "is_pinned": "true",
            ])
        expect(
            try service.get(
                root + "ranking/active-projects?start_date=1769990400&end_date=1770163200", headers),
            200,
            """
            [{"project": {"id": "p", "name": "Customer Insights", "goal": "Summarize",
               "deadline": "2026-03-01T00:00:00Z", "visibility": "Private", "member_count": 4,
               "default_member_role": "Editor", "default_role_enabled": true,
               "project_context": null, "answer_context": null, "is_pinned": true},
              "interactions_created": 112, "agent_flows_created": 12}]
            """)
        expect(
            try service.get(
                root + "ranking/active-projects?start_date=1773014400&end_date=1773014400", headers),
            200, "[]")
    }

    /// Day cells of rankings are kept 400 days; before that only whole months can be answered.
    @Test func oldRankingByMonths() throws {
        let (service, headers) = try open()
        try service.rank("org-w", "user_interactions:month:2025-01", ["u": 3])
        try service.rank("org-w", "user_interactions:day:2025-03-03", ["u": 4])
        let month = try service.get(
            root + "ranking/active-users?start_date=1735689600&end_date=1738368000", headers)
        #expect(month.body.contains(#""interactions_created":3"#))
        #expect(month.headers["X-Odometer-Range"] == "2025-01-01T00:00:00Z/2025-02-01T00:00:00Z")
        // From a month's first day into the days that are kept.
        let both = try service.get(
            root + "ranking/active-users?start_date=1735689600&end_date=1741046400", headers)
        #expect(both.body.contains(#""interactions_created":7"#))
        // One day; a month less a day; from one month's middle on; to a
        // month that lost its first day.
        for range in [
            (1_736_899_200, 1_736_985_600), (1_735_776_000, 1_738_368_000),
            (1_736_899_200, 1_741_046_400), (1_735_689_600, 1_738_627_200), (0, 0),
        ] {
            for ranking in ["active-users", "active-projects"] {
                let answer = try service.get(
                    root + "ranking/\(ranking)?start_date=\(range.0)&end_date=\(range.1)", headers)
                #expect(answer.status == 400)
                #expect(answer.body.contains("single days are kept from 2025-02-02 on"))
            }
        }
        // Totals are kept by day for ever.
        let old = "start_date=1736899200&end_date=1736985600"
        #expect(try service.get(root + "totals?\(old)", headers).status == 200)
        #expect(
            try service.get(root + "timeseries?type=interactions&\(old)", headers).status == 200)
    }

    @Test func series() throws {
        let (service, headers) = try open()
        try service.add("org-w", "interactions:day:2026-02", ["02": 18, "04": 21])
        try service.add("org-w", "threads_created:day:2026-02", ["03": 1])
        let range = "start_date=1769990400&end_date=1770249600"
        expect(
            try service.get(root + "timeseries?\(range)&type=interactions", headers), 200,
            """
            [{"date": "2026-02-02", "value": 18}, {"date": "2026-02-03", "value": 0},
             {"date": "2026-02-04", "value": 21}]
            """)
        expect(
            try service.get(
                root + "timeseries?type=threads&start_date=1770076800&end_date=1770076800", headers),
            200, #"[{"date": "2026-02-03", "value": 1}]"#)
        for type in ["agent_flows", "projects", "artifacts"] {
            let body = try service.get(root + "timeseries?type=\(type)", headers).body
            #expect(body.hasPrefix(#"[{"date":"2026-02-08","value":0}"#))
            #expect(body.hasSuffix(#"{"date":"2026-03-09","value":0}]"#))
        }
        let end = try service.get(root + "timeseries?type=projects&end_date=1770163200", headers)
            .body
        #expect(end.hasPrefix(#"[{"date":"2026-01-05""#))
        #expect(end.hasSuffix(#"{"date":"2026-02-03","value":0}]"#))
        let start = try service.get(
            root + "timeseries?type=projects&start_date=1773000000", headers)
        #expect(start.body.hasPrefix(#"[{"date":"2026-03-08""#))
        #expect(start.body.hasSuffix(#"{"date":"2026-03-09","value":0}]"#))
    }

    /// A start later than today has its own day, as a range of two
    /// future dates has its days: zeros.
    @Test func startsInTheFuture() throws {
        let (service, headers) = try open()
        let day = #"[{"date":"2030-01-01","value":0}]"#
        for dates in ["start_date=1893456000", "start_date=1893456000&end_date=1893456000"] {
            let series = try service.get(root + "timeseries?type=threads&\(dates)", headers)
            expect(series, 200, day)
            #expect(
                series.headers["X-Odometer-Range"] == "2030-01-01T00:00:00Z/2030-01-02T00:00:00Z")
            let totals = try service.get(root + "totals?\(dates)", headers)
            #expect(totals.status == 200 && totals.body.contains(#""interactions_total":0"#))
            expect(try service.get(root + "ranking/active-users?\(dates)", headers), 200, "[]")
        }
    }

    @Test(
        arguments: [
            ("timeseries?type=interactions&start_date=x", "start_date is not an integer"),
            ("timeseries?type=interactions&start_date=1.5", "start_date is not an integer"),
            ("timeseries?type=interactions&start_date=", "start_date is empty"),
            ("timeseries?type=", "type is empty"),
            (
                "ranking/active-users?startDate=1",
                #"unknown parameter \"startDate\" (did you mean start_date?)"#
            ),
            (
                "ranking/active-projects?Limit=1",
                #"unknown parameter \"Limit\" (did you mean limit?)"#
            ),
            ("totals?limit=1", #"unknown parameter \"limit\"; known are: start_date, end_date"#),
            (
                "timeseries?type=threads&limit=1",
                #"unknown parameter \"limit\"; known are: start_date, end_date, type"#
            ),
            (
                "timeseries?type=interactions&start_date=1&start_date=1",
                "start_date is given more than once"
            ),
            (
                "timeseries?type=interactions&start_date=1769990401&end_date=1769990400",
                "start_date is after end_date"
            ),
            (
                "timeseries?type=interactions&start_date=1700000000&end_date=1769990400",
                "start_date and end_date are more than 366 days apart"
            ),
            (
                "totals?start_date=1700000000",
                "start_date is more than 366 days ago; give end_date too"
            ),
            (
                "timeseries?type=Interactions",
                "type must be interactions, agent_flows, threads, projects or artifacts"
            ),
            (
                "timeseries",
                "type must be interactions, agent_flows, threads, projects or artifacts"
            ),
            ("ranking/active-users?limit=0", "limit must be from 1 to 100"),
            ("ranking/active-projects?limit=101", "limit must be from 1 to 100"),
            ("ranking/active-users?limit=ten", "limit is not an integer"),
            ("totals?end_date=99999999999999999999", "end_date is not an integer"),
            ("totals?end_date=-1", "end_date must be from 0 to 7289654399"),
        ])
    func badParameters(target: String, message: String) throws {
        let (service, headers) = try open()
        expect(
            try service.get(root + target, headers), 400,
            #"{"error":"Bad Request","message":"\#(message)"}"#)
    }

    @Test func orderOfChecks() throws {
        let (service, headers) = try open()
        let token = headers["Authorization"] ?? ""
        let bad = root + "timeseries?type=nothing"
        let unauthorized = #"{"error":"Unauthorized","message":"Invalid or missing token"}"#
        let forbidden = #"{"error":"Forbidden","message":"Insufficient permissions"}"#
        expect(try service.get(bad, [:]), 401, unauthorized)
        expect(try service.get(bad, ["x-org": "aurora-labs"]), 401, unauthorized)
        expect(
            try service.get(
                bad, ["x-org": "aurora-labs", "Authorization": String(token.dropFirst(7))]),
            401, unauthorized)
        expect(
            try service.get(bad, ["Authorization": token]), 400,
            #"{"error":"Bad Request","message":"The header x-org is missing"}"#)
        expect(
            try service.get(bad, ["Authorization": token, "x-org": "Aurora-Labs"]), 403, forbidden)
        expect(try service.get(bad, ["Authorization": token, "x-org": "org-w"]), 403, forbidden)
        let writer = try service.key("org-w", ["workspace"], role: .write)
        expect(
            try service.get(bad, ["Authorization": "Bearer \(writer)", "x-org": "aurora-labs"]),
            403,
            forbidden)
        #expect(try service.get(bad, headers).status == 400)
    }
}
