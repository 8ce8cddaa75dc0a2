/// Gives the keys that tokens are verified with; asked for each token, on every thread.
public protocol TokenKeySource: Sendable {
    /// The keys now.
    func current() -> TokenKeys
}

/// Keys that tokens are verified with, and the tokens that were verified with them.
public final class TokenKeys: TokenKeySource {
    private let keys: [SignatureKey]
    let verified = VerifiedTokens()
    /// Which keys of the set cannot be used and why, one text a key; contains no part of a key.
    public let leftOut: [String]

    /// The shortest secret of HS256.
    public static let leastSecretBytes = 32
    private static let mostKeys = 100

    /// One key for all tokens, whatever their `kid`; throws where it is not for the algorithm.
    ///
    /// - Parameter key: for HS256 the secret, at least `leastSecretBytes` long; else the public key
    ///   in PEM.
    public init(
        algorithm: TokenVerifier.Algorithm, key: [UInt8]
    ) throws(TokenConfigurationError) {
        let isPEM = key.drop { $0 <= 0x20 }.starts(with: "-----BEGIN ".utf8)
        if algorithm == .hs256 {
            // A public key is known to everybody, so it is no secret.
            guard !isPEM else {
                throw TokenConfigurationError(message: "HS256 needs a secret, not a key in PEM")
            }
            keys = [try SignatureKey(secret: key)]
        } else {
            keys = [try SignatureKey(pem: key, algorithm: algorithm)]
        }
        leftOut = []
    }

    /// The keys of a set.
    ///
    /// Throws where a key is too small or not valid, where two cannot be told apart, or where none
    /// is left. As RFC 7517 demands, keys of kinds, curves and algorithms that are not known here,
    /// and keys that are not for signatures, are left out.
    ///
    /// - Parameters:
    ///   - only: leaves out the keys of other algorithms; nil: all three are used.
    ///   - isStrict: if false, keys that cannot be used are left out and named in `leftOut`; it
    ///     throws only where no key is left.
    public init(
        _ set: JSONWebKeySet, only: TokenVerifier.Algorithm? = nil, isStrict: Bool = true
    ) throws(TokenConfigurationError) {
        var keys: [SignatureKey] = []
        var leftOut: [String] = []
        /// Throws the reason; if not strict, notes it.
        func refuse(_ reason: String) throws(TokenConfigurationError) {
            if isStrict { throw TokenConfigurationError(message: reason) }
            leftOut.append(reason)
        }
        if set.keys.count > TokenKeys.mostKeys {
            try refuse("more than \(TokenKeys.mostKeys) keys")
        }
        var twice: [SignatureKey] = []
        for (index, webKey) in set.keys.prefix(TokenKeys.mostKeys).enumerated() {
            let name = webKey.kid.map { "key \"\($0.prefix(100))\"" } ?? "key \(index + 1)"
            if let refusal = webKey.refusal {
                try refuse("\(name): \(refusal)")
                continue
            }
            guard let algorithm = webKey.algorithm, only == nil || only == algorithm else {
                continue
            }
            let key: SignatureKey
            do throws(TokenConfigurationError) {
                key = try webKey.signatureKey(algorithm)
            } catch {
                try refuse("\(name): \(error.message)")
                continue
            }
            if key.id != nil, keys.contains(where: { $0.isNamed(like: key) }) {
                try refuse("\(name) is there twice")
                twice.append(key)
            }
            keys.append(key)
        }
        // Of two keys with one name, neither is used: one of them may have been withdrawn.
        keys.removeAll { key in twice.contains { $0.isNamed(like: key) } }
        guard !keys.isEmpty else {
            let wanted = only.map(\.rawValue) ?? "RS256, ES256 or HS256"
            let reasons = leftOut.isEmpty ? "" : "; " + leftOut.joined(separator: "; ")
            throw TokenConfigurationError(message: "no key for signatures with \(wanted)\(reasons)")
        }
        self.keys = keys
        self.leftOut = leftOut
    }

    /// These keys, always.
    public func current() -> TokenKeys { self }

    /// The key for a token with this `kid` and algorithm; nil where there is not exactly one.
    ///
    /// A key without `kid`, which RFC 7517 permits, is for tokens without `kid` and for those whose
    /// `kid` no key of the set has.
    func key(id: [UInt8]?, algorithm: TokenVerifier.Algorithm) -> SignatureKey? {
        let isNamed = id != nil && keys.contains { $0.id == id }
        let fitting = keys.filter {
            $0.algorithm == algorithm && (id == nil || $0.id == (isNamed ? id : nil))
        }
        return fitting.count == 1 ? fitting.first : nil
    }
}

extension SignatureKey {
    /// Whether a token that chooses the other key chooses this one too.
    fileprivate func isNamed(like other: SignatureKey) -> Bool {
        id == other.id && algorithm == other.algorithm
    }
}
