import CCrypto
import Foundation
import Printing

/// Signs the demonstration's token as an identity provider would (JWT, HS256).
enum TokenSigner {
    /// A token for an organization, valid for this many seconds from now.
    static func token(organization: String, secret: [UInt8], seconds: Int64) -> String {
        let now = ValueText.now() / 1_000
        let header = base64(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let claims = base64(
            Array(
                """
                {"organization_id":\(JSONText.quoted(organization)),"iat":\(now),\
                "exp":\(now + seconds)}
                """.utf8))
        let text = "\(header).\(claims)"
        return "\(text).\(base64(signature(of: Array(text.utf8), secret)))"
    }

    /// This many bytes from the system's random number generator.
    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in generator.next() }
    }

    static func signature(of text: [UInt8], _ secret: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var count = 0
        let isMade =
            EVP_Q_mac(
                nil, "HMAC", nil, "SHA256", nil, secret, secret.count, text, text.count, &code,
                code.count, &count) != nil
        precondition(isMade && count == code.count, "HMAC-SHA256 is part of every libcrypto")
        return code
    }

    static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().map { character in
            switch character {
            case "+": "-"
            case "/": "_"
            default: String(character)
            }
        }.joined().filter { $0 != "=" }
    }
}
