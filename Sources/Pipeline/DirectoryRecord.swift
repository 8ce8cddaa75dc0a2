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
        if let why = complaint([UInt8](key), [UInt8](value)) {
            reject(record.offset, why)
            return nil
        }
        return DirectoryChange(
            key: object.name(in: layout), offset: record.offset,
            members: members.map { DirectoryChange.Member(name: $0.name, json: $0.json) })
    }
}
