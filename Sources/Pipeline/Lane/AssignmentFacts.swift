internal import Ledger

/// What was read about the partitions of an assignment: from the log, and from the ledger.
///
/// A value without Kafka and Redis. It is gathered while partitions are taken up, kept while they
/// are counted, and begun again, but for the foreign logs, where the lane begins again.
struct AssignmentFacts {
    /// The partitions that the group gave to the lane, in order.
    let partitions: [LogPartition]
    /// Partitions whose log is not the one that was counted; known until the group takes them back.
    var otherLogs: [LogPartition: LogDifference] = [:]
    /// Contract and dedupe key of the ledger as it was opened last.
    var opened = LedgerKeeper.Opened(dedupeKey: (0, 0), stamp: [])
    /// Partitions of which nothing is counted until the next assignment, and why.
    private(set) var stopped: [(partition: LogPartition, reason: String)] = []
    /// Offsets that Kafka no longer holds and some shard has not counted, and where its log begins.
    private(set) var gone: [LogPartition: (count: Int64, low: Int64)] = [:]
    /// The lowest mark of the shards that are set aside, by partition.
    private(set) var asideMarks: [LogPartition: Int64] = [:]
    /// The lowest mark of all shards when they were read last, by partition.
    private(set) var lowestMarks: [LogPartition: Int64] = [:]
    /// The log's end when Kafka was asked last, by partition.
    private(set) var logEnds: [LogPartition: Int64] = [:]

    init(partitions: [LogPartition], otherLogs: [LogPartition: LogDifference] = [:]) {
        self.partitions = partitions
        self.otherLogs = otherLogs
    }

    /// What another try to take the same partitions up begins with.
    var again: AssignmentFacts { AssignmentFacts(partitions: partitions, otherLogs: otherLogs) }

    // MARK: What was read

    mutating func stop(_ partition: LogPartition, _ reason: String) {
        stopped.append((partition: partition, reason: reason))
    }

    func isStopped(_ partition: LogPartition) -> Bool {
        stopped.contains { $0.partition == partition }
    }

    /// Why a partition is stopped; nil when it is not.
    func reason(_ partition: LogPartition) -> String? {
        stopped.first { $0.partition == partition }?.reason
    }

    /// Kafka no longer holds so many offsets, that some shard has not counted, before `low`.
    mutating func lack(_ partition: LogPartition, count: Int64, low: Int64) {
        gone[partition] = (count, low)
    }

    /// Kafka was asked where the log of a partition ends.
    mutating func ends(_ partition: LogPartition, at offset: Int64) { logEnds[partition] = offset }

    /// Takes the marks of all shards; `isAside` tells which of them are set aside.
    mutating func take(
        _ marks: [ShardMarks], of partitions: [LogPartition], isAside: (Int) -> Bool
    ) {
        asideMarks = [:]
        for shard in marks {
            let isAside = isAside(shard.shard) || shard.torn != nil
            for (index, partition) in partitions.enumerated() {
                guard let mark = shard.marks[index].offset else { continue }
                if shard.shard == marks.first?.shard { lowestMarks[partition] = mark }
                lowestMarks[partition] = min(lowestMarks[partition] ?? mark, mark)
                guard isAside else { continue }
                asideMarks[partition] = min(asideMarks[partition] ?? mark, mark)
            }
        }
        // A shard that was reset begins where the log begins.
        gone = gone.filter { (lowestMarks[$0.key] ?? 0) < $0.value.low }
    }

    /// Whether a shard is under our contract and no mark of it is gone.
    func isWhole(_ shard: ShardMarks) -> Bool {
        shard.contract.map { Array($0.utf8) } == opened.stamp
            && shard.marks.allSatisfy { $0.offset != nil }
    }

    // MARK: What follows from it

    /// Offset below which every shard has everything, also those set aside.
    ///
    /// - Parameters:
    ///   - applied: the same of the shards that count.
    ///   - hasAside: whether any shard is set aside.
    func lowestApplied(_ partition: LogPartition, applied: Int64, hasAside: Bool) -> Int64 {
        let marks = gone[partition] != nil ? lowestMarks : hasAside ? asideMarks : [:]
        return min(applied, marks[partition] ?? applied)
    }

    /// What is known of a partition that was stopped before it was taken up.
    func metrics(ofStopped partition: LogPartition, reason: String) -> PartitionMetrics {
        let mark = lowestMarks[partition] ?? 0
        return PartitionMetrics(
            topic: partition.topic, partition: partition.partition, position: mark,
            committed: mark, logEnd: logEnds[partition] ?? -1, stopped: reason,
            gone: gone[partition]?.count ?? 0)
    }
}
