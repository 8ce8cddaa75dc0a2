import API
import CJWT
import Foundation
import Testing

/// Keys that verify tokens: several in a set, chosen by name, each for one algorithm.
@Suite struct TokenKeyTests {
    private static let now: Int64 = 1_773_065_251
    private let claims = #"{"organization_id": "o", "exp": 1893456000}"#
    private let secret = Array("a secret of more than thirty-two bytes".utf8)
    private let other = Array("another secret of thirty-two bytes!!!!".utf8)

    private func keys(_ keys: String..., only: TokenVerifier.Algorithm? = nil) throws -> TokenKeys {
        let text = #"{"keys": [\#(keys.joined(separator: ","))]}"#
        return try TokenKeys(
            JSONDecoder().decode(JSONWebKeySet.self, from: Data(text.utf8)), only: only)
    }

    private func accepts(_ keys: TokenKeys, _ token: String) -> Bool {
        TokenVerifier(keys: keys).accepts(Array(token.utf8), nowSeconds: Self.now)
    }

    private func token(
        _ key: [UInt8], _ algorithm: jwt_alg_t = JWT_ALG_HS256, kid: String? = nil
    ) throws -> String {
        try signed(claims, key: key, algorithm: algorithm, kid: kid)
    }

    private func complaint(_ make: () throws -> TokenKeys) throws -> String {
        let error = #expect(throws: TokenConfigurationError.self) { _ = try make() }
        return try #require(error).message
    }

    // MARK: JSON Web Keys

