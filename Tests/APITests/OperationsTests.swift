import API
import Foundation
import Query
import Testing

@Suite struct OperationsTests {
    private func open() throws -> (House, [String: String]) {
        let house = try House()
        let key = try house.key("o", ["operations"], role: .read)
        return (house, ["Authorization": "Bearer \(key)"])
    }

    @Test func list() throws {
        let (house, headers) = try open()
        let body = try house.get("/v1/meters", headers).json
        #expect(
            body.contains(
                #"{"by":["agent"],"kind":"ranking","name":"agent_tokens","per":[[]],"windows":["month"]}"#
            ))
        #expect(body.contains(#""name":"consents","per":[[],["project"]]"#))
    }

    @Test func everyKind() throws {
        let (house, headers) = try open()
        try house.add("o", "tokens:day:2026-03", ["08": 3, "09": 4])
        try house.add("o", "totals", ["buckets": -1])
        try house.add("o", "connections_open:all", ["s:p:d": 2, "a%3Ab:p:d": 5, "x:p:d": -5])
        try house.set("o", "totals", "last_alert", try House.digits("2026-01-02T03:04:05.5Z"))
        try house.set("o", "resolution_max:day:2026-03", "09", "0\(UInt64(7) + (1 << 63))")
        try house.add("o", "resolution_steps:day:2026-03-09", ["5": 1, "128": 2])
        try house.add("o", "agent_activity:grid:6", ["00": 1])
        try house.rank("o", "user_interactions:day:2026-03-09", ["u": 2])
        try house.distinct("o", "project=p:consent_users:day:2026-03-09", ["a", "b"])
        let day = #""start":"2026-03-09T00:00:00Z","end":"2026-03-10T00:00:00Z""#
        let ever = #""start":null,"end":null"#
        let today = "start=2026-03-09T00:00:00Z"
        for (target, kind, per, data) in [
            (
                "tokens?window=day&start=2026-03-08T00:00:00Z", "count", "{}",
                """
                {"start": "2026-03-08T00:00:00Z", "end": "2026-03-09T00:00:00Z", "value": 3},
                {\(day), "value": 4}
                """
            ),
            ("tokens?\(today)", "count", "{}", "{\(day), \"value\": 4}"),
            ("buckets", "level", "{}", "{\(ever), \"value\": 0}"),
            ("buckets?window=all", "level", "{}", "{\(ever), \"value\": 0}"),
            (
                "connections_open?limit=2", "level", "{}",
                """
                {\(ever), "rows": [
                  {"service": "a:b", "protocol": "p", "dataCenter": "d", "value": 5},
                  {"service": "s", "protocol": "p", "dataCenter": "d", "value": 2}]}
                """
            ),
            (
                "last_alert", "extreme", "{}",
                "{\(ever), \"value\": \"2026-01-02T03:04:05.5000000Z\"}"
            ),
            ("resolution_max?\(today)", "extreme", "{}", "{\(day), \"value\": 7}"),
            (
                "resolution_max?\(today)&project=none", "extreme", #"{"project":"none"}"#,
                "{\(day), \"value\": null}"
            ),
            (
                "resolution_steps?\(today)", "histogram", "{}",
                """
                {\(day), "steps": [{"low": 5, "high": 6, "count": 1},
                                   {"low": 128, "high": 130, "count": 2}]}
                """
            ),
            (
                "agent_activity", "grid", "{}",
                "{\(ever), \"cells\": [{\"dow\": 6, \"hour\": 0, \"count\": 1}]}"
            ),
            (
                "user_interactions?\(today)", "ranking", "{}",
                "{\(day), \"rows\": [{\"user\": \"u\", \"value\": 2}]}"
            ),
            (
                "consent_users?\(today)&project=p", "distinct", #"{"project":"p"}"#,
                "{\(day), \"value\": 2}"
            ),
        ] {
            let name = target.prefix { $0 != "?" }
            expect(
                try house.get("/v1/meters/\(target)", headers), 200,
                #"{"meter":"\#(name)","kind":"\#(kind)","per":\#(per),"data":[\#(data)]}"#)
        }
    }

    @Test func refusals() throws {
        let (house, headers) = try open()
        for (target, status, message) in [
            ("nothing", 404, "There is no such meter"),
            ("tokens?window=minute", 400, "window must be one of: day"),
            ("tokens?start=x", 400, "start is not an RFC 3339 time with a zone"),
            (
                "tokens?start=2026-03-09T00:00:01Z&end=2026-03-09T00:00:00Z", 400,
                "start is after end"
            ),
            (
                "tokens?start=2001-01-01T00:00:00Z", 400,
                "start and end are more than 3660 days apart"
            ),
            (
                "tokens?start=2001-01-01T00:00:00Z&window=day", 400,
                "start and end hold more than 1000 windows"
            ),
            (
                "buckets?start=2026-01-01T00:00:00Z", 400,
                "start and end: the meter keeps no windows but all"
            ),
            (
                "sessions?user=u", 400,
                "the meter has no cells per user; dimensions may be: none; project"
            ),
            ("sessions?project=a&project=b", 400, "project is given more than once"),
            ("tokens?limit=0", 400, "limit must be from 1 to 10000"),
        ] {
            let reason = status == 404 ? "Not Found" : "Bad Request"
            expect(
                try house.get("/v1/meters/\(target)", headers), status,
                #"{"error":"\#(reason)","message":"\#(message)"}"#)
        }
        let writer = try house.key("o", ["operations"], role: .write)
        #expect(
            try house.get("/v1/meters", ["Authorization": "Bearer \(writer)"]).status == 403)
    }
}
