/// What the last record adds to its shard's tally, held back until the next record was read.
///
/// A tally's table is larger than a cache; by then the lines that the entries need have come. One thread.
struct PendingEntries: ~Copyable {
    struct Entry {
        var cell: TallyCell
        var hash: UInt32
        var operation: CellOperation
    }
    static var capacity: Int { 256 }
    private let entries = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
    private(set) var count = 0
    /// The shard of all of them.
    var shard = 0

    deinit { entries.deallocate() }

    /// Holds an entry back and fetches the line of its cell; settles first where there is no room.
    @inline(__always)
    mutating func append(
        _ cell: TallyCell, _ operation: CellOperation, _ tally: UnsafeMutablePointer<Tally>
    ) {
        if count == Self.capacity { settle(tally) }
        let hash = cell.hash
        tally.pointee.prefetch(hash)
        (entries + count).initialize(to: Entry(cell: cell, hash: hash, operation: operation))
        count += 1
    }

    /// Adds all entries to the tally of their shard.
    @inline(__always)
    mutating func settle(_ tally: UnsafeMutablePointer<Tally>) {
        for index in 0..<count {
            tally.pointee.add(entries[index].cell, entries[index].hash, entries[index].operation)
        }
        count = 0
    }
}
