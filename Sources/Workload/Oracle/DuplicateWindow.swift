/// Remembers the valid records among the last N offsets of one partition.
///
/// Identities are 128-bit hashes. There are two tables, each for at most N offsets; the older one
/// is dropped when none of its records can be in the window.
struct DuplicateWindow {
    private struct Identity: Hashable {
        let high: UInt64
        let low: UInt64
    }

    private let span: Int64
    private var young: [Identity: Int64] = [:]
    private var old: [Identity: Int64] = [:]
    private var youngStart: Int64?

    init(span: Int64) {
        self.span = span
    }

    /// Takes a valid record; true when it is a duplicate.
    mutating func takes(_ identity: UnsafeRawBufferPointer, at offset: Int64) -> Bool {
        if let start = youngStart, offset - start > span {
            old = young
            young = [:]
            youngStart = offset
        } else if youngStart == nil {
            youngStart = offset
        }
        let key = Identity(
            high: ByteHash.mixed(identity, seed: 0x243F_6A88_85A3_08D3),
            low: ByteHash.mixed(identity, seed: 0x1319_8A2E_0370_7344))
        let before = young.updateValue(offset, forKey: key) ?? old[key]
        guard let before else { return false }
        return before >= offset - span
    }
}
