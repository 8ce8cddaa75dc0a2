import Ledger

/// The name of an object in the directory topic: kind and ids, joined by ":", ids escaped.
struct DirectoryKey: Hashable, Sendable {
    /// What stands in the directory.
    enum Kind: String, Sendable, CaseIterable {
        case organization
        case plan
        case user
        case project
        case credential

        /// Number of ids in the key.
        var idCount: Int { self == .user || self == .project ? 2 : 1 }
    }

    let kind: Kind
    /// The organization's id, or a credential's hash.
    let first: [UInt8]
    /// The id of a user or project.
    let second: [UInt8]?

    /// A key of typed words; throws a line for people.
    init(kind: Kind, ids: [String]) throws(CommandFailure) {
        guard ids.count == kind.idCount else {
            throw .usage(
                kind.idCount == 2
                    ? "a \(kind.rawValue) is named by ORGANIZATION and ID"
                    : "a \(kind.rawValue) is named by ORGANIZATION alone")
        }
        for id in ids where !(1...256).contains(id.utf8.count) {
            throw .usage("an id has 1 to 256 bytes, not \(id.utf8.count)")
        }
        self.kind = kind
        first = Array(ids[0].utf8)
        second = ids.count > 1 ? Array(ids[1].utf8) : nil
    }

    /// The key of a record; nil for a foreign one.
    init?(record key: [UInt8]) {
        let parts = key.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard let kind = Kind(rawValue: String(decoding: parts[0], as: UTF8.self)),
            parts.count == kind.idCount + 1, let first = KeyLayout.unescape(parts[1])
        else { return nil }
        self.kind = kind
        self.first = first
        if parts.count > 2 {
            guard let second = KeyLayout.unescape(parts[2]) else { return nil }
            self.second = second
        } else {
            second = nil
        }
    }

    /// The bytes that stand in the record.
    var bytes: [UInt8] {
        var key = Array(kind.rawValue.utf8)
        for id in [first, second].compactMap({ $0 }) {
            key.append(UInt8(ascii: ":"))
            KeyLayout.escape(id, into: &key)
        }
        return key
    }
}
