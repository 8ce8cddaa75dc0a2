import Foundation
import Redis
import TestSupport
import Testing

/// The same connection, over TLS.
@Suite struct TLSTests {
    @Test func commandsInAPipelineKeepTheirOrder() throws {
        let server = try TestTLSRedis()
        var connection = try server.connect()
        let found = connection.tlsFacts
        let facts = try #require(found)
        #expect(facts.version == "TLSv1.3" && facts.isVerified && !facts.cipher.isEmpty)
        #expect(facts.expirySecond > Int64(Date().timeIntervalSince1970) + 86_000)
        for index in 0..<20_000 { connection.append("ECHO", "\(index)") }
        for index in 0..<20_000 {
            let reply = try connection.receive()
            #expect(reply.bytes.map { Array($0) } == Array("\(index)".utf8))
        }
        // One at a time: every answer is waited for.
        for index in 0..<1_000 {
            #expect(try connection.command("ECHO", "\(index)").text == "\(index)")
        }
    }

    @Test func sixtyFourMegabytesGoThereAndComeBack() throws {
        let server = try TestTLSRedis()
        var connection = try server.connect()
        var value = [UInt8](repeating: 0, count: 64 << 20)
        for index in stride(from: 0, to: value.count, by: 997) {
            value[index] = UInt8(truncatingIfNeeded: index / 997)
        }
        #expect(try connection.command([Array("SET".utf8), Array("k".utf8), value]).text == "OK")
        #expect(try connection.command("GET", "k").bytes == value)
        var other = try server.server.connect()
        #expect(try other.command("GET", "k").bytes == value)
    }

    /// Redis has 64 MB of answers to send while it still gets 64 MB of commands.
    @Test func bothDirectionsAreFullAtOnce() throws {
        let server = try TestTLSRedis()
        var connection = try server.connect()
        let value = [UInt8]((0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 8) })
        for _ in 0..<64 { connection.append([Array("ECHO".utf8), value]) }
        for _ in 0..<64 {
            let reply = try connection.receive()
            #expect(reply.bytes?.elementsEqual(value) ?? false)
        }
    }

    /// More than one record comes with one read of the socket; what is inside of TLS then is no
    /// reason for poll to wake up.
    @Test func whatWasReadBeforeIsNotWaitedFor() throws {
        let server = try TestTLSRedis()
        var connection = try server.connect()
        try connection.command("SET", "k", String(repeating: "x", count: 20_000))
        for _ in 0..<200 {
            for _ in 0..<3 { connection.append("GET", "k") }
            for _ in 0..<3 {
                let reply = try connection.tryReceive(waitMilliseconds: 10_000)
                guard let reply else {
                    Issue.record("an answer was not seen")
                    return
                }
                #expect(reply.bytes?.count == 20_000)
            }
        }
    }

    @Test func tryReceiveDoesNotWait() throws {
        let server = try TestTLSRedis()
        var connection = try server.connect()
        connection.append("BLPOP", "list", "10")
        if let reply = try connection.tryReceive() {
            Issue.record("answer \(reply.kind) too early")
        }
        var other = try server.server.connect()
        try other.command("RPUSH", "list", "x")
        let reply = try connection.tryReceive(waitMilliseconds: 9_000)
        guard let reply else {
            Issue.record("no answer")
            return
        }
        #expect(reply[1].equals("x"))
    }

    @Test func aUserOfTheAccessListEnters() throws {
        let server = try TestTLSRedis()
        var administrator = try server.server.connect()
        try administrator.command(
            "ACL", "SETUSER", "ann", "on", ">secret", "~*", "+set", "+select", "+acl|whoami")
        var configuration = try server.configuration()
        (configuration.user, configuration.password) = ("ann", "secret")
        configuration.database = 2
        var connection = try Connection(configuration)
        #expect(try connection.command("ACL", "WHOAMI").text == "ann")
        configuration.password = "another"
        let error = #expect(throws: RedisError.self) { _ = try Connection(configuration) }
        #expect(error?.serverPrefix == "WRONGPASS")
    }

    @Test(arguments: ["TLSv1.2", "TLSv1.3"])
    func aServerThatAsksGetsOurCertificate(_ version: String) throws {
        let server = try TestTLSRedis(asksClients: true, options: ["--tls-protocols", version])
        let own = try server.authority.issue("DNS:odometer")
        var connection = try Connection(
            server.configuration(
                TLSSettings(
                    authorityFile: server.authority.file, certificateFile: own.certificate,
                    keyFile: own.key)))
        #expect(try connection.command("PING").text == "PONG")
        let facts = connection.tlsFacts
        #expect(facts?.version == version)
    }

    /// The user need not have the right to PING, which is how a refusal is found.
    @Test func aUserWithoutPingConnectsWithACertificate() throws {
        let server = try TestTLSRedis(asksClients: true)
        var administrator = try server.server.connect()
        try administrator.command("ACL", "SETUSER", "default", "-ping")
        let own = try server.authority.issue("DNS:odometer")
        var connection = try Connection(
            server.configuration(
                TLSSettings(
                    authorityFile: server.authority.file, certificateFile: own.certificate,
                    keyFile: own.key)))
        #expect(try connection.command("ECHO", "x").text == "x")
    }

    @Test func aServerThatClosesIsAnErrorNotASignal() throws {
        let server = try TestTLSRedis()
        var connection = try server.connect()
        let id = try connection.command("CLIENT", "ID").integer ?? 0
        var other = try server.server.connect()
        try other.command("CLIENT", "KILL", "ID", String(id))
        loses(&connection) { $0.append("PING") }

        // In the middle of an answer that is larger than every buffer on the way.
        connection = try server.connect()
        try connection.command("SETRANGE", "k", String(200 << 20), "x")
        connection.append("GET", "k")
        try connection.flush()
        server.server.stop()
        loses(&connection) { _ in }
        loses(&connection) { $0.append("PING") }
    }

    /// What is added fails with a lost connection, which then stays dead.
    private func loses(_ connection: inout Connection, _ add: (inout Connection) -> Void) {
        do throws(RedisError) {
            add(&connection)
            _ = try connection.receive()
            Issue.record("an answer of a dead server")
        } catch {
            #expect(error.code == .io, "\(error)")
        }
        let isAlive = connection.isAlive
        #expect(!isAlive)
    }

    @Test func aSilentServerIsGivenUp() throws {
        let server = try TestTLSRedis()
        var configuration = try server.configuration()
        configuration.commandTimeoutMilliseconds = 200
        var connection = try Connection(configuration)
        server.server.freeze(true)
        defer { server.server.freeze(false) }
        connection.append("PING")
        let began = ContinuousClock.now
        do throws(RedisError) {
            _ = try connection.receive()
            Issue.record("an answer of a frozen server")
        } catch {
            #expect(error.code == .timeout && error.message == "no answer for 200 ms")
        }
        #expect(began.duration(to: .now) >= .milliseconds(200))

        // Room in the socket ends, too.
        connection = try { () throws -> Connection in
            server.server.freeze(false)
            let next = try Connection(configuration)
            server.server.freeze(true)
            return next
        }()
        connection.append([Array("ECHO".utf8), [UInt8](repeating: 0, count: 64 << 20)])
        do throws(RedisError) {
            try connection.flush()
            Issue.record("a frozen server took everything")
        } catch {
            #expect(error.code == .timeout && error.message == "no room in the socket for 200 ms")
        }
    }
}
