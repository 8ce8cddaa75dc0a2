import API
import Catalog
import Foundation
import HTTPServer
import Query
import Testing

/// OpenMeter's API over a private Redis, at 2026-03-09T14:07:31Z.
@Suite struct OpenMeterTests {
    private static let catalog = """
        version: 1
        events:
          prompt:
            type: llm.prompt
            fields:
              tokens: {at: /data/tokens, is: integer}
              cost: {at: /data/cost, is: decimal, scale: 4}
              model: {at: /data/model, default: ""}
              user: {at: /data/user}
        meters:
          prompts: {kind: count, by: [model], windows: [quarter, day, month, all], on: [{event: prompt}]}
          cost: {kind: sum, signed: true, windows: [day, month], on: [{event: prompt, amount: cost}]}
          dearest: {kind: extreme, keep: max, value: cost, windows: [day], on: [{event: prompt}]}
          newest: {kind: extreme, keep: last, value: tokens, windows: [day], on: [{event: prompt}]}
          users: {kind: distinct, of: user, windows: [day, all], on: [{event: prompt}]}
          oldest: {kind: extreme, keep: first, value: tokens, windows: [day], on: [{event: prompt}]}
          last_user: {kind: extreme, keep: last, value: user, windows: [day], on: [{event: prompt}]}
          level: {kind: level, windows: [day], on: [{event: prompt}]}
        """
    private let service: TestService
    private let headers: [String: String]

    init() throws {
        service = try TestService(
            catalog: CatalogReader.check(files: [("a.yaml", Array(Self.catalog.utf8))]))
        headers = ["Authorization": "Bearer \(try service.key("o", ["openmeter"]))"]
    }

    private func ask(_ target: String, accept: String? = nil) throws -> Answer {
        var headers = headers
        headers["Accept"] = accept
        return try service.get("/api/v1/meters\(target)", headers)
    }

    private func post(_ target: String, _ body: String) throws -> Answer {
        try service.send(.post, target, headers, body: Array(body.utf8))
    }

