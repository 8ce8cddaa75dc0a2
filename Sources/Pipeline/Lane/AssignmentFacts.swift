internal import Ledger

/// What was read about the partitions of an assignment, from the log and from the ledger.
///
/// A value that asks nobody. It is collected while partitions are taken up and kept while they are
/// counted. When the lane begins again from the marks, only the foreign logs are kept.
struct AssignmentFacts {
    /// The partitions that the group gave to the lane, in order.
    let partitions: [LogPartition]
    /// Partitions whose log is not the one that was counted; kept until the group takes them back.
    var otherLogs: [LogPartition: LogDifference] = [:]
    /// What the ledger said when it was opened last: its contract's stamp and its dedupe key.
    var opened = LedgerKeeper.Opened(dedupeKey: (0, 0), stamp: [])
    /// Partitions that are stopped until the next assignment, and why.
    private(set) var stopped: [(partition: LogPartition, reason: String)] = []
    /// How many offsets Kafka no longer holds that some shard has not counted, and where the log
    /// begins now.
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

    /// The facts with which the next attempt to take up the same partitions begins.
    var again: AssignmentFacts { AssignmentFacts(partitions: partitions, otherLogs: otherLogs) }

    // MARK: What was read

    /// Notes that a partition is stopped.
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

    /// Notes that Kafka no longer holds `count` offsets before `low` that some shard has not
    /// counted.
    mutating func lack(_ partition: LogPartition, count: Int64, low: Int64) {
        gone[partition] = (count, low)
    }

    /// Notes where the log of a partition ends.
    mutating func ends(_ partition: LogPartition, at offset: Int64) { logEnds[partition] = offset }

    /// Notes the marks of all shards; `isAside` tells which of them are set aside.
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
        // A shard that was reset counts from where the log begins, so it lacks nothing any more.
        gone = gone.filter { (lowestMarks[$0.key] ?? 0) < $0.value.low }
    }

    /// Whether a shard is under our contract and has a mark for every partition.
    func isWhole(_ shard: ShardMarks) -> Bool {
        shard.contract.map { Array($0.utf8) } == opened.stamp
            && shard.marks.allSatisfy { $0.offset != nil }
    }

    // MARK: What follows from it

    /// The offset below which every shard has everything, those set aside included.
    ///
    /// - Parameters:
    ///   - applied: the same offset for the shards that are not set aside.
    ///   - hasAside: whether any shard is set aside.
    func lowestApplied(_ partition: LogPartition, applied: Int64, hasAside: Bool) -> Int64 {
        let marks = gone[partition] != nil ? lowestMarks : hasAside ? asideMarks : [:]
        return min(applied, marks[partition] ?? applied)
    }

    /// The numbers of a partition that was stopped before it was taken up.
    func metrics(ofStopped partition: LogPartition, reason: String) -> PartitionMetrics {
        let mark = lowestMarks[partition] ?? 0
        return PartitionMetrics(
            topic: partition.topic, partition: partition.partition, position: mark,
            committed: mark, logEnd: logEnds[partition] ?? -1, stopped: reason,
            gone: gone[partition]?.count ?? 0)
    }
}