    private func base64(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    private func oct(_ kid: String?, _ secret: [UInt8], _ more: String = "") -> String {
        let name = kid.map { #""kid":"\#($0)","# } ?? ""
        return #"{\#(name)"kty":"oct","k":"\#(base64(secret))"\#(more)}"#
    }

    /// The last bytes of a public key's DER: the point of EC, or modulus and exponent of RSA.
    private func der(_ pem: [UInt8]) throws -> [UInt8] {
        let lines = String(decoding: pem, as: UTF8.self).split(separator: "\n")
        return [UInt8](
            try #require(Data(base64Encoded: lines.filter { !$0.hasPrefix("-") }.joined())))
    }

    private func rsa(_ kid: String, _ pem: [UInt8], bits: Int, _ more: String = "") throws -> String
    {
        // … modulus, then 02 03 01 00 01.
        let modulus = try der(pem).dropLast(5).suffix(bits / 8)
        return #"{"kty":"RSA","kid":"\#(kid)","n":"\#(base64(modulus))","e":"AQAB"\#(more)}"#
    }

    private func ec(_ kid: String, _ pem: [UInt8], y: [UInt8]? = nil) throws -> String {
        let point = try der(pem).suffix(64)
        let (x, own) = (base64(point.prefix(32)), base64(point.suffix(32)))
        return
            #"{"kty":"EC","crv":"P-256","kid":"\#(kid)","x":"\#(x)","y":"\#(y.map { base64($0) } ?? own)"}"#
    }

    private struct Pairs {
        let rsa, small, ec, p384: (private: [UInt8], public: [UInt8])
    }

    private func withPairs(_ body: (Pairs) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "odo-keys-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func rsa(_ bits: Int) throws -> (private: [UInt8], public: [UInt8]) {
            try keyPair(
                "\(folder)/\(bits)", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:\(bits)"])
        }
        func ec(_ curve: String) throws -> (private: [UInt8], public: [UInt8]) {
            try keyPair(
                "\(folder)/\(curve)",
                ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)"])
        }
        try body(
            Pairs(
                rsa: try rsa(2_048), small: try rsa(1_024), ec: try ec("P-256"),
                p384: try ec("P-384")))
    }

    // MARK: Tests

    @Test func theNameChoosesTheKeyAndTheKeyTheAlgorithm() throws {
        try withPairs { pairs in
            let set = try keys(
                try rsa("r", pairs.rsa.public, bits: 2_048, #","alg":"RS256","use":"sig""#),
                try ec("e", pairs.ec.public), oct("a", secret), oct("b", other))
            #expect(accepts(set, try token(pairs.rsa.private, JWT_ALG_RS256, kid: "r")))
            #expect(accepts(set, try token(pairs.ec.private, JWT_ALG_ES256, kid: "e")))
            #expect(accepts(set, try token(secret, kid: "a")))
            #expect(accepts(set, try token(other, kid: "b")))
            // Another key's name, or one that nobody has.
            #expect(!accepts(set, try token(secret, kid: "b")))
            #expect(!accepts(set, try token(secret, kid: "c")))
            #expect(!accepts(set, try token(secret, kid: "")))
            #expect(!accepts(set, try token(secret, kid: "r")))
            #expect(!accepts(set, try token(pairs.ec.private, JWT_ALG_ES256, kid: "r")))
            // Other algorithms with the right key, and a public key as a secret.
            #expect(!accepts(set, try token(pairs.rsa.private, JWT_ALG_RS512, kid: "r")))
            #expect(!accepts(set, try token(pairs.rsa.public, kid: "r")))
            #expect(!accepts(set, try token(secret, JWT_ALG_HS512, kid: "a")))
            // Without a name there must be no choice.
            #expect(accepts(set, try token(pairs.rsa.private, JWT_ALG_RS256)))
            #expect(accepts(set, try token(pairs.ec.private, JWT_ALG_ES256)))
            #expect(!accepts(set, try token(secret)))
            let only = try keys(
                try rsa("r", pairs.rsa.public, bits: 2_048), oct("a", secret), only: .rs256)
            #expect(accepts(only, try token(pairs.rsa.private, JWT_ALG_RS256, kid: "r")))
            #expect(!accepts(only, try token(secret, kid: "a")))
        }
    }

    @Test func aKeyWithoutANameIsForNamesThatNoKeyHas() throws {
        let set = try keys(oct(nil, secret), oct("b", other))
        #expect(accepts(set, try token(secret, kid: "a")))
        #expect(accepts(set, try token(other, kid: "b")))
        #expect(!accepts(set, try token(secret, kid: "b")))
        #expect(!accepts(set, try token(other, kid: "a")))
        // Without a name at all there are two.
        #expect(!accepts(set, try token(secret)))
        let both = try keys(oct(nil, secret), oct(nil, other))
        #expect(!accepts(both, try token(secret, kid: "a")))
        try withPairs { pairs in
            // The name is that of a key for another algorithm.
            let set = try keys(oct(nil, secret), try ec("e", pairs.ec.public))
            #expect(!accepts(set, try token(secret, kid: "e")))
            #expect(accepts(set, try token(secret, kid: "f")))
        }
    }

    @Test func oneConfiguredKeyTakesEveryName() throws {
        let keys = try TokenKeys(algorithm: .hs256, key: secret)
        #expect(accepts(keys, try token(secret, kid: "whatever")))
        #expect(accepts(keys, try token(secret)))
    }

    @Test func keysThatAreNotSoundAreRefusedAtLoad() throws {
        try withPairs { pairs in
            let small = "the RSA key has 1024 bits, at least 2048 are needed"
            #expect(
                try complaint { try TokenKeys(algorithm: .rs256, key: pairs.small.public) } == small
            )
            #expect(
                try complaint {
                    try keys(oct("a", secret), try rsa("r", pairs.small.public, bits: 1_024))
                } == #"key "r": \#(small)"#)
            #expect(
                try complaint { try TokenKeys(algorithm: .es256, key: pairs.p384.public) }
                    == "ES256 needs a key on P-256")
            #expect(
                try complaint { try TokenKeys(algorithm: .es256, key: pairs.rsa.public) }
                    == "ES256 needs a key on P-256")
            #expect(
                try complaint { try TokenKeys(algorithm: .rs256, key: pairs.ec.public) }
                    == "RS256 needs an RSA key")
            let off = try ec("e", pairs.ec.public, y: Array(repeating: 7, count: 32))
            #expect(try complaint { try keys(off) }.contains("P-256"))
            let short = try ec("e", pairs.ec.public, y: [7])
            #expect(try complaint { try keys(short) }.contains("32 bytes"))
        }
        #expect(try complaint { try keys(oct("a", [1, 2, 3])) }.contains("less than 32 bytes"))
        #expect(
            try complaint { try keys(oct("a", secret), oct("a", other)) }
                == #"key "a" is there twice"#)
        #expect(
            try complaint { try keys(#"{"kty":"oct"}"#) } == "key 1: k is absent or no base64url")
        #expect(
            try complaint { try keys(#"{"kty":"RSA","n":"a+b/","e":"AQAB"}"#) }.contains(
                "n is absent"))
        #expect(try complaint { try keys() }.contains("no key for signatures"))
    }

    @Test func whatIsNotKnownIsLeftOut() throws {
        let strangers = [
            #"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, #"{"kty":"EC","crv":"P-521","x":"A"}"#,
            #"{"kty":"RSA","alg":"RS512","n":"AAAA","e":"AQAB"}"#,
            #"{"kty":"RSA","use":"enc","n":"AAAA","e":"AQAB","x5c":["AAAA"]}"#,
            oct("z", other, #","alg":"HS512""#),
        ]
        for stranger in strangers {
            let set = try keys(stranger, oct("a", secret))
            #expect(accepts(set, try token(secret, kid: "a")))
            #expect(!accepts(set, try token(other, kid: "z")))
            #expect(try complaint { try keys(stranger) }.contains("no key for signatures"))
        }
    }
}
