/// The last valid record, with what it adds, held back until the next record has been read.
///
/// Only then is it checked for duplicates and added to its tally. The dedupe window and the tables
/// of tallies are larger than the caches; meanwhile the prefetched lines have arrived. One thread.
struct PendingRecord: ~Copyable {
    struct Entry {
        var cell: TallyCell
        var hash: UInt32
        var operation: CellOperation
    }
    /// What is added to the counters if the record is no duplicate.
    struct Observation {
        var isUntimed = false
        var isUnkeyed = false
        /// Seconds from the event's time to the record's; -1: the record has no timestamp.
        var latenessSeconds: Int64 = -1
        var expiredWindows: Int64 = 0
    }

    /// Whether there is a pending record.
    var isThere = false
    /// Whether its shard has it already: then it only enters the dedupe window.
    var isFolded = false
    var partitionSlot = 0
    var shard = 0
    var offset: Int64 = 0
    var timestampMilliseconds: Int64 = -1
    var identity: (UInt64, UInt64) = (0, 0)
    var observation = Observation()
    private let entries: UnsafeMutablePointer<Entry>
    private let capacity: Int
    private var count = 0

    /// No record, with room for `capacity` entries: the most that one record adds.
    init(capacity: Int) {
        self.capacity = capacity
        entries = .allocate(capacity: max(1, capacity))
    }

    deinit { entries.deallocate() }

    /// Holds an entry back and prefetches the cache line of its cell.
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

    /// Moves all entries to the end of a list.
    mutating func move(to list: inout [Entry]) {
        list.append(contentsOf: UnsafeBufferPointer(start: entries, count: count))
        count = 0
    }

    /// Forgets the record.
    @inline(__always)
    mutating func clear() {
        isThere = false
        count = 0
    }
}
