import Foundation
import HTTPServer
import Synchronization
import TestSupport
import Testing

/// One pair, until it is replaced.
private final class Pairs: TLSIdentitySource {
    private let pair: Mutex<TLSIdentity>

    init(_ identity: TLSIdentity) { pair = Mutex(identity) }

    func current() -> TLSIdentity { pair.withLock { $0 } }
    func replace(_ identity: TLSIdentity) { pair.withLock { $0 = identity } }
}

private func identity(_ pair: ServerCertificates.Pair) throws -> TLSIdentity {
    let texts = try pair.texts
    return try TLSIdentity(certificate: texts.certificate, key: texts.key)
}

/// The server over TLS: every limit of plain HTTP, and what only TLS has.
@Suite(.serialized) struct TLSTests {
    private let request = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    private static let firstBytesOfAHandshake: [UInt8] = [22, 3, 1]

    /// Starts a server with a certificate, and stops it after the body.
    private func withTLS(
        _ change: (inout ServerConfiguration) -> Void = { _ in },
        handle: @escaping @Sendable (Request) -> Response = { echo($0) },
        body: (Server<ProbeWorker>, ServerCertificates, Pairs) throws -> Void
    ) throws {
        let certificates = try ServerCertificates()
        let pairs = Pairs(try identity(try certificates.issue("localhost")))
        var configuration = ServerConfiguration()
        change(&configuration)
        let server = Server(
            configuration, identities: pairs, makeWorker: { ProbeWorker() },
            handle: { handle($1) })
        try server.start()
        defer { server.stop() }
        try body(server, certificates, pairs)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func aRequestIsAnswered(version: String) throws {
        try withTLS { server, certificates, _ in
            let answer = try tlsAnswer(
                server.port, trusting: certificates.authority, request, [version])
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains(#""path":"/a""#) && answer.contains(#""from":"127.0.0.1""#))
            #expect(server.statistics.handshakes == 1)
            #expect(server.statistics.failedHandshakes == 0)
            #expect(eventually { server.statistics.open == 0 })
        }
    }

    @Test func aConnectionIsKeptForTheNextRequest() throws {
        try withTLS { server, certificates, _ in
            let client = try TLSClient(server.port, trusting: certificates.authority)
            for number in 1...3 {
                client.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
                var answer = client.piece()
                while !answer.contains("}") { answer += client.piece() }
                #expect(answer.contains(#""path":"/\#(number)""#))
            }
            #expect(server.statistics.accepted == 1 && server.statistics.answered == 3)
        }
    }

    /// Both are longer than a record of TLS and than the buffers of the sockets.
    @Test func longBodiesArriveWhole() throws {
        let body = String(repeating: "0123456789abcdef", count: 4_000)
        let long = String(repeating: "x", count: 3_000_000)
        try withTLS(handle: { request in
            .json { $0.string(String(decoding: request.body, as: UTF8.self) + long) }
        }) { server, certificates, _ in
            let answer = try tlsAnswer(
                server.port, trusting: certificates.authority,
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(answer.hasSuffix("\r\n\r\n\"" + body + long + "\""))
        }
    }

    @Test(arguments: [["-tls1_1"], ["-tls1"], ["-tls1_2", "-cipher", "AES128-SHA256"]])
    func oldVersionsAndCiphersAreRefused(options: [String]) throws {
        try withTLS { server, certificates, _ in
            let answer = try tlsAnswer(
                server.port, trusting: certificates.authority, request,
                options + (options.count > 1 ? [] : ["-cipher", "ALL@SECLEVEL=0"]))
            #expect(answer == "")
            #expect(eventually { server.statistics.failedHandshakes == 1 })
            #expect(server.statistics.handshakes == 0)
            #expect(eventually { server.statistics.open == 0 })
        }
    }

    @Test func plainHTTPIsToldSoAndCounted() throws {
        try withTLS { server, _, _ in
            let client = try RawClient(port: server.port)
            client.send(request)
            let answer = try client.answer()
            #expect(answer.status == 400 && answer.body.contains("HTTPS"))
            #expect(client.endsHere())
            #expect(server.statistics.plainOnTLS == 1)
            #expect(eventually { server.statistics.open == 0 })
            #expect(server.statistics.failedHandshakes == 0)
        }
    }

    @Test func bytesThatAreNeitherAreDroppedWithoutAnAnswer() throws {
        try withTLS { server, _, _ in
            let client = try RawClient(port: server.port)
            client.send([0, 1, 2, 3, 4, 5, 6, 7])
            #expect(client.endsHere())
            #expect(server.statistics.plainOnTLS == 1)
            #expect(eventually { server.statistics.open == 0 })
        }
    }

    /// A refusal goes past the library, so it has to be encrypted by us.
    @Test func aRefusalForItsFramingCanBeRead() throws {
        try withTLS { server, certificates, _ in
            let long = String(repeating: "x", count: 25_000)
            let refusals = [
                ("POST", "/", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
                ("POST", "/", "Content-Length: 9000000\r\n", 413),
                ("GET", "/\(long)", "", 414),
            ]
            for (method, path, fields, status) in refusals {
                let answer = try tlsAnswer(
                    server.port, trusting: certificates.authority,
                    "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.hasSuffix("}"))
            }
            #expect(server.statistics.refused == 3 && server.statistics.answered == 0)
            #expect(eventually { server.statistics.open == 0 && server.statistics.active == 0 })
        }
    }

    /// One thread: what waits in a handshake must not keep it, and ends with the idle limit, also
    /// where it goes on byte by byte.
    @Test func aHandshakeThatIsNotCompletedKeepsNothing() throws {
        try withTLS({
            $0.threads = 1
            $0.idleTimeoutSeconds = 1
            $0.requestTimeoutSeconds = 60
        }) { server, certificates, _ in
            let silent = try (0..<20).map { _ in try RawClient(port: server.port) }
            for client in silent { client.send(Self.firstBytesOfAHandshake) }
            #expect(eventually { server.statistics.open == 20 })
            let answer = try tlsAnswer(
                server.port, trusting: certificates.authority, request)
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            let slow = try RawClient(port: server.port)
            slow.send([22, 3, 1, 2, 0])
            // Each byte is activity of the socket, but none of the handshake.
            #expect(
                eventually {
                    usleep(100_000)
                    return !slow.send([1])
                })
            for client in silent { #expect(client.endsAfterAnAlert()) }
            #expect(eventually { server.statistics.open == 0 })
            #expect(server.statistics.failedHandshakes == 21)
        }
    }

    @Test func aRequestThatTakesTooLongIsCut() throws {
        try withTLS({
            $0.idleTimeoutSeconds = 1
            $0.requestTimeoutSeconds = 1
        }) { server, certificates, _ in
            let client = try TLSClient(server.port, trusting: certificates.authority)
            client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
            #expect(
                eventually {
                    client.send("x")
                    usleep(100_000)
                    return server.statistics.cut == 1
                })
            #expect(client.all() == "")
            #expect(eventually { server.statistics.open == 0 })
        }
    }

    @Test func oneAddressCannotTakeAllConnections() throws {
        try withTLS({
            $0.threads = 1
            $0.perAddressLimit = 2
        }) { server, certificates, _ in
            let held = try (0..<2).map { _ in try RawClient(port: server.port) }
            #expect(eventually { server.statistics.open == 2 })
            #expect(
                try tlsAnswer(server.port, trusting: certificates.authority, request) == "")
            held[0].reset()
            #expect(eventually { server.statistics.open == 1 })
            #expect(
                try tlsAnswer(server.port, trusting: certificates.authority, request)
                    .hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func stoppingWaitsForRequestsAndNotForHandshakes() throws {
        let hasBegun = Atomic<Bool>(false)
        let goesOn = Atomic<Bool>(false)
        try withTLS(handle: { request in
            hasBegun.store(true, ordering: .relaxed)
            _ = eventually { goesOn.load(ordering: .relaxed) }
            return echo(request)
        }) { server, certificates, _ in
            let open = try RawClient(port: server.port)
            open.send(Self.firstBytesOfAHandshake)
            let client = try TLSClient(server.port, trusting: certificates.authority)
            client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(eventually { hasBegun.load(ordering: .relaxed) })
            let stopper = Thread { server.stop() }
            stopper.start()
            // From the beginning of the stop on nobody can connect.
            #expect(eventually { (try? RawClient(port: server.port)) == nil })
            goesOn.store(true, ordering: .relaxed)
            let answer = client.all()
            #expect(answer.contains(#""path":"/late""#) && answer.contains("Connection: close"))
            #expect(open.endsAfterAnAlert())
            #expect(eventually { stopper.isFinished })
        }
    }

    @Test func aNewPairIsUsedForNewConnectionsOnly() throws {
        try withTLS { server, certificates, pairs in
            let kept = try TLSClient(server.port, trusting: certificates.authority)
            kept.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            var first = kept.piece()
            while !first.contains("}") { first += kept.piece() }
            let others = try ServerCertificates()
            pairs.replace(try identity(try others.issue("other")))
            #expect(try tlsAnswer(server.port, trusting: certificates.authority, request) == "")
            #expect(
                try tlsAnswer(server.port, trusting: others.authority, request)
                    .hasPrefix("HTTP/1.1 200 "))
            kept.send(request)
            #expect(kept.all().contains(#""path":"/a""#))
        }
    }

    @Test func pairsThatCannotBeUsedAreRefusedWithTheReason() throws {
        let certificates = try ServerCertificates()
        let first = try certificates.issue("first").texts
        let second = try certificates.issue("second").texts
        func refusal(_ certificate: [UInt8], _ key: [UInt8]) throws -> TLSIdentityError? {
            do {
                _ = try TLSIdentity(certificate: certificate, key: key)
                return nil
            } catch { return error }
        }
        #expect(try refusal(first.certificate, first.key) == nil)
        let mismatch = try refusal(first.certificate, second.key)
        #expect(mismatch?.part == .key)
        #expect(mismatch?.message == "is not the key of the certificate")
        for text in [[], Array("text".utf8), first.key] {
            let found = try refusal(text, first.key)
            #expect(found?.part == .certificate)
            #expect(found?.message.hasPrefix("holds no certificate in PEM: ") == true)
        }
        for text in [[], Array("text".utf8), first.certificate] {
            let found = try refusal(first.certificate, text)
            #expect(found?.part == .key)
            #expect(found?.message.hasPrefix("holds no private key in PEM: ") == true)
        }
        for cipher in ["pkcs8", "ec"] {
            let path = "\(certificates.folder)/encrypted-\(cipher)"
            let from = ["-in", certificates.folder + "/first.key", "-out", path]
            try openssl(
                cipher == "ec"
                    ? ["ec", "-aes128", "-passout", "pass:secret"] + from
                    : ["pkcs8", "-topk8", "-passout", "pass:secret"] + from)
            let encrypted = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let found = try refusal(first.certificate, encrypted)
            #expect(found?.message == "is encrypted: a key without a passphrase is needed")
        }
    }

    @Test func aPairTellsWhenItIsValid() throws {
        let certificates = try ServerCertificates()
        let day: Int64 = 86_400_000
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        let valid = try identity(try certificates.issue("valid", days: 30))
        #expect(abs(valid.expiresMilliseconds - now - 30 * day) < 60_000)
        #expect(abs(valid.validFromMilliseconds - now) < 60_000)
        let expired = try identity(try certificates.issue("expired", days: -1))
        #expect(abs(expired.expiresMilliseconds - now + day) < 60_000)
    }
}
