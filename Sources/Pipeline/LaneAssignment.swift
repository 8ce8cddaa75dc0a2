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
            // What was refused is dropped: there may be nothing to commit that would end it.
            passed(.refused, "no commit is left that Redis refused")
        } catch {
            // What was found so far is not to be shown: it is found again with the next try.
            stopped = []
            gone = [:]
            taken = []
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
        let (witnesses, others) = try compareWithMarks(partitions, marks)
        let torn = Set(marks.filter { $0.torn != nil }.map(\.shard))
        var places: [LaneCore.Place] = []
        stopped = []
        gone = [:]
        taken = []
        for (index, partition) in partitions.enumerated() {
            if let difference = otherLogs[partition] ?? others[partition] {
                note(partition, difference.text)
                continue
            }
            let own = marks.map { $0.marks[index] }
            let origin = origins.first { $0.partition == partition }?.offset ?? 0
            guard let place = try place(of: partition, own, torn, origin: origin) else { continue }
            places.append(place)
            let checks = Set(own.compactMap(\.fingerprint)).filter { $0.offset >= place.position }
            taken.append(
                TakenPartition(
                    topicPartition: TopicPartition(
                        topic: partition.topic, partition: partition.partition),
                    origin: origin,
                    checks: checks.sorted { $0.offset < $1.offset },
                    witness: witnesses[partition],
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
        comparison = LogComparison()
        comparison.idleAt = now + Self.checkInterval
    }

    private func makeProgram() throws(Obstacle) -> Program {
        do throws(ProgramError) {
            return try Program(
                catalog: configuration.catalog, shardCount: configuration.layout.shardCount,
                dedupeKey: dedupeKey,
                futureBoundMilliseconds: configuration.futureBoundMilliseconds)
        } catch { throw Obstacle(message: "catalog: \(error)") }
    }

    // MARK: Places

    /// Where a partition is read from and its marks; nil = it is stopped.
    ///
    /// A shard that is torn, or whose next records are gone, takes nothing of it and holds nobody else back.
    private func place(
        of partition: LogPartition, _ own: [PartitionMark], _ torn: Set<Int>, origin: Int64
    ) throws(Obstacle) -> LaneCore.Place? {
        let log = try watermarks(partition)
        var marks = own.map { $0.offset ?? 0 }
        let highest = marks.max() ?? 0
        if highest > log.high {
            note(partition, LogDifference.shorter(end: log.high, counted: highest).text)
            return nil
        }
        let open = marks.indices.filter { !torn.contains($0) }
        let behind = open.filter { marks[$0] < log.low }
        var aside = torn
        if let lowest = behind.map({ marks[$0] }).min() {
            let text =
                "offsets \(lowest) to \(log.low) are no longer in the log, \(log.low - lowest) in all"
            if configuration.onLoss == .continue {
                report(.error, "loss", "\(partition.name): \(text); counted as lost")
                try skipLoss(partition, &marks, of: behind, to: log.low)
            } else {
                gone[partition] = (log.low - lowest, log.low)
                guard behind.count < open.count else {
                    note(partition, "\(text); --on-loss continue goes on behind them")
                    return nil
                }
                aside.formUnion(behind)
                report(
                    .error, "shards-behind",
                    "\(partition.name): shards \(behind.map(String.init).joined(separator: ", ")) "
                        + "take nothing of it: \(text); the other shards go on, --on-loss continue "
                        + "goes on with these behind them")
            }
        }
        let taking = marks.indices.filter { !aside.contains($0) }
        let lowest = taking.map { marks[$0] }.min() ?? highest
        let wanted = lowest - configuration.dedupeWindow
        noteShortWarmUp(partition, from: log.low, wanted: max(wanted, origin))
        let witnesses = taking.compactMap { own[$0].fingerprint?.offset }
        let position = max(log.low, min(wanted, witnesses.min() ?? wanted))
        return LaneCore.Place(
            partition: partition, position: position, marks: marks, aside: aside)
    }

    /// Says and counts it where the log begins after what the dedupe window should be warmed up with.
    func noteShortWarmUp(_ partition: LogPartition, from low: Int64, wanted: Int64) {
        guard low > wanted else { return }
        totals.shortWarmUps += 1
        report(
            .warning, "warm-up-short",
            "\(partition.name): the log start cuts the warm-up of the dedupe "
                + "window short by \(low - wanted) offsets")
    }

    private func note(_ partition: LogPartition, _ reason: String) {
        stopped.append((partition: partition, reason: reason))
        report(
            .error, "partition-stopped",
            "\(partition.name) is stopped: \(reason)")
    }

    /// Moves the marks of these shards up to `offset` by the same compare-and-set, and counts what is lost.
    private func skipLoss(
        _ partition: LogPartition, _ marks: inout [Int64], of shards: [Int], to offset: Int64
    ) throws(Obstacle) {
        let lowest = shards.map { marks[$0] }.min() ?? offset
        for shard in shards {
            arguments.begin(
                marksKey: configuration.layout.marksKey(shard: shard),
                auditKey: configuration.layout.auditKey(shard: shard),
                scratchKey: configuration.layout.scratchKey(shard: shard), contract: stamp)
            arguments.addRange(field: partition.markField, from: marks[shard], to: offset)
            arguments.addAudit(
                field: partition.markField + Array(":lost".utf8), delta: offset - marks[shard])
            guard let outcome = committer?.commit(&arguments), case .applied = outcome else {
                throw Obstacle(message: "a loss could not be recorded")
            }
            marks[shard] = offset
        }
        totals.lost[partition, default: 0] += offset - lowest
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
            let isNew = partitions.contains {
                $0.topic == topic && known[$0.partition] == nil
            }
            let sibling = isNew ? try otherSibling(of: topic, known) : nil
            for partition in partitions where partition.topic == topic {
                if known[partition.partition] == nil {
                    if let sibling {
                        otherLogs[partition] = sibling
                        continue
                    }
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

extension LaneCore {
    /// Where a partition is read from.
    struct Place {
        var partition: LogPartition
        var position: Int64
        /// By shard.
        var marks: [Int64]
        /// Shards that take nothing of it.
        var aside: Set<Int> = []
    }
}
