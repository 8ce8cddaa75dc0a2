import HTTPServer
import Metering
import Query

/// Makes and checks the tokens with which a customer's browser asks for its own numbers.
///
/// A JWT signed with HS256. Nothing is stored, so that a token cannot be taken back: its life is
/// short. Safe on every thread.
public final class PortalTokens: Sendable {
    /// What a valid token permits.
    struct Grant {
        /// For the limits of requests.
        let claims: TokenVerifier.Claims
        /// Whose numbers.
        var subject: [UInt8] { claims.subject }
        /// The meters; nil: all.
        let meters: [[UInt8]]?
    }

    private let key: SignatureKey
    private let verifier: TokenVerifier

    private static let issuer = "openmeter"
    /// How long a token is valid where the request names no end.
    static let standardLifeSeconds: Int64 = 3_600

    /// Tokens signed with this secret, at least `TokenKeys.leastSecretBytes` long.
    public init(secret: [UInt8]) throws(TokenConfigurationError) {
        key = try SignatureKey(secret: secret)
        verifier = try TokenVerifier(algorithm: .hs256, key: secret, issuer: PortalTokens.issuer)
    }

    /// A new token.
    ///
    /// - Parameters:
    ///   - meters: the meters that it opens; nil: all.
    ///   - nowSeconds: the time, since 1970.
    ///   - expirySeconds: the first second in which it is not valid.
    func make(
        id: String, subject: [UInt8], meters: [[UInt8]]?, nowSeconds: Int64, expirySeconds: Int64
    ) -> [UInt8] {
        let header = PortalTokens.json {
            $0.member("alg", string: "HS256")
            $0.member("typ", string: "JWT")
        }
        let claims = PortalTokens.json { json in
            json.member("iss", string: PortalTokens.issuer)
            json.member("sub", string: subject)
            json.member("exp", integer: expirySeconds)
            json.member("iat", integer: nowSeconds)
            json.member("Namespace", string: "default")
            json.member("Id", string: id)
            json.name("AllowedMeterSlugs")
            if let meters {
                json.array { list in meters.forEach { list.string($0) } }
            } else {
                json.null()
            }
        }
        let signed = Base64URL.text(header) + [UInt8(ascii: ".")] + Base64URL.text(claims)
        return signed + [UInt8(ascii: ".")] + Base64URL.text(key.signature(of: signed))
    }

    /// What a token permits; nil where it is not valid at `nowSeconds`.
    func grant(_ token: [UInt8], nowSeconds: Int64) -> Grant? {
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let claims = verifier.verify(token, nowSeconds: nowSeconds), parts.count == 3,
            let part = TokenPart(parts[1]),
            (1...EventLimits.textBytes).contains(claims.subject.count)
        else { return nil }
        // A claim that is there and is no list permits nothing.
        let listed = part.json("AllowedMeterSlugs")
        let isOpen = listed == nil || listed == Array("null".utf8)
        return Grant(claims: claims, meters: isOpen ? nil : part.texts("AllowedMeterSlugs") ?? [])
    }

    private static func json(_ build: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.object(build)
        return writer.bytes
    }
}
