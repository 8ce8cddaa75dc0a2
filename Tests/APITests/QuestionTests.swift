import Foundation
import HTTPServer
import Query
import Testing

/// `/v1/meters/{meter}/query` and `/v1/query` over a private Redis, at 2026-03-09T14:07:31Z.
@Suite struct QuestionTests {
    private let service: TestService
    private let headers: [String: String]

    init() throws {
        service = try TestService()
        headers = ["Authorization": "Bearer \(try service.key("o", ["operations"], role: .read))"]
    }

    private func ask(_ target: String) throws -> Answer {
        try service.send(.get, "/v1/meters/\(target)", headers)
    }

    private func post(_ target: String, _ body: String) throws -> Answer {
        try service.send(.post, target, headers, body: Array(body.utf8))
    }

    private func rows(_ answer: Answer) throws -> [[String: Any]] {
        #expect(answer.status == 200, "\(answer.body)")
        return try #require(member(answer, "data") as? [[String: Any]])
    }

    private func member(_ answer: Answer, _ name: String) throws -> Any? {
        let object = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
        return (object as? [String: Any])?[name]
    }

    private func values(_ answer: Answer) throws -> [Int?] {
        try rows(answer).map { $0["value"] as? Int }
    }

    /// Whole answers, member by member.
    @Test func form() throws {
        try service.add("o", "tokens:day:2026-03", ["08": 3, "09": 4])
        try service.mark("o", milliseconds: 1_773_065_251_000 - 1_500)
        expect(
            try ask("tokens/query?window=day&from=2026-03-08&to=2026-03-10&compare=previous"), 200,
            """
            {"meter": "tokens", "kind": "count", "window": "day", "by": [], "data": [
              {"start": "2026-03-08T00:00:00Z", "end": "2026-03-09T00:00:00Z",
               "label": "2026-03-08", "by": {}, "value": 3, "compare": {
                 "start": "2026-03-06T00:00:00Z", "end": "2026-03-07T00:00:00Z", "value": 0}},
              {"start": "2026-03-09T00:00:00Z", "end": "2026-03-10T00:00:00Z",
               "label": "2026-03-09", "by": {}, "value": 4, "compare": {
                 "start": "2026-03-07T00:00:00Z", "end": "2026-03-08T00:00:00Z", "value": 0}}],
             "meta": {"zone": "UTC", "from": "2026-03-08T00:00:00Z", "to": "2026-03-10T00:00:00Z",
               "clipped": [], "asOf": "2026-03-09T14:07:29.500Z", "lagMs": 1500, "exact": true,
               "error": null, "others": false, "rows": 2, "offset": 0, "next": null}}
            """)
    }

