/// What a credential's owner may do.
///
/// The raw values are the words in credentials' records and after `--role`.
public enum Role: String, Sendable, Hashable, CaseIterable {
    /// Everything.
    case admin
    /// Send.
    case write
    /// Read.
    case read
    /// Ask about several or all organizations; opens nothing that is one organization's own.
    case `operator`
}

/// A credential as the directory knows it.
public struct Credential: Sendable, Hashable {
    /// Lower-case hexadecimal SHA-256 of the whole secret.
    public var hash: [UInt8]
    /// First characters of the secret, for people and for the check of the role.
    public var prefix: [UInt8]
    /// The organization that all its answers are about.
    public var organization: [UInt8]
    /// Names of the dialects that it opens.
    public var dialects: [[UInt8]]
    /// What its owner may do.
    public var role: Role
    /// The first nanosecond since 1970 in which it is no longer valid; nil: it never expires.
    public var expiresAtNanoseconds: Int64?
    /// Whether it was revoked.
    public var isRevoked: Bool

    /// Names of the members that are read.
    static let members = [
        "hash", "prefix", "organization", "dialects", "role", "expiresAt", "revokedAt", "@deleted",
    ].map { Array($0.utf8) }

    /// The credential of these members, in the order of `members`.
    ///
    /// Nil where a needed one is absent or cannot be read, so that a broken record opens nothing.
    init?(_ values: [[UInt8]?]) {
        func text(_ index: Int) -> [UInt8]? { values[index].flatMap { RecordText.string($0) } }
        func isAbsent(_ index: Int) -> Bool {
            values[index].map { $0.elementsEqual("null".utf8) } ?? true
        }
        guard values.count == Credential.members.count, values[7] == nil, let hash = text(0),
            let prefix = text(1), let organization = text(2), !organization.isEmpty,
            let dialects = values[3].flatMap({ RecordText.strings($0) }),
            let role = text(4).flatMap({ Role(rawValue: String(decoding: $0, as: UTF8.self)) })
        else { return nil }
        if !isAbsent(5) {
            guard let time = text(5).flatMap({ TimeText.nanoseconds(rfc3339: $0) }) else {
                return nil
            }
            expiresAtNanoseconds = time
        }
        self.hash = hash
        self.prefix = prefix
        self.organization = organization
        self.dialects = dialects
        self.role = role
        isRevoked = !isAbsent(6)
    }
}

/// Credentials that were decoded before, with the members that they were decoded from.
///
/// The members are read for every request; only unchanged ones are not decoded again.
struct KnownCredentials {
    private static let most = 1_024
    private var known: [[UInt8]: (members: [[UInt8]?], credential: Credential?)] = [:]

    /// The credential with that hash and these members.
    mutating func credential(_ hash: [UInt8], _ members: [[UInt8]?]) -> Credential? {
        if let entry = known[hash], entry.members == members { return entry.credential }
        let credential = Credential(members)
        if known.count >= KnownCredentials.most { known.removeAll() }
        known[hash] = (members, credential)
        return credential
    }
}
