internal import Kafka
internal import Ledger
internal import Metering

/// Reads what records of the directory topic change, and rejects those that are not valid.
///
/// One thread.
final class DirectoryRecordReader {
    private let layout: KeyLayout
    private let scanner = MemberScanner()
    private let refusal: (_ key: [UInt8], _ value: [UInt8]) -> String?
    private let reject: (_ offset: Int64, _ reason: String) -> Void

    /// A reader for a ledger's layout.
    ///
    /// - Parameters:
    ///   - refusal: why an object is refused, by its key and value; nil when it is not.
    ///   - reject: called with each record that is refused.
    init(
        layout: KeyLayout, refusal: @escaping (_ key: [UInt8], _ value: [UInt8]) -> String?,
        reject: @escaping (_ offset: Int64, _ reason: String) -> Void
    ) {
        self.layout = layout
        self.refusal = refusal
        self.reject = reject
    }

    /// What a record changes; nil when it is rejected.
    func change(of record: Record) -> DirectoryChange? {
        guard let key = record.key, let object = DirectoryKey(record: key) else {
            reject(record.offset, "the key is not KIND:…")
            return nil
        }
        guard let value = record.value else {
            guard object.kind != .credential else {
                reject(record.offset, "credentials are revoked, never deleted")
                return nil
            }
            return DirectoryChange(
                key: object.name(in: layout), offset: record.offset, members: nil)
        }
        guard let members = scanner.members(value) else {
            reject(record.offset, "the value is not a JSON object")
            return nil
        }
        if let reason = refusal([UInt8](key), [UInt8](value)) {
            reject(record.offset, reason)
            return nil
        }
        return DirectoryChange(
            key: object.name(in: layout), offset: record.offset,
            members: members.map { DirectoryChange.Member(name: $0.name, json: $0.json) })
    }
}
