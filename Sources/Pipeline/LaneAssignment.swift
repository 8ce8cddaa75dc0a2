internal import Kafka
internal import Ledger
internal import Metering

/// From partitions given to us to a core that reads from their marks.
extension Lane {
    /// Marks, origins and places of the pending partitions; tries again until Redis and Kafka answer.
    func establishIfPossible(_ now: Int64) {
        guard now >= retryAt else { return }
        guard committer?.inFlight == 0 else { return }
        do throws(Obstacle) {
            try establish()
            needsReconcile = false
            reconcileAt = now + Self.checkInterval
            passed(.establish, "partitions are taken up")
            passed(.reestablish, "partitions are taken up again")
            passed(.reconcile, "the marks are known again")
            passed(.holding, "consumption goes on")
        } catch {
            retryAt = now + 500
            trouble(.establish, "partitions cannot be taken up yet: \(error.message)")
        }
    }

    private func establish() throws(Obstacle) {
        let partitions = pending.sorted().map {
            LogPartition(topic: $0.topic, partition: $0.partition)
        }
        try openLedger()
        let origins = try origins(of: partitions)
        let marks = try readMarks(partitions)
        var places: [(partition: LogPartition, position: Int64, marks: [Int64])] = []
        stopped = []
        gone = [:]
        taken = []
        for (index, partition) in partitions.enumerated() {
            let own = marks.map { $0.marks[index] }
            let origin = origins.first { $0.partition == partition }?.offset ?? 0
            guard let place = try place(of: partition, own, origin: origin) else { continue }
            places.append((partition: partition, position: place.position, marks: place.marks))
            let checks = Set(own.compactMap(\.fingerprint)).filter { $0.offset >= place.position }
            taken.append(
                TakenPartition(
                    topicPartition: TopicPartition(
                        topic: partition.topic, partition: partition.partition),
                    origin: origin,
                    checks: checks.sorted { $0.offset < $1.offset },
                    topicID: consumer.topicID(of: partition.topic)))
        }
        let program = try makeProgram()
        core = LaneCore(
            program: program, layout: configuration.layout, assignment: places,
            dedupeWindow: configuration.dedupeWindow)
        for one in marks {
            if let torn = one.torn { core?.setAsideTorn(one.shard, reason: torn) }
        }
        guard assignPositions() else {
            core = nil
            throw Obstacle(message: "Kafka refuses the assignment")
        }
        mode = .folding
    }

    private func makeProgram() throws(Obstacle) -> Program {
        do throws(ProgramError) {
            return try Program(
                catalog: configuration.catalog, shardCount: configuration.layout.shardCount,
                dedupeKey: dedupeKey, futureBound: configuration.futureBound)
        } catch { throw Obstacle(message: "catalog: \(error)") }
    }

    // MARK: Places

    /// Where a partition is read from and its marks; nil = it is stopped.
    private func place(
        of partition: LogPartition, _ own: [PartitionMark], origin: Int64
    ) throws(Obstacle)
        -> (position: Int64, marks: [Int64])?
    {
        let log = try watermarks(partition)
        var marks = own.map { $0.offset ?? 0 }
        let highest = marks.max() ?? 0
        if highest > log.high {
            note(
                partition,
                "the log ends at \(log.high), but \(highest) was counted: the topic was recreated or cut"
            )
            return nil
        }
        let lowest = marks.min() ?? 0
        if lowest < log.low {
            let text =
                "offsets \(lowest) to \(log.low) are no longer in the log, \(log.low - lowest) in all"
            guard configuration.onLoss == .continue else {
                gone[partition] = log.low - lowest
                note(partition, "\(text); --on-loss continue goes on behind them")
                return nil
            }
            report(
                .error, "loss",
                "\(partition.topic)/\(partition.partition): \(text); counted as lost")
            marks = try skipLoss(partition, marks, to: log.low)
        }
        let wanted = (marks.min() ?? 0) - configuration.dedupeWindow
        noteShortWarmUp(partition, from: log.low, wanted: max(wanted, origin))
        let witnesses = own.compactMap(\.fingerprint).map(\.offset)
        let position = max(log.low, min(wanted, witnesses.min() ?? wanted))
        return (position: position, marks: marks)
    }

