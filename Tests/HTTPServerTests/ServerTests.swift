import Foundation
import HTTPServer
import Synchronization
import Testing

@Suite(.serialized) struct ServerTests {
    private func get(_ path: String, _ headers: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(headers)\r\n"
    }

    private func object(_ text: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(value as? [String: Any])
    }

    @Test func aRequestIsUnderstood() throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send(get("/a%20b/%C3%A9?x=1&x=2&y=a+b%2B&z&=w"))
            let answer = try client.answer()
            #expect(answer.status == 200)
            #expect(answer.header("Content-Type") == "application/json")
            #expect(answer.header("Cache-Control") == "private, no-cache")
            #expect(answer.header("Vary") == "X-API-Key")
            let body = try object(answer.body)
            #expect(body["path"] as? String == "/a b/é")
            #expect(body["from"] as? String == "127.0.0.1")
            #expect(
                body["query"] as? [String]
                    == ["x", "1", "x", "2", "y", "a b+", "z", "", "", "w"])
        }
    }

    @Test func bodiesArriveWholeByLengthAndInChunks() throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            #expect(try object(client.answer().body)["body"] as? String == "hello")
            client.send(
                "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                    + "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
            #expect(try object(client.answer().body)["body"] as? String == "hello")
            client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.answer().status == 100)
            client.send("abc")
            #expect(try object(client.answer().body)["body"] as? String == "abc")
        }
    }

    @Test func theBodyOfAGETIsReadAndDropped() throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send("GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/2"))
            let first = try object(client.answer().body)
            #expect(first["body"] as? String == "")
            #expect(first["path"] as? String == "/1")
            #expect(try object(client.answer().body)["path"] as? String == "/2")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrderOnOneConnection() throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send((0..<50).map { get("/\($0)") }.joined())
            for index in 0..<50 {
                #expect(try object(client.answer().body)["path"] as? String == "/\(index)")
            }
            #expect(server.statistics.accepted == 1)
            #expect(server.statistics.answered == 50)
        }
    }

    @Test func aRefusalComesAfterTheAnswersBeforeIt() throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send(get("/1") + "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n")
            #expect(try client.answer().status == 200)
            #expect(try client.answer().status == 400)
            #expect(client.endsHere())
        }
    }

    @Test func headIsGETWithoutTheBody() throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send(get("/x"))
            let whole = try client.answer()
            client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = try client.answer(isHead: true)
            #expect(head.status == 200)
            // The echo names the method, one letter longer.
            #expect(head.header("Content-Length") == String(whole.body.utf8.count + 1))
            #expect(head.header("ETag") != nil)
            client.send(get("/y"))
            #expect(try object(client.answer().body)["path"] as? String == "/y")
        }
    }

    @Test func aKnownEntityTagIsAnsweredWith304() throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send(get("/x"))
            let first = try client.answer()
            let tag = try #require(first.header("ETag"))
            let length = first.header("Content-Length")
            for list in [tag, "W/\(tag)", "\"a\", \(tag)", "*"] {
                client.send(get("/x", "If-None-Match: \(list)\r\n"))
                let answer = try client.answer()
                #expect(answer.status == 304)
                #expect(answer.header("ETag") == tag)
                #expect(answer.header("Vary") == "X-API-Key")
                #expect(answer.header("Cache-Control") == "private, no-cache")
                #expect(answer.header("Content-Length") == length)
                #expect(answer.header("Content-Type") == nil)
            }
            client.send(get("/y", "If-None-Match: \(tag)\r\n"))
            #expect(try client.answer().status == 200)
        }
    }

    @Test func theOldVersionClosesAfterItsAnswer() throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.0\r\n\r\n")
            #expect(try client.answer().status == 200)
            #expect(client.endsHere())
        }
    }

    @Test func aHandlerCanCloseTheConnectionAndCannotForgeHeaders() throws {
        try withServer(handle: { _ in
            var response = Response.text(Array("x".utf8))
            response.closesConnection = true
            response.setHeader("X-A", "1")
            response.setHeader("x-a", "b\r\nSet-Cookie: c")
            return response
        }) { server in
            let client = try RawClient(port: server.port)
            client.send(get("/"))
            let answer = try client.answer()
            #expect(answer.header("x-a") == "b  Set-Cookie: c")
            #expect(answer.header("Set-Cookie") == nil)
            #expect(client.endsHere())
        }
    }

    @Test func resetsInTheMiddleOfAnAnswerLeaveNothingBehind() throws {
        let big = [UInt8](repeating: 0x61, count: 4_000_000)
        try withServer(handle: { _ in .text(big) }) { server in
            for _ in 0..<20 {
                let client = try RawClient(port: server.port)
                client.send(get("/"))
                client.reset()
            }
            let client = try RawClient(port: server.port)
            client.send(get("/"))
            #expect(try client.answer().body.utf8.count == big.count)
            #expect(eventually { server.statistics.open == 1 })
            #expect(eventually { server.statistics.active == 0 })
        }
    }

    @Test func twoHundredIdleConnectionsDoNotKeepAnotherFromBeingServed() throws {
        try withServer { server in
            let idle = try (0..<200).map { _ in try RawClient(port: server.port) }
            let client = try RawClient(port: server.port)
            for _ in 0..<100 {
                client.send(get("/x"))
                #expect(try client.answer().status == 200)
            }
            #expect(eventually { server.statistics.open == 201 })
            #expect(idle.count == 200)
        }
    }

    @Test func eachThreadHasOneWorkerReleasedWhenTheServerStops() throws {
        final class Counted: Sendable {
            static let made = Atomic<Int>(0)
            static let alive = Atomic<Int>(0)
            init() {
                Counted.made.add(1, ordering: .relaxed)
                Counted.alive.add(1, ordering: .relaxed)
            }
            deinit { Counted.alive.subtract(1, ordering: .relaxed) }
        }
        let server = Server(
            ServerConfiguration(), makeWorker: { Counted() }, handle: { echo($1) })
        try server.start()
        #expect(Counted.made.load(ordering: .relaxed) == 0)
        for _ in 0..<60 {
            let client = try RawClient(port: server.port)
            client.send(get("/"))
            #expect(try client.answer().status == 200)
        }
        #expect(
            (1...ServerConfiguration().threads).contains(Counted.made.load(ordering: .relaxed)))
        server.stop()
        #expect(Counted.alive.load(ordering: .relaxed) == 0)
    }

    @Test func stoppingWaitsForTheRequestThatHasBegun() throws {
        let isInside = Gate()
        let mayGo = Gate()
        let server = Server(
            ServerConfiguration(), makeWorker: { ProbeWorker() },
            handle: { _, _ in
                isInside.open()
                mayGo.wait()
                return .text(Array("done".utf8))
            })
        try server.start()
        let port = server.port
        let client = try RawClient(port: port)
        client.send(get("/"))
        isInside.wait()
        let stopped = Gate()
        Thread.detachNewThread {
            server.stop()
            stopped.open()
        }
        // The listener is closed to newcomers only by the end; what matters is the answer.
        mayGo.open()
        let answer = try client.answer()
        #expect(answer.body == "done")
        stopped.wait()
        #expect(client.endsHere())
        #expect(throws: RawClient.Failure.self) { try RawClient(port: port) }
        server.stop()
    }

    @Test func aServerCanBeStartedAgainButNotTwiceNorOnATakenPort() throws {
        var configuration = ServerConfiguration()
        let server = Server(configuration, makeWorker: { ProbeWorker() }, handle: { echo($1) })
        try server.start()
        #expect(throws: HTTPError.self) { try server.start() }
        configuration.port = server.port
        let second = Server(configuration, makeWorker: { ProbeWorker() }, handle: { echo($1) })
        let error = #expect(throws: HTTPError.self) { try second.start() }
        #expect(error?.code == .listen)
        server.stop()
        try server.start()
        let client = try RawClient(port: server.port)
        client.send(get("/"))
        #expect(try client.answer().status == 200)
        server.stop()
    }

    @Test func aRoutedServerAnswers200_404_405_429And503() throws {
        let router = try Router([Route(.get, "/orgs/{org}", id: 1), Route(.post, "/busy", id: 2)])
        let limiter = try RateLimiter(perSecond: 0.001, burst: 4)
        try withServer(handle: { request in
            let address = request.remoteAddress.rateLimitKey
            if case .refused(let wait) = limiter.take(
                address, atNanoseconds: MonotonicTime.nanoseconds())
            {
                var response = Response.error(status: 429, message: "too many requests")
                response.setHeader("Retry-After", String(wait))
                return response
            }
            switch router.match(request.method, request.rawPath) {
            case .found(1, let parameters): return .text(parameters["org"] ?? [])
            case .found: return .error(status: 503, message: "busy")
            case .notFound: return .error(status: 404, message: "no such path")
            case .methodNotAllowed(let allow): return .methodNotAllowed(allow: allow)
            }
        }) { server in
            let client = try RawClient(port: server.port)
            client.send(get("/orgs/%61b"))
            #expect(try client.answer().body == "ab")
            client.send(get("/orgs"))
            let missing = try client.answer()
            #expect(missing.status == 404)
            #expect(missing.body == #"{"error":"Not Found","message":"no such path"}"#)
            client.send("DELETE /orgs/a HTTP/1.1\r\nHost: a\r\n\r\n")
            let wrong = try client.answer()
            #expect(wrong.status == 405)
            #expect(wrong.header("Allow") == "GET, HEAD")
            client.send("POST /busy HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            #expect(try client.answer().status == 503)
            client.send(get("/orgs/a"))
            let late = try client.answer()
            #expect(late.status == 429)
            #expect(Int(late.header("Retry-After") ?? "") ?? 0 > 900)
        }
    }

    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: "/proc/net/if_inet6"), "no IPv6 here"))
    func iPv6IsServedToo() throws {
        try withServer({ $0.address = "::1" }) { server in
            let client = try RawClient(port: server.port, isIPv6: true)
            client.send(get("/"))
            #expect(try object(client.answer().body)["from"] as? String == "::1")
        }
        // An IPv4 client of a server on every address is still an IPv4 client.
        try withServer({ $0.address = "::" }) { server in
            let client = try RawClient(port: server.port)
            client.send(get("/"))
            #expect(try object(client.answer().body)["from"] as? String == "127.0.0.1")
        }
    }

    @Test func oneThreadServesAsWell() throws {
        try withServer({ $0.threads = 1 }) { server in
            let clients = try (0..<20).map { _ in try RawClient(port: server.port) }
            for client in clients { client.send(get("/")) }
            for client in clients { #expect(try client.answer().status == 200) }
        }
    }

    @Test func settingsAreChecked() {
        let changes: [(inout ServerConfiguration) -> Void] = [
            { $0.address = "localhost" }, { $0.address = "" }, { $0.port = 65_536 },
            { $0.port = -1 }, { $0.threads = 0 }, { $0.connectionLimit = 1 },
            { $0.perAddressLimit = -1 }, { $0.idleTimeoutSeconds = 0 },
            { $0.requestTimeoutSeconds = 1 }, { $0.bytesPerConnection = 100 },
            { $0.maxBodyBytes = -1 }, { $0.drainSeconds = -1 },
        ]
        for change in changes {
            var configuration = ServerConfiguration()
            change(&configuration)
            #expect(throws: HTTPError.self) { try configuration.validate() }
        }
        var configuration = ServerConfiguration()
        configuration.address = "::1"
        #expect(throws: Never.self) { try configuration.validate() }
    }
}

/// A door that opens once.
final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(false)

    func open() { isOpen.store(true, ordering: .releasing) }

    func wait() { _ = eventually { isOpen.load(ordering: .acquiring) } }
}
