import Metering
import Synchronization

/// Why tokens cannot be verified at all.
public struct TokenConfigurationError: Error, Sendable, CustomStringConvertible {
    /// Text for people; contains no part of a key.
    public let message: String
    /// The message.
    public var description: String { message }

    /// An error with this message.
    public init(message: String) { self.message = message }
}

/// Verifies signed tokens (JWT) of one issuer.
///
/// The key decides the algorithm; a token that names another one is refused. Among several keys,
/// the token's `kid` chooses.
public final class TokenVerifier: Sendable {
    /// A signature algorithm; `none` is not among them.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// HMAC with SHA-256 and a shared secret.
        case hs256 = "HS256"
        /// RSA (PKCS #1 v1.5) with SHA-256 and a public key in PEM.
        case rs256 = "RS256"
        /// ECDSA on P-256 with SHA-256 and a public key in PEM.
        case es256 = "ES256"
    }

    /// What a verified token says.
    struct Claims: Hashable {
        /// The claim `organization_id`; nil where it is not a text of 1 to `EventLimits.textBytes`.
        let organization: [UInt8]?
        /// The claim `sub`, empty where it is absent.
        ///
        /// A text is its bytes. Another value is the byte 255 and its JSON text, so that it never
        /// equals a text.
        let subject: [UInt8]
    }

    /// The time in which a token is valid, in seconds since 1970.
    struct Validity {
        /// `exp`: the first second in which the token is no longer valid.
        let expirySecond: Int64
        /// `nbf`; nil where the token has none.
        let firstSecond: Int64?

        func holds(at nowSeconds: Int64) -> Bool {
            nowSeconds < expirySecond
                && firstSecond.map { $0 <= nowSeconds + TokenVerifier.leewaySeconds } ?? true
        }
    }

    private let keys: any TokenKeySource
    private let issuer: String?
    private let audience: String?
    private let warn: @Sendable (String) -> Void
    private let hasWarned = Atomic(false)

    /// How far `nbf` may be in the future, for clocks that differ.
    static let leewaySeconds: Int64 = 30
    private static let longestTokenBytes = 8_192
    /// What `typ` may be, in upper or lower case: a JWT, or an access token (RFC 9068).
    private static let types = ["jwt", "at+jwt", "application/at+jwt"].map { Array($0.utf8) }

    /// A verifier with the keys of a source.
    ///
    /// - Parameters:
    ///   - issuer: what `iss` must be; nil: anything.
    ///   - audience: what `aud` must be or contain; nil: anything.
    ///   - warn: takes a line for the log at the first token that names an audience while none is
    ///     configured; called on a request's thread.
    public init(
        keys: any TokenKeySource, issuer: String? = nil, audience: String? = nil,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.keys = keys
        self.issuer = issuer
        self.audience = audience
        self.warn = warn
    }

    /// A verifier with one key for all tokens; throws where it is not of the algorithm's kind.
    public convenience init(
        algorithm: Algorithm, key: [UInt8], issuer: String? = nil, audience: String? = nil
    ) throws(TokenConfigurationError) {
        self.init(
            keys: try TokenKeys(algorithm: algorithm, key: key), issuer: issuer, audience: audience)
    }

    /// Whether a token is valid at `nowSeconds` (since 1970).
    public func accepts(_ token: [UInt8], nowSeconds: Int64) -> Bool {
        verify(token, nowSeconds: nowSeconds) != nil
    }

    /// The claims of a token that is valid at `nowSeconds` (since 1970), else nil.
    func verify(_ token: [UInt8], nowSeconds: Int64) -> Claims? {
        let keys = self.keys.current()
        if let known = keys.verified.find(token) {
            return known.validity.holds(at: nowSeconds) ? known.claims : nil
        }
        guard token.count <= TokenVerifier.longestTokenBytes else { return nil }
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }),
            let key = TokenVerifier.key(of: parts[0], among: keys),
            let signature = Base64URL.bytes(parts[2]),
            key.verifies(signature, of: token[..<parts[1].endIndex]),
            Base64URL.bytes(parts[1]) != nil, let claims = TokenPart(parts[1]),
            let validity = TokenVerifier.validity(claims), validity.holds(at: nowSeconds),
            isOurs(claims)
        else { return nil }
        let organization = claims.text("organization_id")
        let found = Claims(
            organization: organization.flatMap {
                (1...EventLimits.textBytes).contains($0.count) ? $0 : nil
            },
            subject: claims.text("sub") ?? claims.json("sub").map { [255] + $0 } ?? [])
        keys.verified.insert(token, found, validity)
        return found
    }

    /// The key that a header chooses; nil where a member of the header is not known here.
    private static func key(of part: ArraySlice<UInt8>, among keys: TokenKeys) -> SignatureKey? {
        guard Base64URL.bytes(part) != nil, let header = TokenPart(part),
            let name = header.text("alg"),
            let algorithm = Algorithm(rawValue: String(decoding: name, as: UTF8.self)),
            // `crit` lists members that must be understood (RFC 7515, 4.1.11); none are here.
            header.json("crit") == nil
        else { return nil }
        if header.json("typ") != nil {
            let type = header.text("typ")?.map { (65...90).contains($0) ? $0 | 32 : $0 }
            guard let type, types.contains(type) else { return nil }
        }
        let id = header.text("kid")
        guard id != nil || header.json("kid") == nil else { return nil }
        return keys.key(id: id, algorithm: algorithm)
    }

    private static func validity(_ claims: borrowing TokenPart) -> Validity? {
        guard let expiry = claims.integer("exp") else { return nil }
        guard claims.json("nbf") != nil else {
            return Validity(expirySecond: expiry, firstSecond: nil)
        }
        return claims.integer("nbf").map { Validity(expirySecond: expiry, firstSecond: $0) }
    }

    private func isOurs(_ claims: borrowing TokenPart) -> Bool {
        if let issuer, claims.text("iss") != Array(issuer.utf8) { return false }
        guard let audience else {
            warnOfAudience(claims)
            return true
        }
        return claims.texts("aud")?.contains(Array(audience.utf8)) ?? false
    }

    private func warnOfAudience(_ claims: borrowing TokenPart) {
        guard claims.json("aud") != nil, !hasWarned.exchange(true, ordering: .relaxed) else {
            return
        }
        warn(
            "tokens name an audience (aud), and --jwt-audience is not set: "
                + "tokens that were made for other services are taken as well")
    }
}
