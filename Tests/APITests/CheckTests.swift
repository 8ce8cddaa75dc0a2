import API
import Catalog
import Foundation
import HTTPServer
import Query
import Redis
import TestSupport
import Testing

/// `POST /v1/check` over a private Redis, at 2026-03-09T14:07:31Z.
@Suite struct CheckTests {
    private static let catalog = """
        version: 1
        events:
          call: {fields: {model: {at: /data/model}, n: {at: /data/n, is: integer},
            cost: {at: /data/cost, is: decimal, scale: 2}}}
          joined: {}
          left: {}
        meters:
          calls: {kind: count, windows: [quarter, day, month, all], on: [{event: call}]}
          by_model: {kind: count, by: [model], windows: [day, all], on: [{event: call}]}
          spent: {kind: sum, windows: [day, month], on: [{event: call, amount: cost}]}
          top: {kind: ranking, by: [model], windows: [month, all], on: [{event: call, amount: n}]}
          users: {kind: distinct, of: model, windows: [day], on: [{event: call}]}
          seats: {kind: level, windows: [all],
            on: [{event: joined, amount: count}, {event: left, amount: -count}]}
          rooms: {kind: level, windows: [day],
            on: [{event: joined, amount: count}, {event: left, amount: -count}]}
        """
    private let service: TestService
    private let headers: [String: String]

    init() throws {
        service = try TestService(
            catalog: CatalogReader.check(files: [("a.yaml", Array(Self.catalog.utf8))]))
        headers = ["Authorization": "Bearer \(try service.key("o", ["operations"], role: .write))"]
        try service.mark("o", milliseconds: 1_773_065_251_000 - 1_500)
    }

