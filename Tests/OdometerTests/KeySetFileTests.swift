import API
import Foundation
import HTTPServer
import Testing

@testable import Laboratory
@testable import odometer

/// A JWKS file that changes while it is used.
struct KeySetFileTests {
    private static let second: UInt64 = 1_000_000_000

    private func secret(_ name: String) -> [UInt8] {
        Array("the secret of key \(name), more than 32 bytes".utf8)
    }

    private func set(_ names: String...) -> String {
        let keys = names.map {
            #"{"kty":"oct","kid":"\#($0)","k":"\#(TokenSigner.base64(secret($0)))"}"#
        }
        return #"{"keys":[\#(keys.joined(separator: ","))]}"#
    }

    private func token(_ name: String) -> [UInt8] {
        let header = #"{"alg":"HS256","typ":"at+jwt","kid":"\#(name)"}"#
        let text = [header, #"{"organization_id":"o","exp":2000}"#]
            .map { TokenSigner.base64(Array($0.utf8)) }.joined(separator: ".")
        let signature = TokenSigner.signature(of: Array(text.utf8), secret(name))
        return Array("\(text).\(TokenSigner.base64(signature))".utf8)
    }

    private func accepts(_ keys: any TokenKeySource, _ name: String) -> Bool {
        TokenVerifier(keys: keys).accepts(token(name), nowSeconds: 1_000)
    }

    /// Calls `body` with the path of a file, and a log; gives the log's lines.
    private func withFile(
        _ text: String, _ body: (_ path: String, Log) throws -> Void
    ) throws -> [String] {
        let path = NSTemporaryDirectory() + "odo-jwks-" + UUID().uuidString.prefix(8)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let pipe = Pipe()
        let log = Log(
            isJSON: false, least: .info, descriptor: pipe.fileHandleForWriting.fileDescriptor)
        try body(path, log)
        try pipe.fileHandleForWriting.close()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return said.split(separator: "\n").map(String.init)
    }

    @Test func keysAreRotatedWithoutARestart() throws {
        let lines = try withFile(set("a")) { path, log in
            let file = try KeySetFile(path, only: nil, log: log, nowNanoseconds: 0)
            func write(_ text: String) throws {
                try text.write(toFile: path, atomically: true, encoding: .utf8)
            }
            #expect(accepts(file.current(at: 1), "a"))
            #expect(!accepts(file.current(at: 1), "b"))
            // Both for a while, then the new one alone.
            try write(set("a", "b"))
            #expect(!accepts(file.current(at: Self.second - 1), "b"))
            #expect(accepts(file.current(at: Self.second), "b"))
            #expect(accepts(file.current(at: Self.second), "a"))
            try write(set("b"))
            #expect(accepts(file.current(at: 2 * Self.second), "b"))
            #expect(!accepts(file.current(at: 2 * Self.second), "a"))
        }
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.contains(" info the keys for tokens were read again") })
    }

    @Test func aBrokenFileChangesNothingAndIsToldOnce() throws {
        let lines = try withFile(set("a")) { path, log in
            let file = try KeySetFile(path, only: nil, log: log, nowNanoseconds: 0)
            var second: UInt64 = 0
            func look() -> TokenKeys {
                second += 1
                return file.current(at: second * Self.second)
            }
            let whole = set("a", "b")
            for broken in ["", String(whole.dropLast(9)), #"{"keys":[]}"#, "[]"] {
                try broken.write(toFile: path, atomically: false, encoding: .utf8)
                for _ in 0..<3 { #expect(accepts(look(), "a")) }
            }
            try FileManager.default.removeItem(atPath: path)
            for _ in 0..<3 { #expect(accepts(look(), "a")) }
            try whole.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(accepts(look(), "b"))
        }
        let warnings = lines.filter { $0.contains(" warning ") }
        #expect(warnings.count == 5, "\(lines)")
        #expect(warnings.allSatisfy { $0.contains("the old keys go on reason=") }, "\(lines)")
        #expect(lines.last?.contains("read again") == true)
    }

    @Test func oneOddKeyDoesNotKeepAWithdrawnOneValid() throws {
        let odd = [
            #"{"kid":"no-kty"}"#, #"{"kty":"oct","kid":"number","k":5}"#, "7",
            #"{"kty":"oct","kid":"short","k":"SECRETSE"}"#,
            #"{"kty":"EC","crv":"P-256","kid":"point","x":"AAAA","y":"AAAA"}"#,
            #"{"kty":"RSA","kid":"small","n":"__________8","e":"AQAB"}"#,
        ]
        let lines = try withFile(set("a", "b")) { path, log in
            let file = try KeySetFile(path, only: nil, log: log, nowNanoseconds: 0)
            let good = set("b", "t", "t").dropLast(2)
            let new = "\(good),\(odd.joined(separator: ","))]}"
            try new.write(toFile: path, atomically: true, encoding: .utf8)
            for second in 1...3 {
                let keys = file.current(at: UInt64(second) * Self.second)
                #expect(accepts(keys, "b") && !accepts(keys, "a") && !accepts(keys, "t"))
            }
            // At the start nothing is left out.
            #expect(throws: CommandFailure.self) {
                _ = try KeySetFile(path, only: nil, log: log, nowNanoseconds: 0)
            }
        }
        let warnings = lines.filter { $0.contains(" warning ") }
        let said = warnings.first ?? ""
        #expect(warnings.count == 1, "\(lines)")
        for part in [
            "no-kty", "kty is absent", "number", "k is no text", "key 6: is no JSON object",
            "short",
            "less than 32 bytes", "point", "must have 32 bytes", "small", "is there twice",
        ] { #expect(said.contains(part), "\(part) in \(said)") }
        #expect(!said.contains("SECRET") && !said.contains("____"))
    }

    @Test func aTokenThatWasGoodIsNotGoodWithoutItsKey() throws {
        _ = try withFile(set("a")) { path, log in
            let file = try KeySetFile(path, only: nil, log: log)
            let verifier = TokenVerifier(keys: file)
            #expect(verifier.accepts(token("a"), nowSeconds: 1_000))
            #expect(verifier.accepts(token("a"), nowSeconds: 1_000))
            try set("b").write(toFile: path, atomically: true, encoding: .utf8)
            let deadline = Date().addingTimeInterval(20)
            while verifier.accepts(token("a"), nowSeconds: 1_000), Date() < deadline {
                usleep(20_000)
            }
            #expect(!verifier.accepts(token("a"), nowSeconds: 1_000))
            #expect(verifier.accepts(token("b"), nowSeconds: 1_000))
        }
    }

    @Test func settings() throws {
        func verifier(_ flags: [String: [String]]) throws -> TokenVerifier? {
            try Settings(options: Options.configurable, flags: flags, environment: [:]) { _ in [] }
                .tokenVerifier(log: Log(isJSON: false, least: .error))
        }
        _ = try withFile(set("a")) { path, _ in
            let verifies = try #require(try verifier(["jwks-file": [path]]))
            #expect(verifies.accepts(token("a"), nowSeconds: 1_000))
            for wrong in [
                ["jwks-file": [path], "jwt-secret-file": [path]],
                ["jwks-file": [path], "jwt-algorithm": ["RS256"]], ["jwks-file": [path + "x"]],
            ] {
                #expect(throws: CommandFailure.self) { _ = try verifier(wrong) }
            }
        }
    }
}