    /// What is shown of the catalog: no levels, no first values and no texts.
    @Test func meters() throws {
        let made = #""createdAt": "1970-01-01T00:00:00Z", "updatedAt": "1970-01-01T00:00:00Z""#
        expect(
            try ask("/cost"), 200,
            """
            {"id": "cost", "slug": "cost", "name": "cost", "aggregation": "SUM",
             "eventType": "llm.prompt", "valueProperty": "$.cost", "groupBy": {}, \(made)}
            """)
        let slugs = try JSONSerialization.jsonObject(with: Data(ask("").body.utf8))
        let list = try #require(slugs as? [[String: Any]])
        #expect(
            list.map { $0["slug"] as? String }
                == ["cost", "dearest", "newest", "prompts", "users"])
        #expect(
            list.map { $0["aggregation"] as? String }
                == ["SUM", "MAX", "LATEST", "COUNT", "UNIQUE_COUNT"])
        expect(
            try service.get("/api/v3/openmeter/meters?page[size]=1&sort=key%20desc", headers), 200,
            """
            {"data": [{"id": "users", "key": "users", "name": "users", "labels": {},
              "aggregation": "unique_count", "event_type": "llm.prompt",
              "value_property": "$.user", "dimensions": {},
              "created_at": "1970-01-01T00:00:00Z", "updated_at": "1970-01-01T00:00:00Z"}],
             "meta": {"page": {"size": 1, "number": 1, "total": 5}}}
            """)
        #expect(try service.get("/api/v3/openmeter/meters/users", headers).status == 200)
        for name in ["oldest", "last_user", "level", "nothing"] {
            #expect(try ask("/\(name)").status == 404)
        }
    }

    /// Whole answers of both versions: windows are whole, empty ones are absent.
    @Test func rows() throws {
        try service.add("o", "prompts:day:2026-03-08", ["": 1, "gpt": 3])
        try service.add("o", "prompts:quarter:2026-03-09T0700", ["gpt": 4])
        try service.add("o", "cost:day:2026-03", ["08": 15_000])
        let range = "from=2026-03-08T00:00:00Z&to=2026-03-09T07:15:00Z"
        expect(
            try ask("/prompts/query?\(range)&windowSize=DAY&groupBy=model&subject=o"), 200,
            """
            {"from": "2026-03-08T00:00:00Z", "to": "2026-03-09T07:15:00Z", "windowSize": "DAY",
             "data": [
              {"value": 1, "windowStart": "2026-03-08T00:00:00Z",
               "windowEnd": "2026-03-09T00:00:00Z", "subject": "o", "groupBy": {"model": ""}},
              {"value": 3, "windowStart": "2026-03-08T00:00:00Z",
               "windowEnd": "2026-03-09T00:00:00Z", "subject": "o", "groupBy": {"model": "gpt"}},
              {"value": 4, "windowStart": "2026-03-09T00:00:00Z",
               "windowEnd": "2026-03-10T00:00:00Z", "subject": "o", "groupBy": {"model": "gpt"}}]}
            """)
        let csv = try ask("/prompts/query?\(range)&groupBy=model", accept: "text/csv, */*")
        #expect(
            csv.body == """
                window_start,window_end,model,value
                2026-03-08T00:00:00Z,2026-03-09T07:15:00Z,,1.000000
                2026-03-08T00:00:00Z,2026-03-09T07:15:00Z,gpt,7.000000

                """)
        #expect(csv.contentType == "text/csv")
        #expect(csv.headers["Content-Disposition"] == "attachment; filename=prompts.csv")
        expect(
            try post(
                "/api/v3/openmeter/meters/cost/query",
                #"{"granularity": "P1D", "group_by_dimensions": ["subject"]}"#), 200,
            """
            {"data": [{"value": "1.5", "from": "2026-03-08T00:00:00Z",
              "to": "2026-03-09T00:00:00Z", "dimensions": {"subject": "o"}}]}
            """)
        expect(
            try ask("/cost/query"), 200,
            """
            {"data": [{"value": 1.5, "windowStart": "2000-01-01T00:00:00Z",
              "windowEnd": "2026-03-09T14:08:00Z", "subject": null, "groupBy": {}}]}
            """)
    }

    /// A count of nothing is 0 where nothing is told apart; a sum of nothing is no row.
    @Test func nothing() throws {
        let zero = """
            {"data": [{"value": 0, "windowStart": "2000-01-01T00:00:00Z",
              "windowEnd": "2026-03-09T14:08:00Z", "subject": null, "groupBy": {}}]}
            """
        expect(try ask("/prompts/query"), 200, zero)
        expect(try ask("/users/query"), 200, zero)
        for target in [
            "/cost/query", "/prompts/query?groupBy=model", "/prompts/query?subject=o",
            "/prompts/query?subject=p",
        ] { expect(try ask(target), 200, #"{"data": []}"#) }
        let body = #"{"windowSize": "DAY", "clientId": "x"}"#
        expect(
            try post("/api/v1/meters/prompts/query", body), 200,
            #"{"windowSize": "DAY", "data": []}"#)
    }

    /// All forms of conditions, by what they leave.
    @Test func filters() throws {
        try service.add("o", "prompts:all", ["gpt-4": 1, "GPT-4o": 2, "it's": 4, "Größe": 8])
        let sums: [(filter: String, value: Int)] = [
            ("filterGroupBy[model]=gpt-4", 1), ("filterGroupBy={'model': 'GPT-4o'}", 2),
            (#"filterGroupBy={'model': "it's"}"#, 4), (#"filterGroupBy={"model": ["it's"]}"#, 4),
            (#"advanced={"model": {"$ne": "gpt-4"}}"#, 14),
            (#"advanced={"model": {"$nin": ["gpt-4", "it's"]}}"#, 10),
            (#"advanced={"model": {"$like": "gpt%"}}"#, 1),
            (#"advanced={"model": {"$ilike": "gpt-_o"}}"#, 2),
            (#"advanced={"model": {"$ilike": "GRÖ_E"}}"#, 8),
            (#"advanced={"model": {"$contains": "PT"}}"#, 3),
            (#"advanced={"model": {"$gte": "gpt-4"}}"#, 5),
            (#"advanced={"model": {"$lt": "gpt-4"}}"#, 10),
            (#"advanced={"model": {"$or": [{"$eq": "it's"}, {"$nlike": "%4%"}]}}"#, 12),
            (#"advanced={"model": {"$and": [{"$gt": "a"}, {"$ncontains": "S"}]}}"#, 1),
        ]
        for (filter, value) in sums {
            let name = filter.replacingOccurrences(
                of: "advanced=", with: "advancedMeterGroupByFilters=")
            let text = try #require(
                name.addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed))
            let answer = try ask("/prompts/query?\(text)")
            #expect(answer.body.contains(#""value":\#(value),"#), "\(filter): \(answer.body)")
        }
        let answer = try post(
            "/api/v3/openmeter/meters/prompts/query",
            #"{"filters": {"dimensions": {"model": {"neq": "gpt-4"}, "subject": {"eq": "o"}}}}"#)
        #expect(answer.body.contains(#""value":"14""#), "\(answer.body)")
    }

    /// What is refused, and how that is written.
    @Test func problems() throws {
        expect(
            try ask("/prompts/query?windowSize=SECOND"), 400,
            """
            {"type": "about:blank", "title": "Bad Request", "status": 400,
             "detail": "windowSize must be one of: MINUTE, HOUR, DAY, MONTH, WEEK"}
            """)
        expect(
            try post("/api/v3/openmeter/meters/prompts/query", #"{"time_zone": "Mars/X"}"#), 400,
            """
            {"type": "https://kongapi.info/konnect/bad-request", "status": 400,
             "title": "Bad Request", "detail": "\(Self.mars)",
             "invalid_parameters": [{"field": "time_zone", "rule": "invalid_time_zone",
              "reason": "\(Self.mars.dropFirst("time_zone ".count))", "source": "body"}]}
            """)
        for (target, part) in [
            ("from=2026-03-08T00:00:01Z", "next edge is 2026-03-08T00:15:00Z"),
            ("from=2026-03-08T00:00:00Z&to=2026-03-09T14:06:00Z", "to is inside"),
            ("from=2026-03-08T00:00:00Z&to=2026-03-08T00:00:00.9Z", "must be before"),
            ("windowSize=HOUR", "more than 45000"), ("filterCustomerId[]=1", "no parameter"),
            ("groupBy=customer_id", "no customers"), ("clientId=", "1 to 36"),
        ] {
            let answer = try ask("/prompts/query?\(target)")
            #expect(answer.status == 400 && answer.body.contains(part), "\(answer.body)")
            #expect(answer.contentType == "application/problem+json")
        }
        // Nothing is later than now.
        let now = "/prompts/query?from=2026-03-08T00:00:00Z&to=2026-03-09T14:07:00Z"
        #expect(try ask(now).status == 200)
        for (method, target) in [
            (HTTPServer.Method.post, "/api/v1/meters"), (.put, "/api/v1/meters/cost"),
            (.delete, "/api/v1/meters/cost"), (.post, "/api/v3/openmeter/meters"),
            (.put, "/api/v3/openmeter/meters/cost"), (.delete, "/api/v3/openmeter/meters/cost"),
            (.get, "/api/v3/openmeter/events"), (.get, "/api/v1/portal/tokens"),
            (.post, "/api/v1/portal/tokens/invalidate"),
        ] {
            #expect(try service.send(method, target, headers).status == 501, "\(target)")
            #expect(try service.send(method, target).status == 401, "\(target)")
        }
        #expect(try service.send(.patch, "/api/v1/meters/cost", headers).status == 405)
    }

    private static let mars =
        "time_zone must be a time zone like Europe/Berlin; the system's database has no such name"

    /// Subjects and values of a dimension.
    @Test func lists() throws {
        try service.add("o", "prompts:day:2026-03-08", ["b": 1, "a": 2])
        try service.add("o", "prompts:day:2026-03-01", ["c": 1])
        try service.add("o", "prompts:all", ["a": 2, "b": 1, "c": 1])
        expect(try ask("/prompts/group-by/model/values"), 200, #"["a", "b"]"#)
        expect(
            try ask("/prompts/group-by/model/values?from=2026-03-01T00:00:00Z"), 200,
            #"["a", "b", "c"]"#)
        expect(try ask("/prompts/subjects"), 200, #"["o"]"#)
        expect(try ask("/cost/subjects"), 200, "[]")
        #expect(try ask("/prompts/group-by/nothing/values").status == 400)
        #expect(try ask("/nothing/subjects").status == 404)
        #expect(try service.get("/api/v3/openmeter/meters/nothing", headers).status == 404)
    }

    /// A token opens what it names until it expires, and pages of any origin may read the answer.
    @Test func portal() throws {
        try service.add("o", "prompts:all", ["a": 2])
        let body = #"{"subject": "o", "allowedMeterSlugs": ["prompts"]}"#
        let made = try post("/api/v1/portal/tokens", body)
        #expect(made.status == 200, "\(made.body)")
        let object = try JSONSerialization.jsonObject(with: Data(made.body.utf8))
        let token = try #require((object as? [String: Any])?["token"] as? String)
        #expect((object as? [String: Any])?["expiresAt"] as? String == "2026-03-09T15:07:31Z")
        let opened = ["Authorization": "Bearer \(token)"]
        let path = "/api/v1/portal/meters/prompts/query"
        let answer = try service.get("\(path)?subject=p&clientId=", opened)
        expect(
            answer, 200,
            """
            {"data": [{"value": 2, "windowStart": "2000-01-01T00:00:00Z",
              "windowEnd": "2026-03-09T14:08:00Z", "subject": "o", "groupBy": {}}]}
            """)
        #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
        #expect(try service.get("/api/v1/portal/meters/cost/query", opened).status == 401)
        #expect(try service.get("/api/v1/meters", opened).status == 401)
        let refused = try service.get(path, headers)
        #expect(refused.status == 401)
        #expect(refused.headers["Access-Control-Allow-Origin"] == "*")
        let asked = try service.send(.options, path)
        #expect(asked.status == 204 && asked.body.isEmpty)
        #expect(asked.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS")
        try service.setNow("2026-03-09T15:07:31Z")
        #expect(try service.get(path, opened).status == 401)
        let reader = ["Authorization": "Bearer \(try service.key("o", ["openmeter"], role: .read))"]
        let other = try service.send(
            .post, "/api/v1/portal/tokens", reader, body: Array(body.utf8))
        #expect(other.status == 403)
        #expect(try post("/api/v1/portal/tokens", #"{"subject": "p"}"#).status == 403)
        #expect(try post("/api/v1/portal/tokens", #"{"subject": 7}"#).status == 400)
    }
}
