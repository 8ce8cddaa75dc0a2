internal import Kafka
internal import Ledger

/// Where the counting of each partition began.
extension Lane {
    /// The origins of these partitions; decides them for a topic that has none yet.
    func origins(
        of partitions: [LogPartition], _ link: LedgerLink, _ facts: inout AssignmentFacts
    ) throws(LaneError) -> [(partition: LogPartition, offset: Int64)] {
        var found: [(partition: LogPartition, offset: Int64)] = []
        for topic in Set(partitions.map(\.topic)).sorted() {
            var known = try link.ask { ledger throws(LedgerError) in
                try ledger.origins(of: topic)
            }
            if known.isEmpty {
                let decided = try decideOrigins(topic)
                known = try link.ask { ledger throws(LedgerError) in
                    try ledger.establishOrigins(topic, decided)
                }
            }
            let isNew = partitions.contains {
                $0.topic == topic && known[$0.partition] == nil
            }
            let sibling = isNew ? try otherSibling(of: topic, known, link, &facts) : nil
            for partition in partitions where partition.topic == topic {
                if known[partition.partition] == nil {
                    if let sibling {
                        facts.otherLogs[partition] = sibling
                        continue
                    }
                    // A partition that was added later counts from its first offset.
                    let zero = Origin(
                        offset: 0, decidedMilliseconds: world.wallMilliseconds)
                    known[partition.partition] = try link.ask { ledger throws(LedgerError) in
                        try ledger.addOrigin(partition, zero)
                    }
                }
                found.append(
                    (partition: partition, offset: known[partition.partition]?.offset ?? 0))
            }
        }
        return found
    }

    /// Why a partition that was added later belongs to another topic of the same name, if it does.
    ///
    /// It counts from its first offset, unless some other partition of the topic turns out not to
    /// be the one that was counted: then the topic was created again, and the new partition is part
    /// of that.
    private func otherSibling(
        of topic: String, _ known: [Int32: Origin], _ link: LedgerLink,
        _ facts: inout AssignmentFacts
    ) throws(LaneError) -> LogDifference? {
        let partitions = known.keys.sorted().map { LogPartition(topic: topic, partition: $0) }
        let marks = try knownMarks(of: partitions, link)
        let others = try compareWithMarks(partitions, marks).others
        for (index, partition) in partitions.enumerated() {
            let counted = marks.compactMap { $0.marks[index].offset }.max() ?? 0
            if others[partition] != nil { return .sibling(partition.partition) }
            let log = try watermarks(partition, &facts)
            if log.high < counted { return .sibling(partition.partition) }
        }
        return nil
    }

    /// The marks of all shards; where each has a node of its own, of those that can be read.
    private func knownMarks(
        of partitions: [LogPartition], _ link: LedgerLink
    ) throws(LaneError) -> [ShardMarks] {
        guard let nodes = link.nodes else {
            return try link.ask { ledger throws(LedgerError) in
                try ledger.readMarks(partitions, shards: nil)
            }
        }
        var request = LookRequest()
        request.partitions = partitions
        request.shards = Array(0..<configuration.layout.shardCount)
        let marks = nodes.lookNow(request).looks.compactMap(\.marks)
        guard !marks.isEmpty else { throw LaneError(message: "no node of the cluster answers") }
        return marks
    }

    /// The origins of a topic that the ledger does not know: at a first start, or after its loss.
    private func decideOrigins(_ topic: String) throws(LaneError) -> [Int32: Origin] {
        do throws(KafkaError) {
            let count = try consumer.partitionCount(of: topic, timeoutMilliseconds: 5_000)
            let all = (0..<Int32(count)).map { TopicPartition(topic: topic, partition: $0) }
            let committed = try consumer.committed(all, timeoutMilliseconds: 5_000)
            let isFirst = committed.allSatisfy { $0 == nil }
            let offsets = isFirst ? try firstOffsets(all) : committed.map(Self.witnessedOrigin)
            var origins: [Int32: Origin] = [:]
            for (index, offset) in offsets.enumerated() {
                origins[Int32(index)] = Origin(
                    offset: offset, decidedMilliseconds: world.wallMilliseconds)
            }
            if !isFirst {
                report(
                    .warning, "refill",
                    "the ledger of \(topic) is gone, but the group had read it: counting again from its origin"
                )
            }
            return origins
        } catch { throw LaneError(message: error.message) }
    }

    /// The origin in the metadata of an offset commit; 0 when there is none.
    private static func witnessedOrigin(_ committed: (offset: Int64, metadata: String)?) -> Int64 {
        guard let committed else { return 0 }
        let prefix = "origin="
        guard committed.metadata.hasPrefix(prefix) else { return 0 }
        return Int64(committed.metadata.dropFirst(prefix.count)) ?? 0
    }

    /// Where counting begins at a first start, as the configuration says.
    private func firstOffsets(_ partitions: [TopicPartition]) throws(KafkaError) -> [Int64] {
        var offsets: [Int64] = []
        for partition in partitions {
            let log = try consumer.watermarks(of: partition, timeoutMilliseconds: 5_000)
            switch configuration.origin {
            case .earliest: offsets.append(log.low)
            case .latest: offsets.append(log.high)
            case .time(let time):
                let found = try consumer.offsets(
                    forTime: time, of: [partition], timeoutMilliseconds: 5_000)
                offsets.append((found.first ?? nil) ?? log.high)
            }
        }
        return offsets
    }
}
