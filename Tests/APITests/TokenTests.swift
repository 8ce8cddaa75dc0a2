import API
import CCrypto
import CJWT
import Foundation
import Synchronization
import TestSupport
import Testing

/// A signed token with these claims, and with `kid` in its header.
func signed(
    _ claims: String, key: [UInt8], algorithm: jwt_alg_t = JWT_ALG_HS256, kid: String? = nil
) throws -> String {
    var token: OpaquePointer?
    guard jwt_new(&token) == 0, let token else { throw TestFailure("no token") }
    defer { jwt_free(token) }
    guard jwt_add_grants_json(token, claims) == 0 else { throw TestFailure("bad claims \(claims)") }
    if let kid, jwt_add_header(token, "kid", kid) != 0 { throw TestFailure("bad kid") }
    guard jwt_set_alg(token, algorithm, key, Int32(key.count)) == 0 else {
        throw TestFailure("bad key")
    }
    guard let text = jwt_encode_str(token) else { throw TestFailure("not signed") }
    defer { odometer_jwt_free_text(text) }
    return String(cString: text)
}

@Suite struct TokenTests {
    private let claims = #"{"organization_id": "o", "exp": 1893456000}"#

    private func status(
        _ service: TestService, _ token: String, scheme: String = "Bearer "
    ) throws -> Int {
        try service.get("/api/v1/analytics/agents", ["Authorization": scheme + token]).status
    }

    private func base64(_ text: String) -> String { base64(Array(text.utf8)) }

