internal import CJWT
internal import Query

/// Why tokens cannot be verified at all.
public struct TokenConfigurationError: Error, Sendable, CustomStringConvertible {
    /// Text for people; holds no key.
    public let message: String
    /// The message.
    public var description: String { message }
}

/// Verifies signed tokens (JWT) of one issuer with one key and one algorithm.
///
/// The algorithm is configured; what a token says about it only has to agree. The library verifies
/// the signature with the token's own algorithm and nothing else, so everything else is done here.
public struct TokenVerifier: Sendable {
    /// A signature algorithm; `none` is not one.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// HMAC with SHA-256 and a shared secret.
        case hs256 = "HS256"
        /// RSA (PKCS #1 v1.5) with SHA-256 and a public key in PEM.
        case rs256 = "RS256"
        /// ECDSA on P-256 with SHA-256 and a public key in PEM.
        case es256 = "ES256"

        fileprivate var code: jwt_alg_t {
            switch self {
            case .hs256: JWT_ALG_HS256
            case .rs256: JWT_ALG_RS256
            case .es256: JWT_ALG_ES256
            }
        }
    }

    /// What a verified token says.
    struct Claims: Hashable {
        /// The claim `organization_id`, where it is a text of 1 to 256 bytes.
        let organization: [UInt8]?
        /// The claim `sub`, where it is a text; empty where it is none.
        let subject: [UInt8]
    }

    /// From when to when a token is valid, in seconds since 1970.
    struct Validity {
        /// `exp`: the first second in which it is not.
        let expiry: Int64
        /// `nbf`; nil where it has none.
        let begin: Int64?

        func holds(at now: Int64) -> Bool {
            now < expiry && begin.map { $0 <= now + TokenVerifier.leeway } ?? true
        }
    }

    private let algorithm: Algorithm
    private let key: [UInt8]
    private let issuer: String?
    private let audience: String?
    private let verified = VerifiedTokens()

    /// Seconds by which `nbf` may be in the future.
    static let leeway: Int64 = 30
    private static let longestToken = 8_192

    /// A verifier; throws where the key is not of the algorithm's kind.
    ///
    /// - Parameters:
    ///   - key: for HS256 the secret (at least 32 bytes), else the public key in PEM.
    ///   - issuer: what `iss` must be; nil = not asked for.
    ///   - audience: what `aud` must be or hold; nil = not asked for.
    public init(
        algorithm: Algorithm, key: [UInt8], issuer: String? = nil, audience: String? = nil
    ) throws(TokenConfigurationError) {
        let isPEM = key.drop { $0 <= 0x20 }.starts(with: "-----BEGIN ".utf8)
        switch algorithm {
        case .hs256:
            // A public key is known to everybody: as a secret it would let anybody sign.
            guard !isPEM else {
                throw TokenConfigurationError(message: "HS256 needs a secret, not a key in PEM")
            }
            guard key.count >= 32 else {
                throw TokenConfigurationError(message: "the HS256 secret has less than 32 bytes")
            }
        case .rs256, .es256:
            guard isPEM, String(decoding: key, as: UTF8.self).contains("-----BEGIN PUBLIC KEY-----")
            else {
                throw TokenConfigurationError(
                    message: "\(algorithm.rawValue) needs a public key in PEM")
            }
        }
        self.algorithm = algorithm
        self.key = key
        self.issuer = issuer
        self.audience = audience
    }

    /// Whether a token is valid at `now` (seconds since 1970).
    public func accepts(_ token: [UInt8], now: Int64) -> Bool { verify(token, now: now) != nil }

    /// The claims of a token that is valid at `now` (seconds since 1970), else nil.
    func verify(_ token: [UInt8], now: Int64) -> Claims? {
        if let known = verified.find(token) {
            return known.validity.holds(at: now) ? known.claims : nil
        }
        guard token.count <= TokenVerifier.longestToken, TokenVerifier.isCompact(token) else {
            return nil
        }
        var decoded: OpaquePointer?
        let text = token.map { CChar(bitPattern: $0) } + [0]
        guard jwt_decode(&decoded, text, key, Int32(key.count)) == 0, let decoded else {
            return nil
        }
        defer { jwt_free(decoded) }
        guard jwt_get_alg(decoded) == algorithm.code,
            let validity = TokenVerifier.validity(decoded),
            validity.holds(at: now), isOurs(decoded), !hasCriticalHeader(decoded)
        else { return nil }
        let organization = TokenVerifier.text(decoded, "organization_id")
        let claims = Claims(
            organization: organization.flatMap { (1...256).contains($0.count) ? $0 : nil },
            subject: TokenVerifier.text(decoded, "sub") ?? [])
        verified.insert(token, claims, validity)
        return claims
    }

    /// Three parts of base64url characters, none of them empty.
    private static func isCompact(_ token: [UInt8]) -> Bool {
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 3
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy {
                        switch $0 {
                        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): true
                        default: false
                        }
                    }
            }
    }

    private static func validity(_ token: OpaquePointer) -> Validity? {
        guard let expiry = integer(token, "exp") else { return nil }
        guard json(token, "nbf") != nil else { return Validity(expiry: expiry, begin: nil) }
        return integer(token, "nbf").map { Validity(expiry: expiry, begin: $0) }
    }

    private func isOurs(_ token: OpaquePointer) -> Bool {
        if let issuer {
            guard let claim = TokenVerifier.text(token, "iss"), claim == Array(issuer.utf8) else {
                return false
            }
        }
        if let audience {
            let wanted = Array(audience.utf8)
            guard let claim = TokenVerifier.json(token, "aud") else { return false }
            let values = RecordText.strings(claim) ?? RecordText.string(claim).map { [$0] } ?? []
            guard values.contains(wanted) else { return false }
        }
        return true
    }

    /// A header that must be understood and that we do not know (RFC 7515, 4.1.11).
    private func hasCriticalHeader(_ token: OpaquePointer) -> Bool {
        guard let text = jwt_get_headers_json(token, "crit") else { return false }
        odometer_jwt_free_text(text)
        return true
    }

    private static func text(_ token: OpaquePointer, _ claim: String) -> [UInt8]? {
        jwt_get_grant(token, claim).map { Array(String(cString: $0).utf8) }
    }

    /// A number that is whole; read from its JSON text, because the library has no way to tell an
    /// absent claim from a 0.
    private static func integer(_ token: OpaquePointer, _ claim: String) -> Int64? {
        guard let text = json(token, claim) else { return nil }
        return Int64(String(decoding: text, as: UTF8.self))
    }

    private static func json(_ token: OpaquePointer, _ claim: String) -> [UInt8]? {
        guard let text = jwt_get_grants_json(token, claim) else { return nil }
        defer { odometer_jwt_free_text(text) }
        return Array(String(cString: text).utf8)
    }
}
