import API
import Foundation
import Query
import Testing

@Suite struct OperationsTests {
    private func open() throws -> (TestService, [String: String]) {
        let service = try TestService()
        let key = try service.key("o", ["operations"], role: .read)
        return (service, ["Authorization": "Bearer \(key)"])
    }

    @Test func list() throws {
        let (service, headers) = try open()
        let body = try service.get("/v1/meters", headers).json
        #expect(
            body.contains(
                #"{"by":["agent"],"kind":"ranking","name":"agent_tokens","per":[[]],"windows":["month"]}"#
            ))
        #expect(body.contains(#""name":"consents","per":[[],["project"]]"#))
    }

    @Test func everyKind() throws {
        let (service, headers) = try open()
        try service.add("o", "tokens:day:2026-03", ["08": 3, "09": 4])
        try service.add("o", "totals", ["buckets": -1])
        try service.add("o", "connections_open:all", ["s:p:d": 2, "a%3Ab:p:d": 5, "x:p:d": -5])
        try service.set(
            "o", "totals", "last_alert", try TestService.digits("2026-01-02T03:04:05.5Z"))
        try service.set("o", "resolution_max:day:2026-03", "09", "0\(UInt64(7) + (1 << 63))")
        try service.add("o", "resolution_steps:day:2026-03-09", ["5": 1, "128": 2])
        try service.add("o", "agent_activity:grid:6", ["00": 1])
        try service.rank("o", "user_interactions:day:2026-03-09", ["u": 2])
        try service.distinct("o", "project=p:consent_users:day:2026-03-09", ["a", "b"])
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
                try service.get("/v1/meters/\(target)", headers), 200,
                #"{"meter":"\#(name)","kind":"\#(kind)","per":\#(per),"data":[\#(data)]}"#)
        }
    }

    /// Without dates a window has a default range that fits into one answer; a start that lies in
    /// the future has its own window, as a series of future days has.
    @Test func defaultRanges() throws {
        let (service, headers) = try open()
        for (target, range, pieces) in [
            ("tokens", "2026-02-07T00:00:00Z/2026-03-10T00:00:00Z", 1),
            ("tokens?window=day", "2026-02-07T00:00:00Z/2026-03-10T00:00:00Z", 31),
            (
                "connections_opened?window=quarter", "2026-03-02T14:00:00Z/2026-03-09T14:15:00Z",
                673
            ),
            ("alerts_triggered?window=minute", "2026-03-09T02:07:00Z/2026-03-09T14:08:00Z", 721),
            (
                "alerts_triggered?window=minute&end=2026-03-09T12:00:00Z",
                "2026-03-09T00:00:00Z/2026-03-09T12:00:00Z", 720
            ),
            (
                "tokens?start=2026-03-12T10:00:00Z", "2026-03-12T00:00:00Z/2026-03-13T00:00:00Z", 1
            ),
            (
                "tokens?window=day&start=2026-03-12T10:00:00Z",
                "2026-03-12T00:00:00Z/2026-03-13T00:00:00Z", 1
            ),
        ] {
            let answer = try service.get("/v1/meters/\(target)", headers)
            #expect(answer.status == 200, "\(target): \(answer.body)")
            #expect(answer.headers["X-Odometer-Range"] == range, "\(target)")
            #expect(answer.body.components(separatedBy: #""start":"#).count == pieces + 1)
        }
    }

    /// The text of an event may be empty, and then its cells are read by an empty value.
    @Test func emptyDimension() throws {
        let (service, headers) = try open()
        try service.add("o", "project=:sessions:day:2026-03", ["09": 3])
        let answer = try service.get(
            "/v1/meters/sessions?project=&start=2026-03-09T00:00:00Z", headers)
        #expect(
            answer.body.contains(#""per":{"project":""}"#) && answer.body.contains(#""value":3"#))
    }

    @Test func refusedDates() throws {
        let (service, headers) = try open()
        for (target, message) in [
            (
                "tokens?start=2001-01-01T00:00:00Z",
                "start and now are more than 3660 days apart"
            ),
            (
                "tokens?start=2001-01-01T00:00:00Z&end=2026-03-09T00:00:00Z",
                "start and end are more than 3660 days apart"
            ),
            (
                "tokens?start=2001-01-01T00:00:00Z&window=day",
                "start and now hold 9199 windows of one day; at most 1000 are answered"
            ),
            (
                "connections_opened?window=quarter&start=2026-03-01T00:00:00Z&end=2026-03-21T00:00:00Z",
                "start and end hold 1920 windows of one quarter; at most 1000 are answered"
            ),
            (
                "buckets?start=2001-01-01T00:00:00Z",
                "the meter keeps only the window all: start and end cannot be given"
            ),
            (
                "api_keys?window=all&end=2026-01-01T00:00:00Z",
                "start and end cannot be given with window=all"
            ),
            (
                "interactions?window=all&start=2026-01-01T00:00:00Z",
                "start and end cannot be given with window=all"
            ),
            (
                "agent_activity?start=2026-01-01T00:00:00Z",
                "the meter has no time windows: start, end and window cannot be given"
            ),
            (
                "agent_activity?window=day",
                "the meter has no time windows: start, end and window cannot be given"
            ),
        ] {
            expect(
                try service.get("/v1/meters/\(target)", headers), 400,
                #"{"error":"Bad Request","message":"\#(message)"}"#)
        }
    }

    @Test func refusals() throws {
        let (service, headers) = try open()
        for (target, status, message) in [
            ("nothing", 404, "There is no such meter"),
            ("tokens?window=minute", 400, "window must be one of: day"),
            ("tokens?start=x", 400, "start is not an RFC 3339 time with a zone"),
            (
                "tokens?start=2026-03-09T00:00:01Z&end=2026-03-09T00:00:00Z", 400,
                "start is after end"
            ),
            (
                "sessions?user=u", 400,
                #"unknown parameter \"user\"; known are: start, end, window, limit, numbers, project"#
            ),
            (
                "connection_keys?service=s&protocol=p", 400,
                "the meter has no cells per protocol and service; dimensions may be: service and protocol and dataCenter"
            ),
            (
                "connection_keys", 400,
                "the meter has no cells of the whole organization; dimensions may be: service and protocol and dataCenter"
            ),
            ("tokens?windows=day", 400, #"unknown parameter \"windows\" (did you mean window?)"#),
            ("tokens?window=", 400, "window is empty"), ("tokens?start=", 400, "start is empty"),
            ("sessions?project=a&project=b", 400, "project is given more than once"),
            ("tokens?limit=0", 400, "limit must be from 1 to 10000"),
        ] {
            let reason = status == 404 ? "Not Found" : "Bad Request"
            expect(
                try service.get("/v1/meters/\(target)", headers), status,
                #"{"error":"\#(reason)","message":"\#(message)"}"#)
        }
        expect(
            try service.get("/v1/meters?limit=1", headers), 400,
            #"{"error":"Bad Request","message":"unknown parameter \"limit\": this path takes no parameters"}"#
        )
        let writer = try service.key("o", ["operations"], role: .write)
        #expect(
            try service.get("/v1/meters", ["Authorization": "Bearer \(writer)"]).status == 403)
    }
}
