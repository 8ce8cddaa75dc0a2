import Foundation
import Printing

/// What is known of an API key: everything but the key itself.
struct CredentialRecord: Sendable, Codable {
    var hash: String
    var prefix: String
    var organization: String
    var dialects: [String]
    var role: String
    var createdAt: String
    var expiresAt: String?
    var revokedAt: String?

    /// live, expired or revoked.
    ///
    /// `milliseconds`: now, since 1970.
    func state(at milliseconds: Int64) -> String {
        if revokedAt != nil { return "revoked" }
        if let end = expiresAt.flatMap(ValueText.moment), end <= milliseconds { return "expired" }
        return "live"
    }

    /// The record's value.
    var json: [UInt8] {
        get throws(CommandFailure) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            do { return [UInt8](try encoder.encode(self)) } catch {
                throw CommandFailure(.defect, "a credential's record: \(error)")
            }
        }
    }

    static func decode(_ value: [UInt8]) -> CredentialRecord? {
        try? JSONDecoder().decode(CredentialRecord.self, from: Data(value))
    }
}
