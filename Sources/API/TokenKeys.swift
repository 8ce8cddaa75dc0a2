/// A key of a JSON Web Key Set (RFC 7517), with the members that are looked at.
public struct JSONWebKey: Sendable, Decodable {
    /// Kind: `RSA`, `EC` or `oct`; others are left out.
    public var kty: String
    /// Name by which tokens choose it.
    public var kid: String?
    /// Algorithm that it is for.
    public var alg: String?
    /// `sig` or `enc`.
    public var use: String?
    /// Curve, of EC.
    public var crv: String?
    /// Modulus, of RSA.
    public var n: String?
    /// Exponent, of RSA.
    public var e: String?
    /// Coordinate, of EC.
    public var x: String?
    /// Coordinate, of EC.
    public var y: String?
    /// Secret, of oct.
    public var k: String?
}

/// A JSON Web Key Set (RFC 7517).
public struct JSONWebKeySet: Sendable, Decodable {
    /// Its keys.
    public var keys: [JSONWebKey]
}

/// Gives the keys that tokens are verified with now; asked for each token, from every thread.
public protocol TokenKeySource: Sendable {
    /// The keys of this moment.
    func current() -> TokenKeys
}

/// Keys that tokens are verified with, and the tokens that they were found good for.
public final class TokenKeys: TokenKeySource {
    private let keys: [SignatureKey]
    /// Whether there is one key that has no name, so that a token's `kid` says nothing.
    private let isUnnamed: Bool
    let verified = VerifiedTokens()

    private static let mostKeys = 100

    /// One key for all tokens, whatever their `kid`; throws where it is not of the algorithm's kind.
    ///
    /// - Parameter key: for HS256 the secret (at least 32 bytes), else the public key in PEM.
    public init(
        algorithm: TokenVerifier.Algorithm, key: [UInt8]
    ) throws(TokenConfigurationError) {
        let isPEM = key.drop { $0 <= 0x20 }.starts(with: "-----BEGIN ".utf8)
        if algorithm == .hs256 {
            // A public key is known to everybody: as a secret it would let anybody sign.
            guard !isPEM else {
                throw TokenConfigurationError(message: "HS256 needs a secret, not a key in PEM")
            }
            keys = [try SignatureKey(secret: key)]
        } else {
            keys = [try SignatureKey(pem: key, algorithm: algorithm)]
        }
        isUnnamed = true
    }

    /// The keys of a set; throws where one of them is too small or unsound, where two cannot be told
    /// apart, or where none is left.
    ///
    /// Left out, as RFC 7517 wants it: kinds, curves and algorithms that are not known here, and
    /// keys that are not for signatures.
    ///
    /// - Parameter only: leaves out the keys of other algorithms; nil takes all three.
    public init(
        _ set: JSONWebKeySet, only: TokenVerifier.Algorithm? = nil
    ) throws(TokenConfigurationError) {
        guard set.keys.count <= TokenKeys.mostKeys else {
            throw TokenConfigurationError(message: "more than \(TokenKeys.mostKeys) keys")
        }
        var keys: [SignatureKey] = []
        for (index, one) in set.keys.enumerated() {
            guard let algorithm = one.algorithm, only == nil || only == algorithm else { continue }
            let name = one.kid.map { "key \"\($0)\"" } ?? "key \(index + 1)"
            let key: SignatureKey
            do throws(TokenConfigurationError) {
                key = try one.signatureKey(algorithm)
            } catch {
                throw TokenConfigurationError(message: "\(name): \(error.message)")
            }
            if key.id != nil, keys.contains(where: { $0.id == key.id && $0.algorithm == algorithm })
            {
                throw TokenConfigurationError(message: "\(name) is there twice")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else {
            let wanted = only.map(\.rawValue) ?? "RS256, ES256 or HS256"
            throw TokenConfigurationError(message: "no key for signatures with \(wanted)")
        }
        self.keys = keys
        isUnnamed = false
    }

    /// Itself.
    public func current() -> TokenKeys { self }

    /// The key for a token with this `kid` and algorithm; nil where there is none, or where a token
    /// without `kid` leaves a choice.
    func key(id: [UInt8]?, algorithm: TokenVerifier.Algorithm) -> SignatureKey? {
        let fitting = keys.filter {
            $0.algorithm == algorithm && (isUnnamed || id == nil || $0.id == id)
        }
        return fitting.count == 1 ? fitting.first : nil
    }
}

extension JSONWebKey {
    /// The one algorithm that it is for; nil where that is none of ours.
    fileprivate var algorithm: TokenVerifier.Algorithm? {
        guard use == nil || use == "sig" else { return nil }
        let algorithm: TokenVerifier.Algorithm
        switch kty {
        case "RSA": algorithm = .rs256
        case "EC" where crv == "P-256": algorithm = .es256
        case "oct": algorithm = .hs256
        default: return nil
        }
        return alg == nil || alg == algorithm.rawValue ? algorithm : nil
    }

    fileprivate func signatureKey(
        _ algorithm: TokenVerifier.Algorithm
    ) throws(TokenConfigurationError) -> SignatureKey {
        let id = kid.map { Array($0.utf8) }
        switch algorithm {
        case .rs256:
            return try SignatureKey(
                modulus: try bytes("n", n), exponent: try bytes("e", e), id: id)
        case .es256: return try SignatureKey(x: try bytes("x", x), y: try bytes("y", y), id: id)
        case .hs256: return try SignatureKey(secret: try bytes("k", k), id: id)
        }
    }

    private func bytes(_ name: String, _ text: String?) throws(TokenConfigurationError) -> [UInt8] {
        // 16,384 bits, the most that libcrypto verifies with, and some.
        guard let text, text.utf8.count <= 4_096, let bytes = Base64URL.bytes(Array(text.utf8)),
            !bytes.isEmpty
        else { throw TokenConfigurationError(message: "\(name) is absent or no base64url") }
        return bytes
    }
}
