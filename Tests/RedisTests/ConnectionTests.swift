import Foundation
import Redis
import TestSupport
import Testing

@Suite struct ConnectionTests {
    @Test func commandsAndEveryKindOfAnswer() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        #expect(try connection.command("SET", "k", "v") == .bytes(Array("OK".utf8)))
        #expect(try connection.command("GET", "k").text == "v")
        #expect(try connection.command("GET", "absent") == .null)
        #expect(
            try connection.command("INCRBY", "n", "-9007199254740993").integer
                == -9_007_199_254_740_993)
        #expect(
            try connection.command("MGET", "k", "absent").elements == [.bytes([118]), .null])
        #expect(throws: RedisError.self) { try connection.command("HSET", "k", "f", "v") }
        do throws(RedisError) {
            try connection.command("HGET", "k", "f")
        } catch {
            #expect(error.serverPrefix == "WRONGTYPE")
        }
        let isAlive = connection.isAlive
        #expect(isAlive)
    }

    @Test func pipelineKeepsOrderAndAnyBytes() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        let value = [UInt8]((0..<70_000).map { UInt8(truncatingIfNeeded: $0) })
        for index in 0..<1_000 {
            connection.begin(arguments: 3)
            connection.add("SET")
            connection.add(Int64(index) - 500)
            connection.add(text: "é\(index)\r\n")
        }
        connection.append([Array("SET".utf8), value, value])
        connection.append("GET", "-500")
        connection.append([Array("GET".utf8), value])
        #expect(connection.pendingReplies == 1_003)
        for _ in 0..<1_001 {
            let reply = try connection.receive()
            #expect(reply.view.equals("OK"))
        }
        let first = try connection.receive()
        #expect(first.bytes.map { Array($0) } == Array("é0\r\n".utf8))
        let second = try connection.receive()
        #expect(second.bytes.map { Array($0) } == value)
        #expect(connection.pendingReplies == 0)
        #expect(try connection.command("GET", String(Int.max)) == .null)
    }

    @Test func tryReceiveDoesNotWait() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        if let reply = try connection.tryReceive() {
            Issue.record("answer \(reply.kind) without a command")
        }
        connection.append("BLPOP", "list", "10")
        if let reply = try connection.tryReceive() {
            Issue.record("answer \(reply.kind) too early")
        }
        var other = try server.connect()
        try other.command("RPUSH", "list", "x")
        let deadline = Date().addingTimeInterval(10)
        var element: [UInt8]?
        while element == nil && Date() < deadline {
            if let reply = try connection.tryReceive() {
                element = reply[1].bytes.map { Array($0) }
            }
        }
        #expect(element == Array("x".utf8))
    }

    @Test func timeoutKillsTheConnectionOnly() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        server.freeze(true)
        connection.append("PING")
        do throws(RedisError) {
            _ = try connection.receive(timeoutMilliseconds: 50)
            Issue.record("no timeout")
        } catch {
            #expect(error.code == .timeout)
        }
        server.freeze(false)
        let isAlive = connection.isAlive
        #expect(!isAlive)
        do throws(RedisError) {
            try connection.flush()
            Issue.record("dead connection still works")
        } catch {
            #expect(error.code == .timeout)
        }
        var next = try server.connect()
        #expect(try next.command("PING").text == "PONG")
    }

    @Test func aKilledServerIsAnErrorNotASignal() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        server.stop()
        for _ in 0..<3 {
            do throws(RedisError) {
                connection.append("PING")
                _ = try connection.receive()
                Issue.record("answer of a dead server")
            } catch {
                #expect(error.code == .io)
            }
        }
        do throws(RedisError) {
            _ = try Connection(server.configuration)
            Issue.record("connected to nothing")
        } catch {
            #expect(error.code == .connect)
        }
    }

    @Test func entersWithUserPasswordAndDatabase() throws {
        let server = try TestRedis()
        var administrator = try server.connect()
        try administrator.command("ACL", "SETUSER", "ann", "on", ">p%w", "~*", "+@all")
        var configuration = server.configuration
        configuration.user = "ann"
        configuration.password = "p%w"
        configuration.database = 5
        var connection = try Connection(configuration)
        try connection.command("SET", "k", "five")
        #expect(try connection.command("ACL", "WHOAMI").text == "ann")
        #expect(try administrator.command("GET", "k") == .null)
        configuration.password = "wrong"
        do throws(RedisError) {
            _ = try Connection(configuration)
            Issue.record("entered with a wrong password")
        } catch {
            #expect(error.serverPrefix == "WRONGPASS")
            #expect(!"\(error)".contains("wrong "))
        }
    }

    @Test func connectsOverTCPAndSaysWhenNobodyListens() throws {
        // Port 1 is privileged and not served here; the refusal comes at once.
        let nobody = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: 1))
        do throws(RedisError) {
            _ = try Connection(nobody)
            Issue.record("connected to nothing")
        } catch {
            #expect(error.code == .connect)
        }
        let port = Int32.random(in: 20_000...60_000)
        let server = try TestRedis(["--port", String(port)])
        var connection = try Connection(RedisConfiguration(url: "redis://127.0.0.1:\(port)/1"))
        #expect(try connection.command("PING").text == "PONG")
        withExtendedLifetime(server) {}
    }

    @Test func scriptsLoadThemselvesAgain() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        var script = Script("#!lua\nreturn {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}")
        let keys = [Array("k".utf8)]
        let arguments = [Array("a".utf8)]
        #expect(
            try script.call(on: &connection, keys: keys, arguments: arguments).elements.count == 3)
        try connection.command("SCRIPT", "FLUSH")
        let again = try script.call(on: &connection, keys: keys, arguments: arguments)
        #expect(again.elements.last == .integer(2))
    }

    @Test func numbersAreWrittenInFull() throws {
        var buffer = CommandBuffer(capacity: 64)
        for number in [Int64.min, -1, 0, 9, 10, Int64.max] { buffer.append(number) }
        let text = String(decoding: buffer.bytes, as: UTF8.self)
        #expect(
            text == "$20\r\n-9223372036854775808\r\n$2\r\n-1\r\n$1\r\n0\r\n$1\r\n9\r\n$2\r\n10\r\n"
                + "$19\r\n9223372036854775807\r\n")
    }
}
