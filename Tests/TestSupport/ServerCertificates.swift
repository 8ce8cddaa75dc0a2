import Foundation

/// Runs the program openssl; throws where it fails.
package func openssl(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw TestFailure("openssl \(arguments)") }
}

/// A certificate authority of one test, in a folder of its own, which ends with this object.
package final class ServerCertificates: Sendable {
    /// A certificate of a server, and its key.
    package struct Pair: Sendable {
        /// Paths of PEM files.
        package let certificate: String
        package let key: String

        package var texts: (certificate: [UInt8], key: [UInt8]) {
            get throws {
                (
                    [UInt8](try Data(contentsOf: URL(fileURLWithPath: certificate))),
                    [UInt8](try Data(contentsOf: URL(fileURLWithPath: key)))
                )
            }
        }
    }

    package let folder: String
    /// The authority's own certificate.
    package var authority: String { folder + "/ca.pem" }
    private static let newKey = [
        "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    ]

    package init() throws {
        folder = NSTemporaryDirectory() + "odo-tls-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try openssl(
            ["req", "-x509"] + Self.newKey
                + ["-keyout", folder + "/ca.key", "-out", folder + "/ca.pem", "-days", "30"]
                + ["-subj", "/CN=An authority"])
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A certificate for localhost that is valid for so many days; below 0 it has expired.
    package func issue(_ name: String, days: Int = 30) throws -> Pair {
        let pair = Pair(certificate: "\(folder)/\(name).pem", key: "\(folder)/\(name).key")
        let request = "\(folder)/\(name).csr"
        try openssl(
            ["req", "-new"] + Self.newKey + ["-keyout", pair.key, "-out", request]
                + ["-subj", "/CN=\(name)"]
                + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        try openssl([
            "x509", "-req", "-in", request, "-copy_extensions", "copy", "-days", String(days),
            "-CA", authority, "-CAkey", folder + "/ca.key", "-out", pair.certificate,
        ])
        return pair
    }
}
