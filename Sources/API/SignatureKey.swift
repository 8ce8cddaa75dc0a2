internal import CCrypto

/// A key that verifies signatures of one algorithm and of no other.
///
/// Safe to use from every thread: libcrypto only reads a key when it verifies.
final class SignatureKey: @unchecked Sendable {
    private enum Material {
        case secret([UInt8])
        /// An EVP_PKEY, owned by this object.
        case publicKey(OpaquePointer)
    }

    /// The algorithm that it is for.
    let algorithm: TokenVerifier.Algorithm
    /// Its `kid`; nil where it has none.
    let id: [UInt8]?
    private let material: Material

    private static let leastRSABits = 2_048

    private init(_ algorithm: TokenVerifier.Algorithm, _ id: [UInt8]?, _ material: Material) {
        self.algorithm = algorithm
        self.id = id
        self.material = material
    }

    deinit {
        if case .publicKey(let key) = material { EVP_PKEY_free(key) }
    }

    // MARK: Making

    /// A shared secret of HS256, at least `TokenKeys.leastSecretBytes` long.
    convenience init(secret: [UInt8], id: [UInt8]? = nil) throws(TokenConfigurationError) {
        guard secret.count >= TokenKeys.leastSecretBytes else {
            throw TokenConfigurationError(
                message: "the HS256 secret has less than \(TokenKeys.leastSecretBytes) bytes")
        }
        self.init(.hs256, id, .secret(secret))
    }

    /// The public key in a PEM text; throws where it is not for this algorithm.
    convenience init(
        pem: [UInt8], algorithm: TokenVerifier.Algorithm
    ) throws(TokenConfigurationError) {
        let key = pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let text = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
                return nil
            }
            defer { BIO_free(text) }
            return PEM_read_bio_PUBKEY(text, nil, nil, nil)
        }
        guard let key else {
            throw TokenConfigurationError(
                message: "\(algorithm.rawValue) needs a public key in PEM")
        }
        self.init(algorithm, nil, .publicKey(key))
        try check(key)
    }

    /// An RSA key of a modulus and an exponent, most significant byte first.
    convenience init(
        modulus: [UInt8], exponent: [UInt8], id: [UInt8]?
    ) throws(TokenConfigurationError) {
        let made = odometer_rsa_key(
            modulus, Int32(clamping: modulus.count), exponent, Int32(clamping: exponent.count))
        guard let key = made else {
            throw TokenConfigurationError(message: "n and e are no RSA key")
        }
        self.init(.rs256, id, .publicKey(key))
        try check(key)
    }

    /// A key on P-256 from the coordinates of its point, 32 bytes each.
    convenience init(x: [UInt8], y: [UInt8], id: [UInt8]?) throws(TokenConfigurationError) {
        guard x.count == 32, y.count == 32 else {
            throw TokenConfigurationError(message: "x and y of P-256 must have 32 bytes")
        }
        // The form of an uncompressed point: 4, then both coordinates.
        guard let key = odometer_p256_key([4] + x + y) else {
            throw TokenConfigurationError(message: "x and y are no point of P-256")
        }
        self.init(.es256, id, .publicKey(key))
        try check(key)
    }

    /// Throws where the key is not for the algorithm, too small, or not valid.
    private func check(_ key: OpaquePointer) throws(TokenConfigurationError) {
        switch algorithm {
        case .hs256:
            throw TokenConfigurationError(message: "HS256 needs a secret, not a key in PEM")
        case .rs256:
            guard EVP_PKEY_is_a(key, "RSA") == 1 else {
                throw TokenConfigurationError(message: "RS256 needs an RSA key")
            }
            let bits = EVP_PKEY_get_bits(key)
            guard bits >= SignatureKey.leastRSABits else {
                throw TokenConfigurationError(
                    message: "the RSA key has \(bits) bits, at least "
                        + "\(SignatureKey.leastRSABits) are needed")
            }
        case .es256:
            var name = [CChar](repeating: 0, count: 64)
            var length = 0
            guard EVP_PKEY_is_a(key, "EC") == 1,
                EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1,
                name.prefix(length).elementsEqual("prime256v1".utf8.map { CChar($0) })
            else { throw TokenConfigurationError(message: "ES256 needs a key on P-256") }
        }
        let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil)
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_public_check(context) == 1 else {
            throw TokenConfigurationError(message: "the public key is not a sound one")
        }
    }

    // MARK: Verifying

    /// Whether this key made the signature of these bytes.
    func verifies(_ signature: [UInt8], of bytes: ArraySlice<UInt8>) -> Bool {
        switch material {
        case .secret(let secret):
            return SignatureKey.code(of: bytes, secret).map { APIKey.isEqual($0, signature) }
                ?? false
        case .publicKey(let key):
            guard algorithm == .es256 else { return SignatureKey.verify(signature, bytes, key) }
            guard let signature = SignatureKey.der(signature) else { return false }
            return SignatureKey.verify(signature, bytes, key)
        }
    }

    /// The signature of HS256 of these bytes; the key must be a secret.
    func signature(of bytes: [UInt8]) -> [UInt8] {
        guard case .secret(let secret) = material,
            let code = SignatureKey.code(of: bytes[...], secret)
        else { preconditionFailure("only a secret makes signatures, and libcrypto has SHA-256") }
        return code
    }

    private static func code(of bytes: ArraySlice<UInt8>, _ secret: [UInt8]) -> [UInt8]? {
        var code = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        let isDone = bytes.withUnsafeBufferPointer { bytes in
            HMAC(
                EVP_sha256(), secret, Int32(clamping: secret.count), bytes.baseAddress,
                bytes.count, &code, &length) != nil
        }
        return isDone && length == 32 ? code : nil
    }

    private static func verify(
        _ signature: [UInt8], _ bytes: ArraySlice<UInt8>, _ key: OpaquePointer
    ) -> Bool {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1 else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            EVP_DigestVerify(context, signature, signature.count, bytes.baseAddress, bytes.count)
                == 1
        }
    }

    /// A signature of ES256 as DER, which libcrypto needs; tokens have its two numbers in a row.
    private static func der(_ signature: [UInt8]) -> [UInt8]? {
        guard signature.count == 64, let pair = ECDSA_SIG_new() else { return nil }
        defer { ECDSA_SIG_free(pair) }
        let r = BN_bin2bn(Array(signature[..<32]), 32, nil)
        let s = BN_bin2bn(Array(signature[32...]), 32, nil)
        guard ECDSA_SIG_set0(pair, r, s) == 1 else {
            BN_free(r)
            BN_free(s)
            return nil
        }
        var text: UnsafeMutablePointer<UInt8>?
        let length = i2d_ECDSA_SIG(pair, &text)
        guard length > 0, let text else { return nil }
        defer { odometer_crypto_free(text) }
        return Array(UnsafeBufferPointer(start: text, count: Int(length)))
    }
}