    /// Every kind: what it answers, or why not.
    @Test func kinds() throws {
        try service.add("o", "totals", ["buckets": -1, "tokens": 7])
        try service.add("o", "buckets:day:2026-03", ["09": -2])
        try service.add("o", "connections_open:all", ["s:p:d": 2, "a%3Ab:p:d": 5, "x:p:d": -5])
        try service.set("o", "resolution_max:day:2026-03", "09", "0\(UInt64(7) + (1 << 63))")
        try service.add("o", "resolution_steps:day:2026-03-09", ["5": 1, "128": 2])
        try service.rank("o", "user_interactions:day:2026-03-08", ["u": 2, "v": 3])
        try service.rank("o", "user_interactions:day:2026-03-09", ["u": 2])
        try service.distinct("o", "project=p:consent_users:day:2026-03-09", ["a", "b"])
        let day = "from=2026-03-09&to=2026-03-10"
        #expect(try values(ask("buckets/query")) == [0])
        #expect(try values(ask("connections_open/query?by=service")) == [5, 2, 0])
        #expect(try values(ask("resolution_max/query?\(day)")) == [7])
        #expect(try values(ask("resolution_max/query?\(day)&filter=project=none")) == [nil])
        #expect(
            try values(ask("user_interactions/query?from=2026-03-08&to=2026-03-10&by=user"))
                == [4, 3])
        #expect(try values(ask("user_interactions/query?from=2026-03-08&to=2026-03-10")) == [7])
        let distinct = try ask("consent_users/query?\(day)&filter=project=p")
        #expect(try values(distinct) == [2])
        #expect(distinct.body.contains(#""exact":false,"error":0.0081"#))
        let steps = try ask("resolution_steps/query?\(day)")
        #expect(
            steps.body.contains(
                #""value":3,"steps":[{"low":5,"high":6,"count":1},{"low":128,"high":130,"count":2}]"#
            ))
        // Without an order there is none by value.
        let projects = "\(day)&by=project&filter=project=p&filter=project=a"
        #expect(try values(ask("resolution_steps/query?\(projects)")) == [0, 0])
        let grid = try ask("agent_activity/query")
        #expect(grid.status == 400 && grid.body.contains("agent_activity is a grid"))
        #expect(try ask("nothing/query").status == 404)
    }

    /// Days of a zone come from quarter-hours; filters, groups, order and pages from members.
    @Test func groupsAndPages() throws {
        try service.add(
            "o", "connections_opened:quarter:2026-03-08T2300", ["s:p:d": 1, "t:p:e": 10])
        try service.add("o", "connections_opened:quarter:2026-03-08T2245", ["s:p:d": 100])
        try service.add("o", "connections_opened:day:2026-03-09", ["s:q:d": 5, "u:p:d": 7])
        let berlin = "connections_opened/query?zone=Europe/Berlin&from=2026-03-09&to=2026-03-10"
        // The day of Berlin ends at 23:00 UTC; that cell of the day is not read.
        #expect(try values(ask(berlin)) == [11])
        #expect(try values(ask(berlin + "&window=day&by=service&order=name")) == [1, 10])
        #expect(try values(ask(berlin + "&filter=protocol!=p")) == [0])
        #expect(try values(ask(berlin + "&filter=service=s&filter=service=t")) == [11])
        let utc = "connections_opened/query?from=2026-03-09&to=2026-03-10&by=service,protocol"
        #expect(try values(ask(utc)) == [7, 5])
        let first = try ask(utc + "&limit=1")
        #expect(try values(first) == [7])
        let meta = try #require(try member(first, "meta") as? [String: Any])
        let next = try #require(meta["next"] as? String)
        #expect(meta["rows"] as? Int == 2)
        let second = try ask(utc + "&limit=1&cursor=\(next)")
        #expect(try values(second) == [5])
        #expect(second.body.contains(#""offset":1,"next":null"#))
        #expect(try ask(utc + "&limit=1&order=name&cursor=\(next)").status == 400)
        #expect(try values(ask(utc + "&order=value")) == [5, 7])
    }

    /// Rows of a clipped range are the same on every page, whose cursor holds what was answered.
    @Test func pagesOfAClippedRange() throws {
        try service.add("o", "connections_opened:day:2026-03-09", ["s:q:d": 5, "u:p:d": 7])
        let asked =
            "connections_opened/query?from=2026-03-08T23:05:00Z&to=2026-03-10&by=service&limit=1"
        let first = try ask(asked)
        let meta = try #require(try member(first, "meta") as? [String: Any])
        #expect((meta["clipped"] as? [Any])?.count == 1)
        let second = try ask(asked + "&cursor=\(try #require(meta["next"] as? String))")
        let start = "2026-03-08T23:15:00Z"
        for (answer, value) in [(first, 7), (second, 5)] {
            let row = try #require(try rows(answer).first)
            #expect(row["start"] as? String == start && row["value"] as? Int == value)
            #expect(row["partial"] == nil)
        }
    }

    @Test func commaSeparatedValues() throws {
        try service.add("o", "consent_browsers:day:2026-03-09", ["a,\"b\"": 2, "c": 1])
        let target = "consent_browsers/query?from=2026-03-09&to=2026-03-10&by=browser&limit=1"
        let answer = try ask(target + "&format=csv")
        #expect(
            answer.body == "start,end,label,browser,value\r\n2026-03-09T00:00:00Z,"
                + "2026-03-10T00:00:00Z,,\"a,\"\"b\"\"\",2\r\n")
        #expect(answer.headers["X-Odometer-Rows"] == "2")
        #expect(answer.headers["X-Odometer-Next"] != nil)
        let accepted = try service.send(
            .get, "/v1/meters/\(target)", headers.merging(["Accept": "text/csv"]) { $1 })
        #expect(accepted.body == answer.body)
    }

    /// Several questions in one body, read at one moment.
    @Test func severalMeters() throws {
        try service.add("o", "tokens:day:2026-03", ["08": 3, "09": 4])
        try service.add("o", "interactions:day:2026-03", ["09": 9])
        let answer = try post(
            "/v1/query",
            """
            {"from": "2026-03-08", "to": "2026-03-10", "queries": [
              {"meter": "tokens", "window": "day"}, {"meter": "interactions", "filter": {}}]}
            """)
        let answers = try #require(try member(answer, "answers") as? [[String: Any]])
        #expect(answers.count == 2)
        let values = answers.map { ($0["data"] as? [[String: Any]])?.map { $0["value"] as? Int } }
        #expect(values == [[3, 4], [9]])
        let unknown = try post(
            "/v1/query", #"{"queries": [{"meter": "tokens"}, {"meter": "nothing"}]}"#)
        #expect(unknown.status == 404)
        #expect(unknown.body.contains("queries[1]: There is no such meter"))
    }

    @Test func bodies() throws {
        try service.add("o", "consent_browsers:day:2026-03-09", ["a": 2, "b": 1, "c": 4])
        func value(_ filter: String) throws -> [Int?] {
            try values(
                post(
                    "/v1/meters/consent_browsers/query",
                    #"{"from": "2026-03-09", "to": "2026-03-10", "filter": \#(filter)}"#))
        }
        #expect(try value(#"{"browser": "a"}"#) == [2])
        #expect(try value(#"{"browser": ["a", "b"]}"#) == [3])
        #expect(try value(#"{"browser": {"notIn": ["a"]}}"#) == [5])
        #expect(try value(#"{"browser": {"in": ["a", "c"], "notIn": ["a"]}}"#) == [4])
        #expect(try value(#"{"browser": {"in": []}}"#) == [0])
        #expect(try value(#"{"browser": {"eq": "a", "in": ["b"]}}"#) == [0])
        for body in [
            "[]", "{", #"{"from": 5}"#, #"{"by": "browser"}"#, #"{"limit": 1.5}"#,
            #"{"limit": 0}"#, #"{"from": ""}"#, #"{"nothing": 1}"#, #"{"by": [1]}"#,
            #"{"filter": {"browser": {}}}"#, #"{"filter": {"browser": 1}}"#,
            #"{"by": [], "by": []}"#,
            #"{"filter": {"browser": {"like": "a"}}}"#, #"{"zone": "Berlin"}"#,
            #"{"window": "year"}"#, #"{"cursor": "1.2.3"}"#, #"{"numbers": "yes"}"#,
        ] {
            #expect(try post("/v1/meters/consent_browsers/query", body).status == 400, "\(body)")
        }
        for body in ["", "{}", #"{"queries": []}"#, #"{"queries": [{}]}"#, #"{"queries": [1]}"#] {
            #expect(try post("/v1/query", body).status == 400, "\(body)")
        }
    }

    /// Another organization's numbers cannot be asked for; write keys and other methods are
    /// refused.
    @Test func isolation() throws {
        try service.add("other", "tokens:day:2026-03", ["09": 4])
        try service.add("o:other", "tokens:day:2026-03", ["09": 4])
        let day = "from=2026-03-09&to=2026-03-10"
        #expect(try values(ask("tokens/query?\(day)")) == [0])
        #expect(try ask("tokens/query?\(day)&organization=other").status == 400)
        #expect(try ask("tokens/query?\(day)&subject=other").status == 403)
        #expect(
            try ask("tokens/query?\(day)&filter=organization=other").body
                .contains("tokens has no dimension organization"))
        let body = #"{"organization": "other", "queries": [{"meter": "tokens"}]}"#
        #expect(try post("/v1/query", body).status == 400)
        let write = try service.key("o", ["operations"], role: .write)
        #expect(
            try service.send(.get, "/v1/meters/tokens/query", ["Authorization": "Bearer \(write)"])
                .status == 403)
        #expect(try service.send(.get, "/v1/meters/tokens/query").status == 401)
        let method = try service.send(.get, "/v1/query", headers)
        #expect(method.status == 405 && method.headers["Allow"] == "POST")
        #expect(try service.send(.delete, "/v1/meters/tokens/query", headers).status == 405)
    }
}
