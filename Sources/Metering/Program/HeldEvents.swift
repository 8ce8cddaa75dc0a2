import CEventScan

/// The events of one record, held back until all of them have been read: all count or none does.
///
/// Its arrays keep their memory from record to record, but for what only a larger one needed some
/// time before. One thread.
struct HeldEvents: ~Copyable {
    struct Event {
        var outcome: Outcome
        var shard: Int
        /// Whether its shard has the record already.
        var isFolded: Bool
        var identity: (UInt64, UInt64)
        var observation: PendingRecord.Observation
        /// Where its entries end in `entries`, which has those of all events in their order.
        var entriesEnd: Int
        /// Where its bytes end in `bytes`: of an ignored event its type, of one that is only read
        /// its subject, else none.
        var bytesEnd: Int
    }

    var events: [Event] = []
    var entries: [PendingRecord.Entry] = []
    var bytes: [UInt8] = []
    private var eventsShrinking = Shrinking(least: 1_024, patience: patience)
    private var entriesShrinking = Shrinking(least: 8_192, patience: patience)
    private var bytesShrinking = Shrinking(least: 64 << 10, patience: patience)
    /// Records come far more often than commits.
    private static var patience: Int { 256 }

    /// Bytes of memory that its arrays hold.
    var byteCount: Int {
        events.capacity * MemoryLayout<Event>.stride
            + entries.capacity * MemoryLayout<PendingRecord.Entry>.stride + bytes.capacity
    }

    /// Forgets the events of the record before.
    mutating func begin() {
        Self.clear(&events, &eventsShrinking)
        Self.clear(&entries, &entriesShrinking)
        Self.clear(&bytes, &bytesShrinking)
    }

    private static func clear<Element>(_ array: inout [Element], _ shrinking: inout Shrinking) {
        guard let fewer = shrinking.note(used: array.count, of: array.capacity) else {
            return array.removeAll(keepingCapacity: true)
        }
        array = []
        array.reserveCapacity(fewer)
    }

    /// Adds an event after its entries and its bytes were added.
    mutating func append(
        _ outcome: Outcome, shard: Int, isFolded: Bool, identity: (UInt64, UInt64),
        _ observation: PendingRecord.Observation
    ) {
        events.append(
            Event(
                outcome: outcome, shard: shard, isFolded: isFolded, identity: identity,
                observation: observation, entriesEnd: entries.count, bytesEnd: bytes.count))
    }
}

/// What contains the events of a record at one level.
struct OuterRule {
    var scanner: OpaquePointer
    var slots: UnsafePointer<es_value>
    /// The slot of the list in it.
    var list: Int32
    /// Whether it is the list itself, without members of its own.
    var isArray: Bool
}
