import Foundation
import Glibc
package import Redis

/// A CA of one test and what it signs, in a directory of its own, which ends with this object.
package final class TestAuthority: Sendable {
    /// A certificate and its private key.
    package struct Pair: Sendable {
        package let certificate: String
        package let key: String
    }

    package let directory: String
    /// The PEM file with its certificate.
    package var file: String { directory + "/ca.crt" }

    package init() throws {
        directory = NSTemporaryDirectory() + "odo-ca-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try openssl(
            ["req", "-x509", "-days", "2", "-subj", "/CN=authority-of-a-test", "-nodes"]
                + Self.curve + ["-keyout", directory + "/ca.key", "-out", file])
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// A certificate for these names, like `DNS:localhost` and `IP:127.0.0.1`.
    ///
    /// With -1 days it ended yesterday.
    package func issue(
        _ names: String = "DNS:localhost,IP:127.0.0.1", days: Int = 2
    ) throws -> Pair {
        let base = directory + "/" + UUID().uuidString.prefix(8)
        let pair = Pair(certificate: base + ".crt", key: base + ".key")
        try openssl(
            ["req", "-new", "-nodes", "-subj", "/CN=a-test"] + Self.curve
                + ["-keyout", pair.key, "-out", base + ".csr"])
        try Data("subjectAltName=\(names)\n".utf8).write(to: URL(fileURLWithPath: base + ".ext"))
        try openssl([
            "x509", "-req", "-in", base + ".csr", "-CA", file, "-CAkey", directory + "/ca.key",
            "-CAcreateserial", "-days", String(days), "-extfile", base + ".ext", "-out",
            pair.certificate,
        ])
        return pair
    }

    /// A key that needs a pass phrase.
    package func encryptedKey() throws -> String {
        let path = directory + "/encrypted.key"
        try openssl([
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256",
            "-pass", "pass:phrase", "-out", path,
        ])
        return path
    }

    private static let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
}

/// A redis-server of one test that speaks TLS; its unix socket is there for looking at it.
package final class TestTLSRedis: Sendable {
    package let server: TestRedis
    package let authority: TestAuthority
    package let port: Int32

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - pair: its certificate; nil: one for localhost.
    ///   - asksClients: whether clients need a certificate of the same CA.
    package init(
        _ authority: TestAuthority? = nil, pair: TestAuthority.Pair? = nil,
        asksClients: Bool = false, options: [String] = []
    ) throws {
        self.authority = try authority ?? TestAuthority()
        let pair = try pair ?? self.authority.issue()
        port = try TestPort.free()
        server = try TestRedis(
            [
                "--tls-port", String(port), "--tls-cert-file", pair.certificate, "--tls-key-file",
                pair.key, "--tls-ca-cert-file", self.authority.file, "--tls-auth-clients",
                asksClients ? "yes" : "no",
            ] + options)
    }

    /// How to connect to it, by default as its CA says.
    package func configuration(
        _ settings: TLSSettings? = nil, host: String = "127.0.0.1"
    ) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(
            address: .tcp(host: host, port: port), commandTimeoutMilliseconds: 20_000)
        configuration.tls = try TLSClient(settings ?? TLSSettings(authorityFile: authority.file))
        return configuration
    }

    package func connect() throws -> Connection { try Connection(configuration()) }
}

/// Ports of the loopback.
package enum TestPort {
    /// A port that is free now.
    package static func free() throws -> Int32 {
        let (listener, port) = try listen()
        close(listener)
        return port
    }

    /// A socket that listens, and its port; the caller closes it.
    package static func listen() throws -> (descriptor: Int32, port: Int32) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && Glibc.listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isListening else { throw TestFailure("no port: \(errno)") }
        return (descriptor, Int32(UInt16(bigEndian: address.sin_port)))
    }
}
