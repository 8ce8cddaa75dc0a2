import Foundation
import HTTPServer
import Synchronization
import Testing

/// Answers that come later, and bodies larger than others.
@Suite(.serialized) struct LaterAnswerTests {
    /// Hands out answers that the test completes.
    private final class Desk: Sendable {
        private let open = Mutex<[String: Later<Response>]>([:])

        func handle(_ request: Request) -> Response {
            let path = String(decoding: request.path, as: UTF8.self)
            guard path.hasPrefix("/later") else { return .text(Array("now".utf8)) }
            var response = Response(status: 500)
            let later = Later<Response>()
            response.later = later
            open.withLock { $0[path] = later }
            if path == "/later/at-once" { complete(path) }
            return response
        }

        func complete(_ path: String) {
            let later = open.withLock { $0.removeValue(forKey: path) }
            later?.complete { .text(Array("later \(path)".utf8)) }
        }

        func wait(_ path: String) {
            let end = ContinuousClock.now + .seconds(10)
            while open.withLock({ $0[path] == nil }), ContinuousClock.now < end { usleep(1_000) }
        }
    }

    private func with(
        _ change: (inout ServerConfiguration) -> Void = { _ in },
        _ body: (Server<ProbeWorker>, Desk) throws -> Void
    ) throws {
        let desk = Desk()
        try withServer(
            {
                $0.threads = 1
                $0.allowsLaterAnswers = true
                change(&$0)
            }, handle: { desk.handle($0) }
        ) { try body($0, desk) }
    }

    private func post(_ path: String, _ body: String = "x") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func oneThreadAnswersOthersWhileAnswersAreAwaited() throws {
        try with { server, desk in
            let clients = try (0..<20).map { _ in try RawClient(port: server.port) }
            for (index, client) in clients.enumerated() { client.send(post("/later/\(index)")) }
            for index in clients.indices { desk.wait("/later/\(index)") }
            let other = try RawClient(port: server.port)
            other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try other.answer().body == "now")
            for index in clients.indices.reversed() {
                desk.complete("/later/\(index)")
                let answer = try clients[index].answer()
                #expect(answer.status == 200 && answer.body == "later /later/\(index)")
            }
            // The connections go on.
            for client in clients {
                client.send(post("/later/at-once") + post("/now"))
                #expect(try client.answer().body == "later /later/at-once")
                #expect(try client.answer().body == "now")
            }
        }
    }

    @Test func aStopAnswersWhoStillWaits() throws {
        let desk = Desk()
        var configuration = ServerConfiguration()
        configuration.threads = 2
        configuration.allowsLaterAnswers = true
        configuration.drainSeconds = 0
        let server = Server(
            configuration, makeWorker: { ProbeWorker() }, handle: { desk.handle($1) })
        try server.start()
        let clients = try (0..<5).map { _ in try RawClient(port: server.port) }
        for (index, client) in clients.enumerated() { client.send(post("/later/\(index)")) }
        for index in clients.indices { desk.wait("/later/\(index)") }
        server.stop()
        for client in clients { #expect(try client.answer().status == 503) }
        // An answer after that changes nothing.
        for index in clients.indices { desk.complete("/later/\(index)") }
    }

    @Test func onlySomePathsTakeLargeBodiesAndTheirMemoryIsLimited() throws {
        try with({
            $0.threads = 2
            $0.maxBodyBytes = 1_000
            $0.largeBodies = LargeBodies(
                paths: ["/large"], mostBytes: 60_000, memoryBytes: 100_000)
        }) { server, _ in
            let large = String(repeating: "x", count: 60_000)
            func status(_ path: String, _ body: String) throws -> Int {
                let client = try RawClient(port: server.port)
                client.send(post(path, body))
                return try client.answer().status
            }
            #expect(try status("/now", large) == 413)
            #expect(try status("/large/", large) == 413)
            #expect(try status("/large", large + "x") == 413)
            #expect(try status("/large?a=1", large) == 200)
            // Two that have not arrived whole fill the memory.
            let head = "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"
            let halves = try (0..<2).map { _ in try RawClient(port: server.port) }
            for half in halves { half.send(head + large.dropLast(12_000)) }
            let end = ContinuousClock.now + .seconds(10)
            while try status("/large", large) != 429, ContinuousClock.now < end {}
            let third = try RawClient(port: server.port)
            third.send(head + large)
            let refused = try third.answer()
            #expect(refused.status == 429)
            #expect(refused.header("Retry-After") == "1")
            // Their end gives it back.
            for half in halves { half.reset() }
            while try status("/large", large) == 429, ContinuousClock.now < end {}
            #expect(try status("/large", large) == 200)
        }
    }
}
