import API
import Foundation
import HTTPServer
import Ingest
import Query
import Synchronization
import Testing

/// Events over HTTP: what is said of each, who may send, and what a log's answers become.
@Suite struct EventRouteTests {
    let service: TestService
    let log = ListedLog()

    init() throws {
        service = try TestService(events: log)
    }

    private func event(
        _ id: String, subject: String = "acme", type: String = "token.usage.other",
        version: String = #""specversion": "1.0", "#
    ) -> String {
        #"{\#(version)"id": "\#(id)", "source": "s", "type": "\#(type)", "subject": "\#(subject)"}"#
    }

    private func post(
        _ body: String, type: String = "application/json", role: Role = .write,
        path: String = "/v1/events", dialect: String = "operations", _ more: [String: String] = [:]
    ) throws -> Answer {
        var headers = [
            "Content-Type": type,
            "Authorization": "Bearer " + (try service.key("acme", [dialect], role: role)),
        ]
        headers.merge(more) { $1 }
        return try service.send(.post, path, headers, body: Array(body.utf8))
    }

    @Test func eachEventHasItsResult() throws {
        let body = [event("a"), event("b", subject: "other"), #"{"id": "c"}"#]
            .joined(separator: ",")
        expect(
            try post("[\(body)]"), 200,
            #"""
            {"accepted": 1, "rejected": 2, "results": [
              {"id": "a", "outcome": "accepted", "ignored": true},
              {"id": "b", "outcome": "rejected", "reason": "organization",
               "detail": "subject is not the organization of this key: /subject"},
              {"outcome": "rejected", "reason": "malformed",
               "detail": "specversion is not 1.0: /specversion"}]}
            """#)
        #expect(log.keys == ["acme"])
        let refused = try post(event("b", subject: "other"))
        #expect(refused.status == 400 && log.keys == ["acme"])
        expect(
            try post("[]"), 200, #"{"accepted": 0, "rejected": 0, "results": []}"#)
        let lines = try post(event("d") + "\n" + event("e"), type: "application/x-ndjson")
        #expect(lines.status == 200 && log.keys.count == 3)
    }

    @Test func whoMaySend() throws {
        #expect(try post(event("a"), role: .read).status == 403)
        #expect(try post(event("a"), role: .write).status == 200)
        #expect(try post(event("a"), role: .admin).status == 200)
        #expect(try post(event("a"), ["Authorization": "Bearer x"]).status == 401)
        #expect(try post(event("a"), dialect: "privacy").status == 401)
        // The same key reads nothing.
        let key = try service.key("acme", ["operations"], role: .write)
        #expect(try service.get("/v1/meters", ["Authorization": "Bearer \(key)"]).status == 403)
    }

    @Test func bodiesThatCannotBeRead() throws {
        #expect(try post(event("a"), type: "text/plain").status == 415)
        #expect(try post(event("a"), ["Content-Encoding": "br"]).status == 415)
        #expect(try post(event("a"), ["ce-specversion": "1.0"]).status == 415)
        #expect(try post(event("a"), ["Content-Encoding": "gzip"]).status == 400)
        #expect(try post("[1", type: "application/cloudevents-batch+json").status == 400)
        #expect(try post(event("a"), path: "/v1/events?organization=other").status == 400)
        let most = IngestLimits.events
        #expect(
            try post(String(repeating: "1\n", count: most + 1), type: "application/x-ndjson").status
                == 413)
        #expect(try service.get("/v1/events").status == 405)
        #expect(log.keys.isEmpty)
    }

    @Test func whatTheLogSaysIsAnswered() throws {
        log.say(.full)
        let full = try post(event("a"))
        #expect(full.status == 429 && full.headers["Retry-After"] == "1")
        log.say(.closed)
        #expect(try post(event("a")).status == 503)
        log.say(.taken, [.acknowledged, .unknown, .refused])
        let answer = try post("[\(event("a")),\(event("b")),\(event("c")),\(event("d"))]")
        expect(
            answer, 503,
            #"""
            {"accepted": 2, "rejected": 1, "unknown": 1, "results": [
              {"id": "a", "outcome": "accepted", "ignored": true},
              {"id": "b", "outcome": "unknown"},
              {"id": "c", "outcome": "rejected", "reason": "log",
               "detail": "Kafka does not take this event"},
              {"id": "d", "outcome": "accepted", "ignored": true}]}
            """#)
        #expect(answer.headers["Retry-After"] == "1")
    }

    @Test func withoutALogThereIsNoRoute() throws {
        let service = try TestService()
        let key = try service.key("acme", ["operations"], role: .write)
        let answer = try service.send(
            .post, "/v1/events",
            ["Content-Type": "application/json", "Authorization": "Bearer \(key)"],
            body: Array(event("a").utf8))
        #expect(answer.status == 404)
    }
}

/// A log in memory that remembers the keys of what it took.
final class ListedLog: EventLog {
    private struct State {
        var keys: [String] = []
        var answer = EventLogAnswer.taken
        var fates: [EventFate] = []
    }

    private let state = Mutex(State())

    var keys: [String] { state.withLock { $0.keys } }

    func say(_ answer: EventLogAnswer, _ fates: [EventFate] = []) {
        state.withLock { ($0.answer, $0.fates) = (answer, fates) }
    }

    func send(
        _ events: [OutgoingEvent], timestampMilliseconds: Int64,
        whenDone: @escaping @Sendable ([EventFate]) -> Void
    ) -> EventLogAnswer {
        let (answer, fates) = state.withLock { state -> (EventLogAnswer, [EventFate]) in
            guard state.answer == .taken else { return (state.answer, []) }
            state.keys += events.map { String(decoding: $0.key, as: UTF8.self) }
            let fates = events.indices.map { index in
                state.fates.indices.contains(index) ? state.fates[index] : .acknowledged
            }
            return (.taken, fates)
        }
        if answer == .taken { whenDone(fates) }
        return answer
    }
}
