import Foundation
import Glibc
import Redis
import TestSupport
import Testing

/// Every way in which TLS cannot work gives one line that says what is wrong and what to set.
@Suite struct TLSFaultTests {
    /// The message of a connect that must fail.
    private func refusal(_ configuration: RedisConfiguration) throws -> String {
        let error = #expect(throws: RedisError.self) { _ = try Connection(configuration) }
        #expect(error?.code == .connect)
        let message = try #require(error).message
        #expect(message.hasPrefix("\(configuration): ") && !message.contains("\n"))
        return String(message.dropFirst("\(configuration): ".count))
    }

    @Test func anotherAuthority() throws {
        let server = try TestTLSRedis()
        let other = try TestAuthority()
        let settings = TLSSettings(authorityFile: other.file)
        #expect(
            try refusal(server.configuration(settings))
                == "the server's certificate is not signed by a CA in \(other.file): "
                + "set --redis-ca to the file with its CA")
        #expect(
            try refusal(server.configuration(TLSSettings()))
                == "the server's certificate is not signed by a CA that this system trusts: "
                + "set --redis-ca to the file with its CA")
        var connection = try Connection(
            server.configuration(TLSSettings(authorityFile: other.file, isUnverified: true)))
        #expect(try connection.command("PING").text == "PONG")
        let facts = connection.tlsFacts
        #expect(facts?.isVerified == false)
    }

    @Test func anotherName() throws {
        let authority = try TestAuthority()
        let server = try TestTLSRedis(
            authority, pair: authority.issue("DNS:redis.example,DNS:*.cache.example,IP:10.0.0.1"))
        let names = "redis.example, *.cache.example, 10.0.0.1"
        #expect(
            try refusal(server.configuration())
                == "the server's certificate is not for 127.0.0.1 but for \(names): "
                + "set --redis-server-name to its name")
        #expect(
            try refusal(server.configuration(host: "localhost")).contains("is not for localhost"))
        for (name, isTaken) in [
            ("redis.example", true), ("redis.example.", true), ("a.cache.example", true),
            ("10.0.0.1", true), ("a.b.cache.example", false), ("edis.example", false),
            ("10.0.0.2", false), ("::1", false),
        ] {
            let configuration = try server.configuration(
                TLSSettings(authorityFile: authority.file, serverName: name))
            if isTaken {
                var connection = try Connection(configuration)
                #expect(try connection.command("PING").text == "PONG")
            } else {
                #expect(try refusal(configuration).contains("is not for \(name)"))
            }
        }
    }

    @Test func aCertificateThatHasEnded() throws {
        let authority = try TestAuthority()
        let server = try TestTLSRedis(authority, pair: authority.issue(days: -1))
        let text = try refusal(server.configuration())
        let day = Date().addingTimeInterval(-86_400).ISO8601Format().prefix(8)
        #expect(text.hasPrefix("the server's certificate ended at \(day)"), "\(text)")
        #expect(text.hasSuffix("Z: renew it"))
    }

    @Test(arguments: ["TLSv1.2", "TLSv1.3"])
    func aServerThatAsksForACertificate(_ version: String) throws {
        let server = try TestTLSRedis(asksClients: true, options: ["--tls-protocols", version])
        #expect(
            try refusal(server.configuration())
                == "the server asks for a client certificate: set --redis-cert and --redis-key")
        let other = try TestAuthority()
        let stranger = try other.issue()
        let text = try refusal(
            server.configuration(
                TLSSettings(
                    authorityFile: server.authority.file, certificateFile: stranger.certificate,
                    keyFile: stranger.key)))
        withExtendedLifetime(other) {}
        // A server of TLS 1.3 that is slow may reset the connection before its reason is read.
        let reasons = [
            "the server does not accept our certificate (tlsv1 alert unknown ca)",
            version == "TLSv1.3"
                ? "closed by the server, which may not accept our certificate" : "",
        ]
        let remedy = ": set --redis-cert and --redis-key to one that it accepts"
        #expect(reasons.contains { text == $0 + remedy }, "\(text)")
    }

    @Test func plainOnATLSPortAndTLSOnAPlainPort() throws {
        let port = try TestPort.free()
        let server = try TestTLSRedis(options: ["--port", String(port)])
        var plain = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: server.port))
        plain.password = "secret"
        let text = try refusal(plain)
        #expect(text.hasSuffix(": use rediss:// for it") && !text.contains("secret"), "\(text)")

        var wrong = try server.configuration()
        wrong.address = .tcp(host: "127.0.0.1", port: port)
        wrong.connectTimeoutMilliseconds = 300
        #expect(
            try refusal(wrong)
                == "no answer to the TLS handshake within 300 ms; a port without TLS is as silent: "
                + "use redis:// for it")
    }

    /// A server that answers the hello with this and closes.
    @Test(arguments: [
        (
            Array("-ERR not TLS\r\n".utf8),
            "what answers there is not TLS: use redis:// for a port without TLS"
        ),
        ([], "closed by Redis"),
        ([21, 3, 3, 0, 2, 2, 70], "the server offers neither TLS 1.2 nor 1.3: "),
        ([21, 3, 3, 0, 2, 2, 112], "the server has no certificate for 127.0.0.1: "),
    ])
    func nonsense(_ answer: [UInt8], _ expected: String) throws {
        let (listener, port) = try TestPort.listen()
        defer { close(listener) }
        let thread = Thread {
            let client = accept(listener, nil, nil)
            // All of the hello is taken, so that closing does not reset what was said.
            var bytes = [UInt8](repeating: 0, count: 4_096)
            _ = recv(client, &bytes, bytes.count, 0)
            _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL))
            close(client)
        }
        thread.start()
        var configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port))
        configuration.tls = try TLSClient(TLSSettings())
        let text = try refusal(configuration)
        #expect(text.hasPrefix(expected), "\(text)")
    }

    /// One byte at a time is no silence; still the handshake has one deadline.
    @Test func theHandshakeHasOneDeadline() throws {
        let (listener, port) = try TestPort.listen()
        let thread = Thread {
            let client = accept(listener, nil, nil)
            // The head of a handshake record of 16 KB, then what never becomes one.
            var bytes: [UInt8] = [22, 3, 3, 0x3F, 0xFF, 2, 0, 0x3F, 0xFB]
            while send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 {
                bytes = [3]
                usleep(5_000)
            }
            close(client)
            close(listener)
        }
        thread.start()
        var configuration = RedisConfiguration(
            address: .tcp(host: "127.0.0.1", port: port), connectTimeoutMilliseconds: 300)
        configuration.tls = try TLSClient(TLSSettings())
        let began = ContinuousClock.now
        #expect(try refusal(configuration) == "the TLS handshake did not end within 300 ms")
        #expect(began.duration(to: .now) < .seconds(10))
    }

    /// A plain connection that gets an alert of TLS.
    @Test func anAlertInsteadOfAnAnswer() throws {
        let (listener, port) = try TestPort.listen()
        defer { close(listener) }
        var connection = try Connection(
            RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port)))
        let client = accept(listener, nil, nil)
        defer { close(client) }
        let alert: [UInt8] = [21, 3, 1, 0, 2, 2, 70]
        #expect(send(client, alert, alert.count, Int32(MSG_NOSIGNAL)) == alert.count)
        do throws(RedisError) {
            connection.append("PING")
            _ = try connection.receive()
            Issue.record("an alert was taken for an answer")
        } catch {
            #expect(error.message == "the server speaks TLS on this port: use rediss:// for it")
        }
    }

    @Test func filesAreReadBeforeAnyServerIsAsked() throws {
        let authority = try TestAuthority()
        let own = try authority.issue()
        let other = try authority.issue()
        let encrypted = try authority.encryptedKey()
        func message(_ settings: TLSSettings) throws -> String {
            let error = #expect(throws: RedisError.self) { _ = try TLSClient(settings) }
            #expect(error?.code == .configuration)
            return try #require(error).message
        }
        func message(_ certificate: String, _ key: String?) throws -> String {
            try message(TLSSettings(certificateFile: certificate, keyFile: key))
        }
        let none = authority.directory + "/none"
        #expect(
            try message(TLSSettings(authorityFile: none))
                == "--redis-ca: \(none): No such file or directory")
        #expect(
            try message(TLSSettings(authorityFile: authority.directory))
                == "--redis-ca: \(authority.directory): Is a directory")
        #expect(
            try message(TLSSettings(authorityFile: own.key))
                .hasPrefix("--redis-ca: \(own.key) has no certificates in PEM"))
        #expect(
            try message(own.certificate, nil) == "--redis-cert and --redis-key go together")
        #expect(
            try message(TLSSettings(keyFile: own.key))
                == "--redis-cert and --redis-key go together")
        #expect(
            try message(own.key, own.key)
                .hasPrefix("--redis-cert: \(own.key) has no certificate in PEM"))
        #expect(
            try message(own.certificate, own.certificate)
                .hasPrefix("--redis-key: \(own.certificate) has no private key in PEM"))
        #expect(
            try message(own.certificate, other.key)
                == "--redis-key: \(other.key) is not the key of the certificate in "
                + own.certificate)
        #expect(
            try message(own.certificate, encrypted)
                == "--redis-key: \(encrypted) needs a pass phrase; give it without one")
    }
}
