import API
import Catalog
import Foundation
import HTTPServer
import Metering
import Query
import Testing

/// Questions over organizations and the role that may ask them, over a private Redis, at
/// 2026-03-09T14:07:31Z.
@Suite struct AcrossTests {
    private static let catalog = """
        version: 1
        events:
          use:
            fields:
              agent: {at: /data/agent}
              size: {at: /data/size, is: integer, required: true}
              subject: {at: /data/subject}
        meters:
          calls: {kind: count, across: true, windows: [day, month, all], "on": [{event: use}]}
          by_agent: {kind: count, across: true, by: [agent], windows: [day], "on": [{event: use}]}
          agents: {kind: distinct, across: true, of: agent, windows: [day], "on": [{event: use}]}
          top: {kind: ranking, across: true, by: [agent], windows: [day], "on": [{event: use}]}
          least: {kind: extreme, across: true, keep: min, value: size, windows: [day], "on": [{event: use}]}
          sizes: {kind: histogram, across: true, value: size, windows: [day], "on": [{event: use}]}
          open: {kind: level, across: true, windows: [all], "on": [{event: use}]}
          own: {kind: count, windows: [day, all], "on": [{event: use}]}
          named: {kind: count, by: [subject], windows: [all], "on": [{event: use}]}
        """
    private let service: TestService
    private let operators: [String: String]
    private let reader: [String: String]

    init() throws {
        let catalog = try CatalogReader.check(
            files: [(name: "across.yaml", text: Array(AcrossTests.catalog.utf8))])
        let service = try TestService(catalog: catalog)
        self.service = service
        func bearer(_ role: Role) throws -> [String: String] {
            ["Authorization": "Bearer \(try service.key("a", ["operations"], role: role))"]
        }
        operators = try bearer(.operator)
        reader = try bearer(.read)
    }

    private func ask(_ target: String, as headers: [String: String]? = nil) throws -> Answer {
        try service.get("/v1/meters/\(target)", headers ?? operators)
    }

    /// `[group…, value]` of each row.
    private func rows(_ answer: Answer) throws -> [String] {
        #expect(answer.status == 200, "\(answer.body)")
        let object = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
        let data = try #require((object as? [String: Any])?["data"] as? [[String: Any]])
        let by = try #require((object as? [String: Any])?["by"] as? [String])
        return data.map { row in
            let group = by.map { (row["by"] as? [String: String])?[$0] ?? "-" }
            return (group + ["\(row["value"] ?? "none")"]).joined(separator: " ")
        }
    }

    /// The cells of an owner in an organization's shard.
    private func reserved(_ organization: String, _ owner: String, _ rest: String) -> String {
        TestService.key(organization, "").prefix { $0 != "}" } + "}:\(owner):\(rest)"
    }

    /// Cells as `a`, `b` and `c%:` would have them; `a` and `b` are in different shards.
    private func seed() throws {
        for (id, escaped, number) in [("a", "a", 3), ("b", "b", 4), ("c%:", "c%25%3A", 5)] {
            let day = "day:2026-03"
            for owner in [escaped, "%all"] {
                func add(_ rest: String, _ field: String, _ amount: Int) throws {
                    try service.run(
                        "HINCRBY", reserved(id, owner, rest), field, String(amount))
                }
                try add("calls:\(day)", "09", number)
                try add("totals", "calls", number)
                try add("totals", "open", number == 4 ? -10 : number)
                try add("by_agent:day:2026-03-09", "x", number)
                try add("by_agent:day:2026-03-09", "only-\(number)", 1)
                try add("sizes:day:2026-03-09", "\(number)", 1)
                try service.run(
                    "HSET", reserved(id, owner, "least:\(day)"), "09",
                    "0\(UInt64(number) + (1 << 63))")
                try service.run(
                    "PFADD", reserved(id, owner, "agents:day:2026-03-09"), "x", "own-\(number)")
                try service.run(
                    "ZINCRBY", reserved(id, owner, "top:day:2026-03-09"), String(number), "x")
            }
            for meter in ["calls", "by_agent", "agents", "top", "least", "sizes", "open"] {
                for window in ["month:2026-03", "all"] {
                    try service.run(
                        "HSET", reserved(id, "%subjects", "\(meter):\(window)"), escaped, "1")
                }
            }
        }
    }

    private static let day = "from=2026-03-09&to=2026-03-10"

