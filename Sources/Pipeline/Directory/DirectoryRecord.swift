internal import Kafka
internal import Ledger
internal import Metering

/// Takes records of the directory topic apart.
///
/// One thread.
final class DirectoryRecordReader {
    private let layout: KeyLayout
    private let scanner = MemberScanner()
    private let complaint: (_ key: [UInt8], _ value: [UInt8]) -> String?
    private let reject: (_ offset: Int64, _ why: String) -> Void

    /// A reader that tells of records that are none of the directory's.
    init(
        layout: KeyLayout, complaint: @escaping (_ key: [UInt8], _ value: [UInt8]) -> String?,
        reject: @escaping (_ offset: Int64, _ why: String) -> Void
    ) {
        self.layout = layout
        self.complaint = complaint
        self.reject = reject
    }

    /// What a record changes, or nil where it is not one of the directory's.
    func change(of record: Record) -> DirectoryChange? {
        guard let key = record.key, let target = DirectoryKey(key)?.name(in: layout) else {
            reject(record.offset, "the key is not KIND:…")
            return nil
        }
        guard let value = record.value else {
            guard !target.isCredential else {
                reject(record.offset, "credentials are revoked, never deleted")
                return nil
            }
            return DirectoryChange(key: target.key, offset: record.offset, members: nil)
        }
        guard let members = scanner.members(value) else {
            reject(record.offset, "the value is not a JSON object")
            return nil
        }
        if let why = complaint([UInt8](key), [UInt8](value)) {
            reject(record.offset, why)
            return nil
        }
        return DirectoryChange(
            key: target.key, offset: record.offset,
            members: members.map { DirectoryChange.Member(name: $0.name, json: $0.json) })
    }
}

/// Key of a directory record: `organization:ORG`, `plan:ORG`, `user:ORG:ID`, `project:ORG:ID`, `credential:HASH`, parts escaped.
struct DirectoryKey {
    private let parts: [[UInt8]]

    init?(_ key: UnsafeRawBufferPointer) {
        guard key.count <= 4_096, let parts = KeyLayout.tupleValues(key) else { return nil }
        self.parts = parts
    }

    /// Name of the object's key in Redis, or nil where the parts make no object.
    func name(in layout: KeyLayout) -> (key: [UInt8], isCredential: Bool)? {
        guard let first = parts.first, !parts.contains(where: { $0.isEmpty || $0.count > 256 })
        else {
            return nil
        }
        let kind = String(decoding: first, as: UTF8.self)
        switch (kind, parts.count) {
        case ("organization", 2), ("plan", 2):
            return (layout.profileKey(organization: parts[1], kind: kind, id: nil), false)
        case ("user", 3), ("project", 3):
            return (layout.profileKey(organization: parts[1], kind: kind, id: parts[2]), false)
        case ("credential", 2): return (layout.credentialKey(hash: parts[1]), true)
        default: return nil
        }
    }
}