    private func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    @Test func timesAndClaims() throws {
        let service = try TestService()
        // The clock is at 1773065251.
        for (claims, expected) in [
            (#"{"organization_id": "o", "exp": 1773065252}"#, 200),
            (#"{"organization_id": "o", "exp": 1773065251}"#, 401),
            (#"{"organization_id": "o", "exp": 0}"#, 401),
            (#"{"organization_id": "o", "exp": -1}"#, 401),
            (#"{"organization_id": "o", "exp": "1893456000"}"#, 401),
            (#"{"organization_id": "o", "exp": null}"#, 401),
            (#"{"organization_id": "o"}"#, 401),
            (#"{"organization_id": "o", "exp": 1893456000, "nbf": 1773065281}"#, 200),
            (#"{"organization_id": "o", "exp": 1893456000, "nbf": 1773065282}"#, 401),
            (#"{"organization_id": "o", "exp": 1893456000, "nbf": "x"}"#, 401),
        ] {
            let token = try signed(claims, key: TestService.secret)
            #expect(try status(service, token) == expected, "\(claims)")
        }
    }

    @Test func forgeries() throws {
        let service = try TestService()
        let good = try signed(claims, key: TestService.secret)
        #expect(try status(service, good) == 200)
        #expect(try status(service, good, scheme: "bearer ") == 200)
        #expect(try status(service, good, scheme: "") == 401)
        #expect(try status(service, good, scheme: "Basic ") == 401)
        let parts = good.split(separator: ".").map(String.init)
        let none = base64(#"{"alg":"none","typ":"JWT"}"#)
        var forged = [
            "", ".", "..", "a.b.c", good + "x", good + ".", String(good.dropLast(2)),
            good + "\u{E9}",
            "\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1])", "\(none).\(parts[1]).",
            "\(none).\(parts[1]).\(parts[2])", ".\(parts[1]).\(parts[2])",
            "\(parts[0]).\(base64(#"{"organization_id":"p","exp":1893456000}"#)).\(parts[2])",
            "\(parts[0])..\(parts[2])", String(repeating: "a", count: 9_000),
            "\(base64(#"{"alg":"NONE"}"#)).\(parts[1]).",
            "\(base64("[]")).\(base64("[]")).\(parts[2])",
        ]
        forged.append(try signed(claims, key: Array("another secret of thirty-two bytes!!".utf8)))
        // The right secret, but not the configured algorithm.
        forged.append(try signed(claims, key: TestService.secret, algorithm: JWT_ALG_HS512))
        forged.append(try signed(claims, key: TestService.secret, algorithm: JWT_ALG_HS384))
        for token in forged { #expect(try status(service, token) == 401, "\(token)") }
    }

    @Test func publicKeys() throws {
        let folder = NSTemporaryDirectory() + "odo-jwt-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (rsaPrivate, rsaPublic) = try keyPair(
            folder + "/rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        let (ecPrivate, ecPublic) = try keyPair(
            folder + "/ec", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        let rsa = try TokenVerifier(algorithm: .rs256, key: rsaPublic)
        let ec = try TokenVerifier(algorithm: .es256, key: ecPublic)
        let rsaToken = try signed(claims, key: rsaPrivate, algorithm: JWT_ALG_RS256)
        let ecToken = try signed(claims, key: ecPrivate, algorithm: JWT_ALG_ES256)
        #expect(verifies(rsa, rsaToken))
        #expect(verifies(ec, ecToken))
        #expect(!verifies(rsa, ecToken))
        #expect(!verifies(ec, rsaToken))
        // A public key used as an HMAC secret: everybody could sign.
        #expect(!verifies(rsa, try signed(claims, key: rsaPublic, algorithm: JWT_ALG_HS256)))
        #expect(!verifies(ec, try signed(claims, key: ecPublic, algorithm: JWT_ALG_HS256)))
        #expect(!verifies(rsa, try signed(claims, key: rsaPrivate, algorithm: JWT_ALG_RS512)))
        #expect(throws: TokenConfigurationError.self) {
            try TokenVerifier(algorithm: .hs256, key: rsaPublic)
        }
        #expect(throws: TokenConfigurationError.self) {
            try TokenVerifier(algorithm: .rs256, key: TestService.secret)
        }
        #expect(throws: TokenConfigurationError.self) {
            try TokenVerifier(algorithm: .es256, key: ecPrivate)
        }
        #expect(throws: TokenConfigurationError.self) {
            try TokenVerifier(algorithm: .hs256, key: Array("short".utf8))
        }
    }

    @Test func issuerAndAudience() throws {
        let strict = try TokenVerifier(
            algorithm: .hs256, key: TestService.secret, issuer: "https://issuer",
            audience: "odometer")
        for (extra, expected) in [
            (#""iss": "https://issuer", "aud": "odometer""#, true),
            (#""iss": "https://issuer", "aud": ["x", "odometer"]"#, true),
            (#""iss": "https://issuer", "aud": []"#, false),
            (#""iss": "https://issuer", "aud": ["x"]"#, false),
            (#""iss": "https://issuer", "aud": "odometer2""#, false),
            (#""iss": "https://issuer", "aud": {"odometer": 1}"#, false),
            (#""iss": "https://issuer""#, false), (#""aud": "odometer""#, false),
            (#""iss": "https://issuer/", "aud": "odometer""#, false),
            (#""iss": ["https://issuer"], "aud": "odometer""#, false),
        ] {
            let token = try signed(
                #"{"organization_id": "o", "exp": 1893456000, \#(extra)}"#, key: TestService.secret)
            #expect(verifies(strict, token) == expected, "\(extra)")
        }
    }

    @Test(arguments: [
        (#""typ":"JWT""#, true), (#""typ":"jwt""#, true), (#""typ":"at+jwt""#, true),
        (#""typ":"AT+JWT""#, true), (#""typ":"At\u002bJwt""#, true),
        (#""typ":"application/at+jwt""#, true), (#""typ":"Application/AT+JWT""#, true),
        (#""x":1"#, true), (#""kid":"any""#, true), (#""typ":"""#, false),
        (#""typ":"at+jw""#, false), (#""typ":"at+jwtx""#, false), (#""typ":"JWE""#, false),
        (#""typ":"dpop+jwt""#, false), (#""typ":["JWT"]"#, false), (#""typ":null"#, false),
        (#""kid":7"#, false), (#""crit":["exp"]"#, false), (#""crit":[]"#, false),
        (#""alg":"HS512""#, false), (#""alg":"none""#, false), (#""alg":"hs256""#, false),
    ])
    func headers(member: String, isTaken: Bool) throws {
        // Of two members with one name the last one holds.
        let text = base64(#"{"alg":"HS256",\#(member)}"#) + "." + base64(claims)
        var code = [UInt8](repeating: 0, count: 32)
        HMAC(
            EVP_sha256(), TestService.secret, Int32(TestService.secret.count), Array(text.utf8),
            text.utf8.count, &code, nil)
        let verifier = try TokenVerifier(algorithm: .hs256, key: TestService.secret)
        #expect(verifies(verifier, text + "." + base64(code)) == isTaken)
    }

    @Test func anAudienceThatNobodyAsksForIsToldOnce() throws {
        let said = Said()
        let verifier = TokenVerifier(
            keys: try TokenKeys(algorithm: .hs256, key: TestService.secret), warn: { said.add($0) })
        let plain = try signed(claims, key: TestService.secret)
        #expect(verifies(verifier, plain) && said.lines == [])
        for number in 0..<3 {
            let claims = #"{"exp": 1893456000, "aud": "other", "sub": "\#(number)"}"#
            #expect(verifies(verifier, try signed(claims, key: TestService.secret)))
        }
        #expect(said.lines.count == 1)
        #expect(said.lines.allSatisfy { $0.contains("--jwt-audience") })
    }

    /// Asks a service with this verifier.
    private func verifies(_ verifier: TokenVerifier, _ token: String) -> Bool {
        verifier.accepts(Array(token.utf8), nowSeconds: 1_773_065_251)
    }
}

/// Lines that somebody was told, from any thread.
private final class Said: Sendable {
    private let told = Mutex<[String]>([])
    var lines: [String] { told.withLock { $0 } }
    func add(_ line: String) { told.withLock { $0.append(line) } }
}