    /// Says and counts it where the log begins after what the dedupe window should be warmed up with.
    func noteShortWarmUp(_ partition: LogPartition, from low: Int64, wanted: Int64) {
        guard low > wanted else { return }
        totals.shortWarmUps += 1
        report(
            .warning, "warm-up-short",
            "\(partition.topic)/\(partition.partition): the log start cuts the warm-up of the dedupe "
                + "window short by \(low - wanted) offsets")
    }

    private func note(_ partition: LogPartition, _ reason: String) {
        stopped.append((partition: partition, reason: reason))
        report(
            .error, "partition-stopped",
            "\(partition.topic)/\(partition.partition) is stopped: \(reason)")
    }

    /// Moves the marks below `offset` up to it by the same compare-and-set, and counts what is lost.
    private func skipLoss(
        _ partition: LogPartition, _ marks: [Int64], to offset: Int64
    )
        throws(Obstacle) -> [Int64]
    {
        var moved = marks
        for (shard, mark) in marks.enumerated() where mark < offset {
            arguments.begin(
                marksKey: configuration.layout.marksKey(shard: shard),
                auditKey: configuration.layout.auditKey(shard: shard),
                scratchKey: configuration.layout.scratchKey(shard: shard), contract: stamp)
            arguments.addRange(field: partition.markField, from: mark, to: offset)
            arguments.addAudit(
                field: partition.markField + Array(":lost".utf8), delta: offset - mark)
            guard let outcome = committer?.commit(&arguments), case .applied = outcome else {
                throw Obstacle(message: "a loss could not be recorded")
            }
            moved[shard] = offset
        }
        totals.lost[partition, default: 0] += offset - (marks.min() ?? offset)
        return moved
    }

    // MARK: Origins

    /// The origins of these partitions; decides those of a topic that has none yet.
    func origins(
        of partitions: [LogPartition]
    ) throws(Obstacle)
        -> [(partition: LogPartition, offset: Int64)]
    {
        var found: [(partition: LogPartition, offset: Int64)] = []
        for topic in Set(partitions.map(\.topic)).sorted() {
            var known = try onLedger { ledger throws(LedgerError) in
                try ledger.origins(of: topic)
            }
            if known.isEmpty {
                let decided = try decideOrigins(topic)
                known = try onLedger { ledger throws(LedgerError) in
                    try ledger.establishOrigins(topic, decided)
                }
            }
            for partition in partitions where partition.topic == topic {
                if known[partition.partition] == nil {
                    // A partition that was added later counts from its first offset.
                    let zero = Origin(offset: 0, timestamp: world.wallMilliseconds)
                    known[partition.partition] = try onLedger { ledger throws(LedgerError) in
                        try ledger.addOrigin(partition, zero)
                    }
                }
                found.append(
                    (partition: partition, offset: known[partition.partition]?.offset ?? 0))
            }
        }
        return found
    }

    /// Origins of a topic that the ledger does not know: a first start, or a ledger that was lost.
    private func decideOrigins(_ topic: String) throws(Obstacle) -> [Int32: Origin] {
        do throws(KafkaError) {
            let count = try consumer.partitionCount(of: topic, timeoutMilliseconds: 5_000)
            let all = (0..<Int32(count)).map { TopicPartition(topic: topic, partition: $0) }
            let committed = try consumer.committed(all, timeoutMilliseconds: 5_000)
            let isFirst = committed.allSatisfy { $0 == nil }
            let offsets = isFirst ? try firstOffsets(all) : committed.map(Self.witnessedOrigin)
            var origins: [Int32: Origin] = [:]
            for (index, offset) in offsets.enumerated() {
                origins[Int32(index)] = Origin(
                    offset: offset, timestamp: world.wallMilliseconds)
            }
            if !isFirst {
                report(
                    .warning, "refill",
                    "the ledger of \(topic) is gone, but the group had read it: counting again from its origin"
                )
            }
            return origins
        } catch { throw Obstacle(message: error.message) }
    }

    /// The origin that the metadata of an offset commit bears witness of.
    private static func witnessedOrigin(_ committed: (offset: Int64, metadata: String)?) -> Int64 {
        guard let committed else { return 0 }
        let word = "origin="
        guard committed.metadata.hasPrefix(word) else { return 0 }
        return Int64(committed.metadata.dropFirst(word.count)) ?? 0
    }

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
