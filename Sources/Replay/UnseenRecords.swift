internal import Workload

/// The records that Kafka has and Redis does not show yet, and when each of them was due.
///
/// A record is seen when the mark of its organization's shard in its partition is past it
/// (`schemas/redis.md`, "The position in the log"): then its numbers are in Redis, and no cell need
/// be read. Records that were due within one millisecond, or within a few when many wait, are kept
/// as one group with the earliest due time. So measured latencies are never too short, and memory
/// grows with time, not with the number of records. Due times are microseconds on the replay's
/// clock.
struct UnseenRecords: Sendable {
    /// Shards of the ledger.
    private let shards: Int

    private struct Group {
        /// Offset of the last record in it.
        var last: Int64
        var due: Int64
        var count: UInt64
    }

    private struct Queue {
        var groups: [Group] = []
        var head = 0
    }

    private var queues: [Queue]
    private let partitions: Int
    private var groupCount = 0
    /// How many records wait.
    private(set) var count: UInt64 = 0

    init(partitions: Int, shards: Int) {
        self.partitions = partitions
        self.shards = shards
        queues = [Queue](repeating: Queue(), count: partitions * shards)
    }

    /// The shard of an organization, by the published function.
    static func shard(of organization: some Sequence<UInt8>, among shards: Int) -> Int {
        Array(organization).withUnsafeBytes { oracleShard(of: $0, shards: shards) }
    }

    /// Adds a record that Kafka has acknowledged; offsets of a partition must come in rising order.
    mutating func add(partition: Int, shard: Int, offset: Int64, due: Int64) {
        guard partition < partitions else { return }
        let place = partition * shards + shard
        let width = 1_000 * (1 + Int64(groupCount) / 250_000)
        count += 1
        if let last = queues[place].groups.last, queues[place].head < queues[place].groups.count,
            due - last.due < width
        {
            let end = queues[place].groups.count - 1
            queues[place].groups[end].last = offset
            queues[place].groups[end].count += 1
            return
        }
        queues[place].groups.append(Group(last: offset, due: due, count: 1))
        groupCount += 1
    }

    /// Removes the records before a mark; calls `seen` for each group with its due time and count.
    mutating func take(
        partition: Int, shard: Int, mark: Int64, _ seen: (_ due: Int64, _ count: UInt64) -> Void
    ) {
        let place = partition * shards + shard
        var head = queues[place].head
        while head < queues[place].groups.count, queues[place].groups[head].last < mark {
            let group = queues[place].groups[head]
            count -= group.count
            groupCount -= 1
            head += 1
            seen(group.due, group.count)
        }
        if head == queues[place].groups.count {
            queues[place].groups.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1_024, head * 2 > queues[place].groups.count {
            queues[place].groups.removeSubrange(0..<head)
            head = 0
        }
        queues[place].head = head
    }

    /// The shards for which records wait.
    var waitingShards: [Int] {
        (0..<shards).filter { shard in
            (0..<partitions).contains { partition in
                !queues[partition * shards + shard].groups.isEmpty
            }
        }
    }

    /// When the oldest of them was due; nil when none waits.
    var oldestDue: Int64? {
        queues.lazy.compactMap { queue in
            queue.head < queue.groups.count ? queue.groups[queue.head].due : nil
        }.min()
    }
}
