/// Gives the keys that tokens are verified with now; asked for each token, from every thread.
public protocol TokenKeySource: Sendable {
    /// The keys of this moment.
    func current() -> TokenKeys
}

/// Keys that tokens are verified with, and the tokens that they were found good for.
public final class TokenKeys: TokenKeySource {
    private let keys: [SignatureKey]
    let verified = VerifiedTokens()
    /// What of the set could not be used and why, one text a key; holds no key.
    public let leftOut: [String]

    /// The shortest secret of HS256.
    public static let leastSecretBytes = 32
    private static let mostKeys = 100

    /// One key for all tokens, whatever their `kid`; throws where it is not of the algorithm's kind.
    ///
    /// - Parameter key: for HS256 the secret (at least `leastSecretBytes` long), else the public key in PEM.
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
        leftOut = []
    }

    /// The keys of a set; throws where one of them is too small or unsound, where two cannot be told
    /// apart, or where none is left.
    ///
    /// Left out, as RFC 7517 wants it: kinds, curves and algorithms that are not known here, and
    /// keys that are not for signatures.
    ///
    /// - Parameters:
    ///   - only: leaves out the keys of other algorithms; nil takes all three.
    ///   - isStrict: false leaves out what cannot be used, `leftOut` names it, and throws only where
    ///     no key is left.
    public init(
        _ set: JSONWebKeySet, only: TokenVerifier.Algorithm? = nil, isStrict: Bool = true
    ) throws(TokenConfigurationError) {
        var keys: [SignatureKey] = []
        var leftOut: [String] = []
        /// Throws the reason, or notes it.
        func refuse(_ reason: String) throws(TokenConfigurationError) {
            if isStrict { throw TokenConfigurationError(message: reason) }
            leftOut.append(reason)
        }
        if set.keys.count > TokenKeys.mostKeys {
            try refuse("more than \(TokenKeys.mostKeys) keys")
        }
        var twice: [SignatureKey] = []
        for (index, one) in set.keys.prefix(TokenKeys.mostKeys).enumerated() {
            let name = one.kid.map { "key \"\($0.prefix(100))\"" } ?? "key \(index + 1)"
            if let fault = one.fault {
                try refuse("\(name): \(fault)")
                continue
            }
            guard let algorithm = one.algorithm, only == nil || only == algorithm else { continue }
            let key: SignatureKey
            do throws(TokenConfigurationError) {
                key = try one.signatureKey(algorithm)
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
        // Nobody knows which one is meant: perhaps the other one was withdrawn.
        keys.removeAll { key in twice.contains { $0.isNamed(like: key) } }
        guard !keys.isEmpty else {
            let wanted = only.map(\.rawValue) ?? "RS256, ES256 or HS256"
            let reasons = leftOut.isEmpty ? "" : "; " + leftOut.joined(separator: "; ")
            throw TokenConfigurationError(message: "no key for signatures with \(wanted)\(reasons)")
        }
        self.keys = keys
        self.leftOut = leftOut
    }

    /// Itself.
    public func current() -> TokenKeys { self }

    /// The key for a token with this `kid` and algorithm; nil where there is none, or more than one.
    ///
    /// A key without `kid` (RFC 7517 permits it) is for tokens without `kid` and for those whose `kid`
    /// no key of the set has.
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
