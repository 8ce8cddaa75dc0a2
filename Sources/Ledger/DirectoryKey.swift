internal import Metering

/// The key of a record in the directory topic: kind and ids, joined by ":", ids escaped.
///
/// `organization:ORG`, `plan:ORG`, `user:ORG:ID`, `project:ORG:ID`, `credential:HASH`. The
/// commands that write the topic and the mirror read keys by this one type, so they take the same.
public struct DirectoryKey: Hashable, Sendable {
    /// What a record of the directory describes.
    public enum Kind: String, Sendable, CaseIterable {
        /// Name and settings of an organization.
        case organization
        /// What an organization has bought.
        case plan
        /// A user of an organization.
        case user
        /// A project of an organization.
        case project
        /// An API key, named by its hash.
        case credential

        /// Number of ids in the key.
        public var idCount: Int { self == .user || self == .project ? 2 : 1 }
    }

    /// How many bytes an id may have.
    public static let idLengths = 1...EventLimits.textBytes
    /// Longer keys are refused before they are split.
    private static let mostBytes = 4_096

    /// What the record describes.
    public let kind: Kind
    /// The organization's id, or a credential's hash.
    public let first: [UInt8]
    /// The id of a user or project; nil for the other kinds.
    public let second: [UInt8]?

    /// A key of these ids; nil unless there are `kind.idCount` of them, each of `idLengths` bytes.
    public init?(kind: Kind, ids: [[UInt8]]) {
        guard ids.count == kind.idCount, ids.allSatisfy({ Self.idLengths.contains($0.count) })
        else { return nil }
        self.kind = kind
        first = ids[0]
        second = ids.count > 1 ? ids[1] : nil
    }

    /// The key in a record's bytes; nil for anything else.
    public init?(record key: some Collection<UInt8>) {
        guard key.count <= Self.mostBytes, let parts = KeyLayout.tupleValues(key),
            let name = parts.first, let kind = Kind(rawValue: String(decoding: name, as: UTF8.self))
        else { return nil }
        self.init(kind: kind, ids: Array(parts.dropFirst()))
    }

    /// The bytes of the record's key.
    public var bytes: [UInt8] {
        var key = Array(kind.rawValue.utf8)
        for id in [first, second].compactMap({ $0 }) {
            key.append(UInt8(ascii: ":"))
            KeyLayout.escape(id, into: &key)
        }
        return key
    }

    /// Name of the object's key in Redis.
    public func name(in layout: KeyLayout) -> [UInt8] {
        kind == .credential
            ? layout.credentialKey(hash: first)
            : layout.profileKey(organization: first, kind: kind.rawValue, id: second)
    }
}
