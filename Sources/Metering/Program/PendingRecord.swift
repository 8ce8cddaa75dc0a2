/// The last valid record, held back until the next one was read: whether it is a duplicate, and what it adds.
///
/// The window of ids and the tables of tallies are larger than caches; by then the lines that they need have come.
/// One thread.
struct PendingRecord: ~Copyable {
    struct Entry {
        var cell: TallyCell
        var hash: UInt32
        var operation: CellOperation
    }
    /// What the counters learn of the record where it is no duplicate.
    struct Observation {
        var isUntimed = false
        var isUnkeyed = false
        /// Seconds between event and record; -1 = the record has no timestamp.
        var lateness: Int64 = -1
        var expiredWindows: Int64 = 0
    }

    /// Whether there is one.
    var isThere = false
    /// Whether its shard has it already: it is only known to the window of ids.
    var isFolded = false
    var partitionSlot = 0
    var shard = 0
    var offset: Int64 = 0
    var timestamp: Int64 = -1
    var identity: (UInt64, UInt64) = (0, 0)
    var observation = Observation()
    private let entries: UnsafeMutablePointer<Entry>
    private let capacity: Int
    private var count = 0

    /// Nothing yet, with room for what one record adds at most.
    init(capacity: Int) {
        self.capacity = capacity
        entries = .allocate(capacity: max(1, capacity))
    }

    deinit { entries.deallocate() }

    /// Holds an entry back and fetches the line of its cell.
    @inline(__always)
    mutating func append(
        _ cell: TallyCell, _ operation: CellOperation, _ tally: UnsafeMutablePointer<Tally>
    ) {
        precondition(count < capacity)
        let hash = cell.hash
        tally.pointee.prefetch(hash)
        (entries + count).initialize(to: Entry(cell: cell, hash: hash, operation: operation))
        count += 1
    }

    /// Adds all entries to the tally of their shard.
    @inline(__always)
    mutating func add(to tally: UnsafeMutablePointer<Tally>) {
        for index in 0..<count {
            tally.pointee.add(entries[index].cell, entries[index].hash, entries[index].operation)
        }
    }

    /// Forgets the record.
    @inline(__always)
    mutating func clear() {
        isThere = false
        count = 0
    }
}
