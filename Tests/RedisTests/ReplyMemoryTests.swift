import Glibc
import Redis
import TestSupport
import Testing

/// Answers in blocks of memory of our own say the same as the library's,
/// and outlive what brought them.
@Suite struct ReplyMemoryTests {
    @Test func everyShape() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        let answer = try connection.command(
            "EVAL",
            """
            local long = string.rep('x', 200000)
            local many = {}
            for i = 1, 3000 do many[i] = {i, 'text ' .. i} end
            return {1, 'two', {}, {{{'deep', {4}}}, false}, '', long, many,
                    redis.status_reply('FINE'), redis.error_reply('WRONG'), 'end'}
            """, "0")
        let parts = answer.elements
        #expect(parts.count == 10)
        #expect(parts[0] == .integer(1) && parts[1].text == "two" && parts[2] == .array([]))
        let deep = ReplyValue.array([
            .array([.array([.bytes(Array("deep".utf8)), .array([.integer(4)])])]), .null,
        ])
        #expect(parts[3] == deep)
        #expect(parts[4] == .bytes([]))
        #expect(parts[5].bytes == [UInt8](repeating: 120, count: 200_000))
        #expect(parts[6].elements.count == 3_000)
        for (index, one) in parts[6].elements.enumerated() {
            #expect(
                one
                    == .array([.integer(Int64(index + 1)), .bytes(Array("text \(index + 1)".utf8))])
            )
        }
        #expect(
            parts[7].text == "FINE" && parts[8] == .error("ERR WRONG") && parts[9].text == "end")
        #expect(try connection.command("BLPOP", "none", "0.001") == .null)
    }

    @Test func outlivesItsConnection() throws {
        let server = try TestRedis()
        func ask() throws -> Reply {
            var connection = try server.connect()
            connection.append("EVAL", "return {'a', {'b', 7}}", "0")
            return try connection.receive()
        }
        let first = try ask()
        let second = try ask()
        for view in [first.view, second.view] {
            #expect(view[0].equals("a") && view[1][0].equals("b") && view[1][1].integer == 7)
        }
    }

    /// A server that says nonsense in the middle of an array, or announces more than there can be.
    @Test(arguments: [
        "*3\r\n$1\r\na\r\n*2\r\n:1\r\n?", "*2147483647\r\n$1\r\na\r\n?", "*1\r\n*1\r\n?",
    ])
    func nonsense(_ text: String) throws {
        let path = "/tmp/odometer-nonsense-\(getpid())-\(text.utf8.count).sock"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            close(listener)
            unlink(path)
        }
        unlink(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        #expect(isBound && listen(listener, 1) == 0)
        var configuration = try RedisConfiguration(url: "unix://\(path)")
        configuration.commandTimeoutMilliseconds = 5_000
        var connection = try Connection(configuration)
        let server = accept(listener, nil, nil)
        defer { close(server) }
        connection.append("PING")
        try connection.flush()
        let bytes = Array(text.utf8)
        #expect(write(server, bytes, bytes.count) == bytes.count)
        do throws(RedisError) {
            let reply = try connection.receive()
            Issue.record("an answer of kind \(reply.kind)")
        } catch {
            #expect(error.code == .protocolViolation)
        }
    }
}
