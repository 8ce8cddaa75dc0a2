import Foundation
import HTTPServer
import Printing
import TestSupport
import Testing

@testable import odometer

/// Files of a certificate and its key that change while they are used.
struct CertificateFilesTests {
    private static let second: UInt64 = 1_000_000_000
    private let certificates: ServerCertificates
    private let certificate: String
    private let key: String

    init() throws {
        certificates = try ServerCertificates()
        certificate = certificates.folder + "/used.pem"
        key = certificates.folder + "/used.key"
    }

    /// Replaces a file as a program for renewals does.
    private func put(_ from: String, _ path: String) throws {
        try Data(contentsOf: URL(fileURLWithPath: from))
            .write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    private func use(_ pair: ServerCertificates.Pair) throws {
        try put(pair.certificate, certificate)
        try put(pair.key, key)
    }

    private func files(_ log: Log) throws -> CertificateFiles {
        try CertificateFiles(certificate: certificate, key: key, log: log, nowNanoseconds: 0)
    }

    /// Calls `body` with a log; gives its lines.
    private func lines(_ body: (Log) throws -> Void) throws -> [String] {
        let pipe = Pipe()
        try body(
            Log(isJSON: false, least: .info, descriptor: pipe.fileHandleForWriting.fileDescriptor))
        try pipe.fileHandleForWriting.close()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return said.split(separator: "\n").map(String.init)
    }

    /// What a call with these options says in one line, and its exit code.
    private func refusal(_ flags: [String: [String]]) throws -> CommandFailure? {
        let settings = try Settings(
            options: Options.configurable, flags: flags, environment: [:]
        ) { path throws(CommandFailure) in throw .usage(path) }
        do {
            _ = try settings.certificateFiles(log: Log(isJSON: false, least: .error))
            return nil
        } catch { return error }
    }

    @Test func aNewPairIsTakenAtTheNextLook() throws {
        try use(try certificates.issue("first"))
        let said = try lines { log in
            let files = try files(log)
            let first = files.current(at: 1)
            try use(try certificates.issue("second", days: 60))
            #expect(files.current(at: Self.second - 1) === first)
            let second = files.current(at: Self.second)
            #expect(second.expiresMilliseconds > first.expiresMilliseconds)
            #expect(files.current(at: 9 * Self.second) === second)
        }
        #expect(said.count == 1 && said[0].contains(" info the certificate was read again"))
        #expect(said.first?.contains("expires=") == true)
    }

    /// The certificate comes a moment before its key, or the other way round: no word about it.
    @Test func halfOfANewPairIsWaitedFor() throws {
        try use(try certificates.issue("first"))
        let second = try certificates.issue("second")
        let said = try lines { log in
            let files = try files(log)
            let first = files.current(at: 1)
            try put(second.certificate, certificate)
            #expect(files.current(at: Self.second) === first)
            try put(second.key, key)
            #expect(files.current(at: 2 * Self.second) !== first)
        }
        #expect(said.count == 1 && said[0].contains("was read again"), "\(said)")
    }

    @Test func aPairThatCannotBeUsedChangesNothingAndIsToldOnce() throws {
        let first = try certificates.issue("first")
        let expired = try certificates.issue("expired", days: -1)
        let said = try lines { log in
            try use(first)
            let files = try files(log)
            let used = files.current(at: 1)
            var second: UInt64 = 0
            func lookThrice() {
                for _ in 0..<3 {
                    second += 1
                    #expect(files.current(at: second * Self.second) === used)
                }
            }
            try put(expired.certificate, certificate)
            lookThrice()
            try put(expired.key, key)
            lookThrice()
            try Data("text".utf8).write(to: URL(fileURLWithPath: certificate))
            lookThrice()
            try FileManager.default.removeItem(atPath: certificate)
            lookThrice()
            try use(first)
            lookThrice()
            try use(try certificates.issue("last"))
            #expect(files.current(at: (second + 1) * Self.second) !== used)
        }
        let warnings = said.filter { $0.contains(" warning ") }
        #expect(warnings.count == 4 && said.count == 5, "\(said)")
        let reasons = [
            "is not the key of the certificate", "expired on ", "holds no certificate in PEM",
            "No such file",
        ]
        for (line, reason) in zip(warnings, reasons) {
            #expect(line.contains("the new certificate cannot be used, the old one goes on"))
            #expect(line.contains(reason), "\(line)")
        }
    }

    @Test func anExpiredCertificateIsAWarningAtTheStart() throws {
        try use(try certificates.issue("expired", days: -1))
        let said = try lines { log in
            let files = try files(log)
            // A valid one takes its place.
            let first = files.current(at: 1)
            try use(try certificates.issue("valid"))
            #expect(files.current(at: Self.second) !== first)
        }
        #expect(said.count == 2)
        #expect(said[0].contains(" warning the certificate is not valid now"), "\(said)")
        #expect(said[0].contains("expired on 20"), "\(said)")
    }

    @Test func aCertificateThatIsNotValidYetIsWaitedFor() throws {
        try use(try certificates.issue("first"))
        let hours = Hours()
        let said = try lines { log in
            let files = try CertificateFiles(
                certificate: certificate, key: key, log: log, nowNanoseconds: 0
            ) { ValueText.now() - hours.behind * 3_600_000 }
            let first = files.current(at: 1)
            hours.behind = 2
            try use(try certificates.issue("second"))
            for second: UInt64 in 1...3 {
                #expect(files.current(at: second * Self.second) === first)
            }
            hours.behind = 0
            #expect(files.current(at: 4 * Self.second) !== first)
        }
        #expect(said.count == 2, "\(said)")
        #expect(said[0].contains("is valid from "), "\(said)")
    }

    private final class Hours: @unchecked Sendable {
        // Sendable: used by one thread.
        var behind: Int64 = 0
    }

    @Test func whatCannotBeUsedAtTheStartIsOneLineAndExitCodeTwo() throws {
        let first = try certificates.issue("first")
        let second = try certificates.issue("second")
        let (cert, key) = (first.certificate, first.key)
        let missing = certificates.folder + "/missing"
        let noFile = "\(missing): No such file or directory"
        let cases: [([String: [String]], String)] = [
            (["tls-cert": [cert]], "--tls-cert needs --tls-key"),
            (["tls-key": [key]], "--tls-key needs --tls-cert"),
            (["tls-cert": [missing], "tls-key": [key]], noFile),
            (["tls-cert": [cert], "tls-key": [missing]], noFile),
            (["tls-cert": [key], "tls-key": [key]], "--tls-cert \(key): holds no certificate"),
            (["tls-cert": [cert], "tls-key": [cert]], "--tls-key \(cert): holds no private key"),
            (
                ["tls-cert": [cert], "tls-key": [second.key]],
                "--tls-key \(second.key): is not the key of the certificate"
            ),
        ]
        for (flags, message) in cases {
            let failure = try refusal(flags)
            #expect(failure?.code == .usage)
            #expect(failure?.message.hasPrefix(message) == true, "\(failure?.message ?? "nil")")
            #expect(failure?.message.contains("\n") == false)
        }
        #expect(try refusal(["tls-cert": [cert], "tls-key": [key]]) == nil)
        #expect(try refusal([:]) == nil)
    }
}