    /// Every kind over all organizations, over some of them, and apart.
    @Test func kinds() throws {
        try seed()
        let day = AcrossTests.day
        let whole = [
            "calls": "12", "by_agent": "15", "agents": "4", "top": "12", "least": "3", "sizes": "3",
        ]
        for (meter, value) in whole {
            #expect(try rows(ask("\(meter)/query?\(day)")) == [value], "\(meter)")
            #expect(try rows(ask("\(meter)/query?\(day)&subject=*")) == [value], "\(meter)")
        }
        let some = [
            "calls": "7", "by_agent": "9", "agents": "3", "top": "7", "least": "3", "sizes": "2",
        ]
        for (meter, value) in some {
            let target = "\(meter)/query?\(day)&subject=a&subject=b&subject=a"
            #expect(try rows(ask(target)) == [value], "\(meter)")
        }
        let apart = [
            "calls": ["a 3", "b 4", "c%: 5"], "by_agent": ["a 4", "b 5", "c%: 6"],
            "agents": ["a 2", "b 2", "c%: 2"], "top": ["a 3", "b 4", "c%: 5"],
            "least": ["a 3", "b 4", "c%: 5"], "sizes": ["a 1", "b 1", "c%: 1"],
        ]
        for (meter, values) in apart {
            #expect(
                try rows(ask("\(meter)/query?\(day)&by=subject&order=name")) == values, "\(meter)")
        }
    }

    /// Groups, filters, all of time and levels.
    @Test func groups() throws {
        try seed()
        let day = AcrossTests.day
        #expect(
            try rows(ask("by_agent/query?\(day)&by=agent,subject&filter=agent=x")) == [
                "x c%: 5", "x b 4", "x a 3",
            ])
        #expect(
            try rows(ask("by_agent/query?\(day)&by=agent&order=name")) == [
                "only-3 1", "only-4 1", "only-5 1", "x 12",
            ])
        #expect(try rows(ask("calls/query?by=subject")) == ["c%: 5", "b 4", "a 3"])
        // A level is clamped once, after the organizations are added up.
        #expect(try rows(ask("open/query")) == ["0"])
        #expect(try rows(ask("open/query?subject=a&subject=c%25:")) == ["8"])
        #expect(try rows(ask("open/query?by=subject&order=name")) == ["a 3", "b 0", "c%: 5"])
        // Who is named is there without events; who is not, is not.
        #expect(
            try rows(ask("calls/query?\(day)&by=subject&subject=a&subject=z&order=name"))
                == ["a 3", "z 0"])
        #expect(try rows(ask("calls/query?from=2026-02-01&to=2026-03-01&by=subject")) == [])
    }

    /// Pages, CSV, several questions, and what the answer says of itself.
    @Test func forms() throws {
        try seed()
        try service.mark("b", milliseconds: 1_773_065_251_000 - 1_500)
        let day = AcrossTests.day
        let first = try ask("calls/query?\(day)&by=subject&limit=2")
        #expect(try rows(first) == ["c%: 5", "b 4"])
        #expect(first.headers["X-Odometer-Snapshot"] == "no")
        #expect(first.body.contains(#""lagMs":1500"#))
        let cursor = try #require(
            first.body.split(separator: "\"next\":\"").last?.split(separator: "\"").first)
        #expect(try rows(ask("calls/query?by=subject&limit=2&cursor=\(cursor)")) == ["a 3"])
        // Another question's cursor: the organizations are part of it.
        #expect(try ask("calls/query?by=subject&subject=a&cursor=\(cursor)").status == 400)
        let csv = try ask("calls/query?\(day)&by=subject&order=name&format=csv").body
        #expect(csv.hasPrefix("start,end,label,subject,value\r\n"))
        let answer = try service.send(
            .post, "/v1/query", operators,
            body: Array(
                #"""
                {"from": "2026-03-09", "to": "2026-03-10", "subject": ["a", "b"],
                 "queries": [{"meter": "calls"}, {"meter": "calls", "by": ["subject"], "order": "name"}]}
                """#.utf8))
        #expect(answer.status == 200)
        let values = answer.body.split(separator: "\"value\":").dropFirst().map { $0.prefix(1) }
        #expect(values == ["7", "3", "4"])
    }

    /// The organizations of a meter and month.
    @Test func subjects() throws {
        try seed()
        try service.run("HSET", reserved("d", "%subjects", "calls:month:2026-01"), "d", "1")
        func list(_ query: String) throws -> String {
            let answer = try ask("calls/subjects\(query)")
            #expect(answer.status == 200, "\(answer.body)")
            return answer.json
        }
        let three = sortedJSON(
            #"{"meter":"calls","subjects":["a","b","c%:"],"meta":{"rows":3,"offset":0,"next":null}}"#
        )
        #expect(try list("") == three)
        #expect(try list("?from=2026-03-31&to=2026-04-01") == three)
        #expect(
            try list("?from=2026-01-31T23:59:59Z&limit=2&offset=1")
                == sortedJSON(
                    #"{"meter":"calls","subjects":["b","c%:"],"meta":{"rows":4,"offset":1,"next":3}}"#
                ))
        #expect(
            try list("?to=2026-02-01")
                == sortedJSON(
                    #"{"meter":"calls","subjects":["d"],"meta":{"rows":1,"offset":0,"next":null}}"#)
        )
        #expect(try ask("own/subjects").status == 400)
        #expect(try ask("nothing/subjects").status == 404)
        #expect(try ask("calls/subjects?from=2026-02-01&to=2026-01-01").status == 400)
        #expect(try ask("calls/subjects?subject=a").status == 400)
    }

    /// An operator's powers are no other role's, and an operator's key opens no organization.
    @Test func isolation() throws {
        try seed()
        let day = AcrossTests.day
        #expect(try rows(ask("calls/query?\(day)", as: reader)) == ["3"])
        #expect(try rows(ask("calls/query?\(day)&subject=a", as: reader)) == ["3"])
        #expect(try rows(ask("calls/query?\(day)&by=subject", as: reader)) == ["a 3"])
        let admin = [
            "Authorization": "Bearer \(try service.key("a", ["operations"], role: .admin))"
        ]
        for headers in [reader, admin] {
            for named in ["subject=b", "subject=*", "subject=a&subject=b", "subject=%25all"] {
                #expect(
                    try ask("calls/query?\(day)&\(named)", as: headers).status == 403, "\(named)")
            }
            #expect(try ask("calls/subjects", as: headers).status == 403)
            let body = #"{"subject": "b", "queries": [{"meter": "calls"}]}"#
            let answer = try service.send(.post, "/v1/query", headers, body: Array(body.utf8))
            #expect(answer.status == 403)
        }
        // No id names what belongs to all.
        #expect(try rows(ask("calls/query?\(day)&subject=%25all")) == ["0"])
        #expect(try rows(ask("calls/query?\(day)&subject=%25subjects")) == ["0"])
        #expect(try ask("calls").status == 403)
        #expect(try service.get("/v1/meters", operators).status == 200)
        for dialect in ["overview", "workspace", "privacy", "connections"] {
            let key = try service.key("a", [dialect], role: .operator)
            let headers = ["Authorization": "Bearer \(key)", "X-API-Key": key, "x-org": "a"]
            for path in [
                "/api/analytics/overview", "/api/v1/app/organization/analytics/totals",
                "/api/connection-analytics/summary",
                "/organizations/497f6eca-6276-4993-bfeb-53cbbbba6f08/metrics",
            ] {
                let status = try service.get(path, headers).status
                #expect([401, 403, 404].contains(status), "\(dialect) \(path) \(status)")
            }
        }
        // The letter of a key must be its record's role.
        let key = try service.key("a", ["operations"], role: .read)
        let hash = String(
            decoding: try #require(APIKey(Array(key.utf8))).hash, as: UTF8.self)
        try service.run("HSET", "odo:1:{dir}:credential:\(hash)", "role", "\"operator\"")
        #expect(try ask("calls/query", as: ["Authorization": "Bearer \(key)"]).status == 401)
    }

    /// What cannot be asked says what to change.
    @Test func refusals() throws {
        func refusal(_ target: String) throws -> String {
            let answer = try ask(target)
            #expect(answer.status == 400, "\(target) \(answer.status)")
            return answer.body
        }
        #expect(try refusal("own/query").contains("add across: true"))
        #expect(try refusal("named/query?by=subject").contains("dimension subject of its own"))
        #expect(try refusal("calls/query?by=subject,subject").contains("twice"))
        #expect(try refusal("calls/query?subject=").contains("subject must be"))
        let long = try refusal("by_agent/query?from=2000-01-01&to=2026-01-01")
        #expect(long.contains("cells, at most"))
    }
}
