/// Remembers the valid events among the last N offsets and the last N events of one partition.
///
/// Identities are 128-bit hashes. There are two tables, each for at most N offsets and about N
/// events; the older one is dropped when none of its events can be in the window.
struct DuplicateWindow {
    private struct Identity: Hashable {
        let high: UInt64
        let low: UInt64
    }

    private let span: Int64
    /// Where an event was: its offset, and how many valid events came before it.
    private typealias Place = (offset: Int64, number: Int64)

    private var young: [Identity: Place] = [:]
    private var old: [Identity: Place] = [:]
    private var count: Int64 = 0
    private var youngStart: Int64?

    init(span: Int64) {
        self.span = span
    }

    /// Takes a valid event; true when it is a duplicate.
    mutating func takes(_ identity: UnsafeRawBufferPointer, at offset: Int64) -> Bool {
        if let start = youngStart, offset - start > span || young.count > span {
            old = young
            young = [:]
            youngStart = offset
        } else if youngStart == nil {
            youngStart = offset
        }
        let key = Identity(
            high: ByteHash.mixed(identity, seed: 0x243F_6A88_85A3_08D3),
            low: ByteHash.mixed(identity, seed: 0x1319_8A2E_0370_7344))
        let before = young.updateValue((offset, count), forKey: key) ?? old[key]
        count += 1
        guard let before else { return false }
        return before.offset >= offset - span && before.number >= count - 1 - span
    }
}