    private func limits(_ list: String, of kind: String = "organization") throws {
        try service.directory("o", kind, ["name": #""N""#, "limits": list])
    }

    private func post(_ body: String) throws -> Answer {
        try service.send(.post, "/v1/check", headers, body: Array(body.utf8))
    }

    /// The one answer of a check, which is the same a second time, when it is read ahead.
    private func check(_ body: String) throws -> [String: Any] {
        let answer = try post(body)
        #expect(answer.status == 200, "\(answer.body)")
        #expect(try post(body).json == answer.json)
        return try object(answer)
    }

    private func object(_ answer: Answer) throws -> [String: Any] {
        try #require(
            JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
    }

    /// Whole answers, member by member.
    @Test func form() throws {
        try limits(#"[{"meter": "calls", "limit": 10, "period": "day", "zone": "Europe/Berlin"}]"#)
        try service.add("o", "calls:quarter:2026-03-08", ["2245": 9, "2300": 2])
        try service.add("o", "calls:quarter:2026-03-09", ["1400": 5, "2245": 1, "2300": 9])
        let wanted = """
            {"meter": "calls", "allowed": true, "exceeded": false, "used": 8, "limit": 10,
             "remaining": 2, "period": "day", "mode": "hard",
             "resetsAt": "2026-03-10T00:00:00+01:00", "asOf": "2026-03-09T14:07:29.500Z",
             "ageMs": 1500}
            """
        expect(try post(#"{"subject": "o", "meter": "calls", "amount": 2}"#), 200, wanted)
        expect(
            try post(#"{"checks": [{"meter": "calls", "amount": 2}]}"#), 200,
            #"{"checks": [\#(wanted)]}"#)
        let beyond = try check(#"{"meter": "calls", "amount": 3}"#)
        #expect(beyond["allowed"] as? Bool == false && beyond["exceeded"] as? Bool == true)
        let none = try post(#"{"meter": "seats"}"#)
        expect(
            none, 200,
            """
            {"meter": "seats", "allowed": true, "exceeded": false, "used": null, "limit": null,
             "remaining": null, "period": null, "mode": null, "resetsAt": null,
             "asOf": "2026-03-09T14:07:29.500Z", "ageMs": 1500}
            """)
        #expect(none.headers["X-Odometer-As-Of"] == "2026-03-09T14:07:29.500Z")
    }

    /// The edge of a limit, to the last decimal.
    @Test func decimals() throws {
        try limits(#"[{"meter": "spent", "limit": 100.10, "period": "month"}]"#)
        try service.add("o", "spent:month:2026", ["03": 9_999])
        for (amount, isAllowed) in [("0.11", true), ("1.1e-1", true), ("0.12", false), ("0", true)]
        {
            let found = try post(#"{"meter": "spent", "amount": \#(amount)}"#)
            #expect(found.body.contains(#""allowed":\#(isAllowed)"#), "\(amount): \(found.body)")
            #expect(found.body.contains(#""used":99.99,"limit":100.10,"remaining":0.11"#))
        }
        for amount in ["0.111", "-0.01", "90071992547409.92", "\"1\"", "null"] {
            let found = try post(#"{"meter": "spent", "amount": \#(amount)}"#)
            #expect(
                found.status == 400 && found.body.contains("amount"), "\(amount): \(found.body)")
        }
        // Beyond what a double tells apart.
        try limits(#"[{"meter": "spent", "limit": 90071992547409.91, "period": "month"}]"#)
        try service.run("HSET", TestService.key("o", "spent:month:2026"), "03", "9007199254740990")
        #expect(try check(#"{"meter": "spent", "amount": 0.01}"#)["allowed"] as? Bool == true)
        #expect(try check(#"{"meter": "spent", "amount": 0.02}"#)["allowed"] as? Bool == false)
        // A sum may be far beyond its limit, or below zero.
        try service.run("HSET", TestService.key("o", "spent:month:2026"), "03", "\(Int64.max)")
        let far = try check(#"{"meter": "spent", "amount": 90071992547409.91}"#)
        #expect(far["allowed"] as? Bool == false && far["remaining"] as? Double == 0)
        try service.run("HSET", TestService.key("o", "spent:month:2026"), "03", "\(Int64.min)")
        #expect(
            try post(#"{"meter": "spent"}"#).body.contains(#""remaining":92233720368547758.07"#))
    }

    @Test func softAndNoLimit() throws {
        try limits(
            """
            [{"meter": "calls", "limit": 5, "period": "day", "mode": "soft"},
             {"meter": "spent", "limit": null, "period": "day"}]
            """)
        try limits(
            """
            [{"meter": "calls", "limit": 1, "period": "day"},
             {"meter": "spent", "limit": 1, "period": "day"},
             {"meter": "top", "limit": 4, "period": "month"}]
            """, of: "plan")
        try service.add("o", "calls:day:2026-03", ["09": 5])
        try service.add("o", "spent:day:2026-03", ["09": 500])
        try service.rank("o", "top:month:2026-03", ["a": 1, "b": 2])
        let soft = try check(#"{"meter": "calls"}"#)
        #expect(soft["allowed"] as? Bool == true && soft["exceeded"] as? Bool == true)
        #expect(soft["mode"] as? String == "soft" && soft["remaining"] as? Int == 0)
        #expect(try check(#"{"meter": "calls", "amount": 0}"#)["exceeded"] as? Bool == false)
        // The organization's own null replaces the plan's number.
        let free = try check(#"{"meter": "spent", "amount": 1000}"#)
        #expect(free["allowed"] as? Bool == true && free["limit"] is NSNull)
        // The plan's, where the organization has none.
        #expect(try check(#"{"meter": "top"}"#)["allowed"] as? Bool == true)
        #expect(try check(#"{"meter": "top", "amount": 2}"#)["allowed"] as? Bool == false)
        // The cells of a meter without members are its sum.
        #expect(try check(#"{"meter": "top"}"#)["used"] as? Int == 3)
    }

    /// Of several limits the one that denies is shown, else the tightest; filters choose.
    @Test func severalLimits() throws {
        try limits(
            """
            [{"meter": "by_model", "limit": 100, "period": "day"},
             {"meter": "by_model", "limit": 20, "period": "day", "filter": {"model": ["l", "m"]}},
             {"meter": "by_model", "limit": 5, "period": "day", "mode": "soft",
              "filter": {"model": "l"}},
             {"meter": "by_model", "limit": 1000}]
            """)
        try service.add("o", "by_model:day:2026-03-09", ["l": 10, "m": 8, "s": 70])
        try service.add("o", "by_model:all", ["l": 10, "m": 8, "s": 970])
        func limit(_ by: String, _ amount: Int = 1) throws -> String {
            let found = try check(#"{"meter": "by_model", "amount": \#(amount), "by": \#(by)}"#)
            let states = ["allowed", "exceeded"].map { found[$0] as? Bool == true ? "1" : "0" }
            let numbers = ["used", "limit"].map { "\(found[$0] as? Int ?? -1)" }
            return (states + numbers).joined(separator: " ")
        }
        #expect(try limit("{}") == "1 0 88 100")
        #expect(try limit(#"{"model": "s"}"#, 12) == "1 0 88 100")
        #expect(try limit(#"{"model": "s"}"#, 13) == "0 1 88 100")
        #expect(try limit(#"{"model": "m"}"#, 2) == "1 0 18 20")
        #expect(try limit(#"{"model": "m"}"#, 3) == "0 1 18 20")
        // The soft one is exceeded more, but only the hard one denies.
        #expect(try limit(#"{"model": "l"}"#, 1) == "1 1 10 5")
        #expect(try limit(#"{"model": "l"}"#, 3) == "0 1 18 20")
        #expect(try post(#"{"meter": "by_model", "by": {"modle": "l"}}"#).status == 400)
    }

    /// A level is compared with what there is now, whatever the period.
    @Test func levels() throws {
        try limits(#"[{"meter": "seats", "limit": 3, "period": "month"}]"#)
        try service.add("o", "totals", ["seats": 3])
        let full = try check(#"{"meter": "seats"}"#)
        #expect(full["allowed"] as? Bool == false && full["used"] as? Int == 3)
        #expect(full["resetsAt"] is NSNull && full["period"] is NSNull)
        try service.add("o", "totals", ["seats": -5])
        let empty = try check(#"{"meter": "seats", "amount": 3}"#)
        #expect(empty["allowed"] as? Bool == true && empty["used"] as? Int == 0)
    }

    /// What cannot be compared exactly is refused with what the catalog lacks.
    @Test func refusals() throws {
        func refused(_ limit: String, _ word: String) throws {
            try limits("[\(limit)]")
            let meter = limit.split(separator: "\"")[3]
            // Twice: the second time by limits that are known.
            for _ in 0..<2 {
                let found = try post(#"{"meter": "\#(meter)"}"#)
                #expect(found.status == 501 && found.body.contains(word), "\(limit): \(found.body)")
            }
        }
        try refused(
            #"{"meter": "spent", "limit": 1, "period": "day", "zone": "Europe/Berlin"}"#,
            "add quarter to its windows")
        try refused(#"{"meter": "spent", "limit": 1}"#, "add all to its windows")
        try refused(#"{"meter": "rooms", "limit": 1, "period": "day"}"#, "a limit of a level")
        try refused(#"{"meter": "top", "limit": 1, "period": "day"}"#, "add day to its windows")
        try refused(#"{"meter": "seats", "limit": 1.5}"#, "decimals")
        try refused(#"{"meter": "users", "limit": 1, "period": "day"}"#, "of kind distinct")
        try refused(#"{"meter": "calls", "limit": 1, "zone": "Mars/Olympus"}"#, "Mars/Olympus")
        try refused(
            #"{"meter": "calls", "limit": 1, "filter": {"model": "l"}}"#, "no dimension model")
        try limits(#"[{"meter": "calls", "limit": 1}, {"meter": "spent", "limit": 1}]"#)
        #expect(try post(#"{"meter": "calls"}"#).status == 200)
        let list = try post(#"{"checks": [{"meter": "calls"}, {"meter": "spent"}]}"#)
        #expect(list.status == 501 && list.body.contains("checks[1]: The limit of spent"))
        try limits(#"[{"meter": 1}]"#)
        #expect(try post(#"{"meter": "calls"}"#).body.contains("limits[0]: meter must"))
        // Corrected in the directory, it is answered at once.
        try limits(#"[{"meter": "calls", "limit": 1}]"#)
        #expect(try post(#"{"meter": "calls"}"#).status == 200)
    }

    @Test func badRequests() throws {
        let many = [String](repeating: #"{"meter": "calls"}"#, count: 65).joined(separator: ",")
        for (body, status) in [
            ("", 400), ("[]", 400), ("{}", 400), (#"{"meter": 1}"#, 400),
            (#"{"meter": "nothing"}"#, 404), (#"{"meter": "calls", "limit": 1}"#, 400),
            (#"{"meter": "calls", "meter": "calls"}"#, 400), (#"{"checks": []}"#, 400),
            (#"{"checks": [1]}"#, 400), (#"{"checks": [{}]}"#, 400), (#"{"checks": {}}"#, 400),
            (#"{"checks": [{"meter": "nothing"}]}"#, 404), ("{\"checks\": [\(many)]}", 400),
            (#"{"meter": "calls", "checks": [{"meter": "calls"}]}"#, 400),
            (#"{"meter": "calls", "subject": ""}"#, 400),
            (#"{"meter": "calls", "subject": 1}"#, 400),
            (#"{"meter": "calls", "subject": "p"}"#, 403), (#"{"meter": "calls", "by": []}"#, 400),
            (#"{"meter": "calls", "by": {"a": 1}}"#, 400),
            (#"{"meter": "by_model", "by": {"model": "a", "model": "a"}}"#, 400),
        ] {
            let found = try post(body)
            #expect(found.status == status, "\(body): \(found.body)")
        }
        let body = Array(#"{"meter": "calls"}"#.utf8)
        #expect(try service.send(.post, "/v1/check?a=b", headers, body: body).status == 400)
        #expect(try service.send(.post, "/v1/check", body: body).status == 401)
        #expect(try service.send(.post, "/v1/check", body: [0x7b]).status == 401)
        let get = try service.send(.get, "/v1/check", headers)
        #expect(get.status == 405 && get.headers["Allow"] == "POST")
    }

    /// Keys of every role check, each its own organization.
    @Test func isolation() throws {
        try limits(#"[{"meter": "calls", "limit": 1, "period": "day"}]"#)
        try service.add("o", "calls:day:2026-03", ["09": 1])
        let body = Array(#"{"meter": "calls"}"#.utf8)
        for role in [Role.admin, .write, .read] {
            for (organization, isAllowed) in [("o", false), ("p", true)] {
                let key = try service.key(organization, ["operations"], role: role)
                let found = try service.send(
                    .post, "/v1/check", ["Authorization": "Bearer \(key)"], body: body)
                #expect(found.body.contains(#""allowed":\#(isAllowed)"#), "\(role): \(found.body)")
            }
        }
        // An operator names the organization.
        let key = try service.key("p", ["operations"], role: .operator)
        let operators = ["Authorization": "Bearer \(key)"]
        #expect(try service.send(.post, "/v1/check", operators, body: body).status == 400)
        let named = Array(#"{"meter": "calls", "subject": "o"}"#.utf8)
        for _ in 0..<2 {
            let found = try service.send(.post, "/v1/check", operators, body: named)
            #expect(found.body.contains(#""allowed":false"#), "\(found.body)")
        }
        let other = try service.key("o", ["privacy"])
        #expect(
            try service.send(.post, "/v1/check", ["Authorization": "Bearer \(other)"], body: body)
                .status == 401)
    }

    /// All checks of a request, their limits and the key are read in one round trip, whatever the
    /// amounts.
    @Test func oneRoundTrip() throws {
        try limits(
            """
            [{"meter": "calls", "limit": 10, "period": "day", "zone": "Europe/Berlin"},
             {"meter": "spent", "limit": 10, "period": "month"}, {"meter": "seats", "limit": 5}]
            """)
        func ask(_ amount: Int) throws -> Answer {
            try post(
                """
                {"checks": [{"meter": "calls", "amount": \(amount)}, {"meter": "spent"},
                 {"meter": "seats"}]}
                """)
        }
        // The first one finds nothing in memory, the second one knows the limits.
        for amount in 1...3 { #expect(try ask(amount).status == 200) }
        try service.run("CONFIG", "RESETSTAT")
        #expect(try ask(11).body.contains(#""allowed":false"#))
        let calls = try service.run("INFO", "commandstats").text ?? ""
        for (command, count) in [("multi", 1), ("exec", 1)] {
            #expect(calls.contains("cmdstat_\(command):calls=\(count),"), "\(calls)")
        }
        // A limit that has changed is seen at once.
        try limits(#"[{"meter": "calls", "limit": 20, "period": "day"}]"#)
        let changed = try ask(11)
        #expect(changed.body.contains(#""allowed":true"#) && changed.body.contains(#""limit":20"#))
        #expect(changed.body.contains(#""limit":null"#))
        try service.run("HSET", TestService.key("o", "directory:organization"), "@deleted", "1")
        #expect(try !ask(11).body.contains(#""limit":20"#))
    }

    /// While Redis is away, known limits say what is answered; others are 503.
    @Test func redisAway() throws {
        try limits(
            """
            [{"meter": "calls", "limit": 1, "period": "day", "onUnavailable": "deny"},
             {"meter": "spent", "limit": 1.5, "period": "day", "onUnavailable": "allow"},
             {"meter": "top", "limit": 1, "onUnavailable": "deny", "mode": "soft"},
             {"meter": "seats", "limit": 1, "period": "day"}]
            """)
        try service.directory("p", "organization", ["limits": "[]"])
        let other = ["Authorization": "Bearer \(try service.key("p", ["operations"]))"]
        #expect(try post(#"{"meter": "calls"}"#).status == 200)
        service.redis.stop()
        // The key and the limits are known; the second time without a question to Redis.
        for _ in 0..<2 {
            expect(
                try post(#"{"meter": "calls", "amount": 0}"#), 200,
                """
                {"meter": "calls", "allowed": false, "exceeded": null, "used": null, "limit": 1,
                 "remaining": null, "period": "day", "mode": "hard",
                 "resetsAt": "2026-03-10T00:00:00Z", "asOf": null, "ageMs": null,
                 "unavailable": true}
                """)
        }
        let rest = try post(
            #"{"checks": [{"meter": "spent", "amount": 9}, {"meter": "top"}, {"meter": "by_model"}]}"#
        )
        let found = try #require(try object(rest)["checks"] as? [[String: Any]])
        #expect(found.allSatisfy { $0["allowed"] as? Bool == true }, "\(rest.body)")
        #expect(found.map { $0["unavailable"] as? Bool } == [true, true, nil])
        #expect(rest.body.contains(#""limit":1.50"#))
        let level = try object(post(#"{"meter": "seats"}"#))
        #expect(level["resetsAt"] is NSNull && level["allowed"] as? Bool == true)
        // Errors are the same ones.
        #expect(try post(#"{"meter": "nothing"}"#).status == 404)
        #expect(try post(#"{"meter": "calls", "subject": "p"}"#).status == 403)
        // An organization that was never asked about, and routes that answer with numbers.
        let body = Array(#"{"meter": "calls"}"#.utf8)
        let unknown = try service.send(.post, "/v1/check", other, body: body)
        #expect(unknown.status == 503 && unknown.headers["Retry-After"] == "1")
        #expect(try service.send(.post, "/v1/check", body: body).status == 401)
        #expect(try service.send(.get, "/v1/meters/calls/query", headers).status == 503)
    }
}
