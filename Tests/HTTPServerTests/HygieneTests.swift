import Glibc
import HTTPServer
import Testing

/// Each rule about the framing of requests, over a real socket.
@Suite(.serialized) struct HygieneTests {
    /// Sends a request and expects this status, then the end of the connection.
    private func expectRefusal(
        _ request: String, _ status: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send(request)
            let answer = try client.answer()
            #expect(answer.status == status, sourceLocation: sourceLocation)
            #expect(client.endsHere(), sourceLocation: sourceLocation)
            #expect(eventually { server.statistics.open == 0 }, sourceLocation: sourceLocation)
            #expect(eventually { server.statistics.active == 0 }, sourceLocation: sourceLocation)
            #expect(server.statistics.answered == 0, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: ["GET", "POST", "PUT", "DELETE"])
    func `content length beside transfer encoding`(method: String) throws {
        try expectRefusal(
            "\(method) / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
    }

    @Test(arguments: ["gzip", "gzip, chunked", "chunked, identity", "xchunked", "identity", ""])
    func `transfer encoding other than chunked`(coding: String) throws {
        try expectRefusal(
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \(coding)\r\n\r\n0\r\n\r\n", 400)
    }

    @Test func `transfer encoding twice`() throws {
        try expectRefusal(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
    }

    @Test func `chunked in the old version`() throws {
        try expectRefusal(
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
    }

    @Test(arguments: ["3", "4"])
    func `content length twice`(second: String) throws {
        try expectRefusal(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                + "Content-Length: \(second)\r\n\r\nabc", 400)
    }

    @Test(arguments: ["-1", "+3", "3, 3", "0x3", "3a", "99999999999999999999999"])
    func `content length that is no number`(length: String) throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\nabc")
            // The library answers this itself; only the status is ours to hold.
            let status = try client.answer().status
            #expect(status == 400 || status == 413)
            #expect(eventually { server.statistics.open == 0 })
            #expect(server.statistics.answered == 0)
        }
    }

    @Test func `host missing`() throws {
        try expectRefusal("GET / HTTP/1.1\r\n\r\n", 400)
    }

    @Test func `host twice`() throws {
        try expectRefusal("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)
    }

    @Test func `forbidden character in a field name`() throws {
        try expectRefusal("GET / HTTP/1.1\r\nHost: a\r\nX(y: 1\r\n\r\n", 400)
    }

    @Test func `space before the colon`() throws {
        try expectRefusal(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400)
    }

    @Test func `declared body too large`() throws {
        try expectRefusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413)
    }

    @Test(arguments: ["GET", "POST"])
    func `chunked body too large`(method: String) throws {
        let piece = String(repeating: "x", count: 0x8000)
        try expectRefusal(
            "\(method) / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "8000\r\n\(piece)\r\n8000\r\n\(piece)\r\n1\r\nx\r\n0\r\n\r\n", 413)
    }

    @Test func `head too large`() throws {
        let value = String(repeating: "x", count: 40_000)
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\nX: \(value)\r\n\r\n")
            #expect(try client.answer().status == 431)
            #expect(eventually { server.statistics.active == 0 })
        }
    }

    /// Each gets an answer at once, whatever is left of the connection's memory.
    @Test func `long targets`() throws {
        try withServer { server in
            func status(_ target: String) throws -> Int {
                let client = try RawClient(port: server.port)
                client.send(
                    "GET \(target) HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 4_000))\r\n\r\n"
                )
                return try client.answer().status
            }
            func target(_ count: Int, parameters: Int) -> String {
                let each = String(repeating: "v", count: max(1, count / parameters - 3))
                return "/?"
                    + Array(repeating: "a=\(each)", count: parameters).joined(separator: "&")
            }
            for count in stride(from: 16_000, through: 40_000, by: 800) {
                for parameters in [1, 20, 100] {
                    let target = target(count, parameters: parameters)
                    let isLong = target.utf8.count + parameters * 64 > 20_480
                    let status = try status(target)
                    #expect((status == 414) == isLong, "\(count) \(parameters): \(status)")
                }
            }
            #expect(try status(target(5_000, parameters: 1_000)) == 414)
            #expect(eventually { server.statistics.active == 0 })
        }
    }

    @Test(arguments: ["GET", "GET ", "", "\0", "GET / HTTP/9.9", "GET / HTTP/x", "PRI * HTTP/2.0"])
    func `a request line that is none`(line: String) throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send("\(line)\r\nHost: a\r\n\r\n")
            client.finishSending()
            #expect(eventually { server.statistics.accepted == 1 && server.statistics.open == 0 })
            #expect(server.statistics.active == 0)
            #expect(server.statistics.answered == 0)
        }
    }

    @Test(arguments: ["/a b", "/a\tb"]) func `a space in the target`(target: String) throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            client.send("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer().status == 400)
        }
    }

    @Test(arguments: [
        "/%00", "/a%", "/a%4", "/a%zz", "/?a=%00", "/?a=%g0", "/a#b", "a", "//\u{7f}", "http:/a",
    ])
    func `broken target`(target: String) throws {
        try withServer { server in
            let client = try RawClient(port: server.port)
            // Harmless for the framing: the connection goes on.
            for _ in 0..<2 {
                client.send("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try client.answer()
                #expect(answer.status == 400)
                #expect(answer.header("Content-Type") == "application/json")
            }
        }
    }

    @Test func `a byte now and then does not hold a connection`() throws {
        try withServer({
            $0.idleTimeoutSeconds = 1
            $0.requestTimeoutSeconds = 3
        }) { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
            let start = MonotonicTime.nanoseconds()
            #expect(
                eventually {
                    client.send("x")
                    usleep(50_000)
                    return server.statistics.open == 0
                })
            #expect(MonotonicTime.nanoseconds() - start < 8_000_000_000)
            #expect(server.statistics.cut == 1)
            #expect(eventually { server.statistics.active == 0 })
        }
    }

    @Test func `a silent connection is closed`() throws {
        try withServer({
            $0.idleTimeoutSeconds = 1
            $0.requestTimeoutSeconds = 600
        }) { server in
            let client = try RawClient(port: server.port)
            #expect(client.endsHere())
            #expect(server.statistics.cut == 0)
        }
    }

    @Test func `connections of one address are limited`() throws {
        try withServer({ $0.perAddressLimit = 3 }) { server in
            let clients = try (0..<3).map { _ in try RawClient(port: server.port) }
            #expect(eventually { server.statistics.open == 3 })
            let fourth = try RawClient(port: server.port)
            #expect(fourth.endsHere())
            clients[2].send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try clients[2].answer().status == 200)
        }
    }
}
