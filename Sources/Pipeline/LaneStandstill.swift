internal import Kafka
internal import Ledger

/// Where what stands still stands: marks of shards set aside, marks and log ends of stopped
/// partitions.
struct StandingMarks {
    /// The lowest mark of the shards that are set aside, by partition.
    private(set) var aside: [LogPartition: Int64] = [:]
    /// The lowest mark of all shards when they were read last, by partition.
    private(set) var lowest: [LogPartition: Int64] = [:]
    /// The log's end when Kafka was asked last, by partition.
    var logEnds: [LogPartition: Int64] = [:]

    /// Takes what was read of all shards; `isAside` tells which of them are set aside.
    mutating func take(
        _ marks: [ShardMarks], of partitions: [LogPartition], isAside: (Int) -> Bool
    ) {
        aside = [:]
        for one in marks {
            for (index, partition) in partitions.enumerated() {
                guard let mark = one.marks[index].offset else { continue }
                if one.shard == marks.first?.shard { lowest[partition] = mark }
                lowest[partition] = min(lowest[partition] ?? mark, mark)
                if isAside(one.shard) { aside[partition] = min(aside[partition] ?? mark, mark) }
            }
        }
    }

    mutating func forget() { self = StandingMarks() }
}

extension Lane {
    /// Keeps what was read of all shards for what the lane publishes.
    func keep(_ marks: [ShardMarks], of partitions: [LogPartition]) {
        standingMarks.take(marks, of: partitions) { shard in
            core?.shards[shard].aside != nil || marks.first { $0.shard == shard }?.torn != nil
        }
        // A shard that was reset begins where the log begins.
        gone = gone.filter { (standingMarks.lowest[$0.key] ?? 0) < $0.value.low }
    }

    /// Offset below which every shard has everything, also those set aside.
    func lowestApplied(slot: Int) -> Int64 {
        let applied = core?.applied(slot: slot) ?? 0
        guard let partition = core?.partitions[slot] else { return applied }
        let marks =
            gone[partition] != nil
            ? standingMarks.lowest : core?.hasAside ?? false ? standingMarks.aside : [:]
        return min(applied, marks[partition] ?? applied)
    }

    /// Offsets that some shards lack and that the log no longer holds.
    func goneOffsets(slot: Int) -> Int64 {
        guard let partition = core?.partitions[slot] else { return 0 }
        return gone[partition]?.count ?? 0
    }

    /// The log's end when Kafka was asked last; -1 = never.
    func knownEnd(slot: Int) -> Int64 {
        guard let partition = core?.partitions[slot] else { return -1 }
        return standingMarks.logEnds[partition] ?? -1
    }

    /// What is known of a partition that was stopped before it was taken up.
    func standing(_ partition: LogPartition, reason: String) -> PartitionMetrics {
        let mark = standingMarks.lowest[partition] ?? 0
        return PartitionMetrics(
            topic: partition.topic, partition: partition.partition, position: mark,
            committed: mark, logEnd: standingMarks.logEnds[partition] ?? -1, stopped: reason,
            gone: gone[partition]?.count ?? 0)
    }
}

extension LaneCore {
    /// Whether any shard is set aside.
    var hasAside: Bool { shards.contains { $0.aside != nil } }
}
