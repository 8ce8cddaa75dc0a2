/// A key of a JSON Web Key Set (RFC 7517), with the members that are used here.
///
/// A malformed key is decoded with the reason for its refusal, so that the other keys of its set
/// are still found.
public struct JSONWebKey: Sendable, Decodable {
    private enum Member: String, CodingKey {
        case kty, kid, alg, use, crv, n, e, x, y, k
    }

    /// Kind: `RSA`, `EC` or `oct`; others are left out.
    let kty: String
    /// Name by which tokens choose it.
    let kid: String?
    /// Algorithm that it is for.
    let alg: String?
    /// `sig` or `enc`.
    let use: String?
    /// Curve, of EC.
    let crv: String?
    /// Modulus and exponent, of RSA.
    let n, e: String?
    /// Coordinates, of EC.
    let x, y: String?
    /// Secret, of oct.
    let k: String?
    /// Why it cannot be used, whatever its kind; contains no part of a key.
    let refusal: String?

    /// Decodes a key; never throws.
    public init(from decoder: any Decoder) throws {
        let object = try? decoder.container(keyedBy: Member.self)
        var refusal = object == nil ? "is no JSON object" : nil
        func text(_ member: Member) -> String? {
            do {
                return try object?.decodeIfPresent(String.self, forKey: member)
            } catch {
                // The decoder's own message may contain a part of a secret.
                refusal = refusal ?? "\(member.rawValue) is no text"
                return nil
            }
        }
        let kty = text(.kty)
        kid = text(.kid)
        alg = text(.alg)
        use = text(.use)
        crv = text(.crv)
        n = text(.n)
        e = text(.e)
        x = text(.x)
        y = text(.y)
        k = text(.k)
        self.kty = kty ?? ""
        self.refusal = refusal ?? (kty == nil ? "kty is absent" : nil)
    }
}

/// A JSON Web Key Set (RFC 7517).
public struct JSONWebKeySet: Sendable, Decodable {
    /// Its keys.
    let keys: [JSONWebKey]
}

extension JSONWebKey {
    /// The one algorithm that it is for; nil where that is not supported here.
    var algorithm: TokenVerifier.Algorithm? {
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

    func signatureKey(
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
        // More than enough for 16,384 bits, the most that libcrypto verifies with.
        guard let text, text.utf8.count <= 4_096, let bytes = Base64URL.bytes(Array(text.utf8)),
            !bytes.isEmpty
        else { throw TokenConfigurationError(message: "\(name) is absent or no base64url") }
        return bytes
    }
}
