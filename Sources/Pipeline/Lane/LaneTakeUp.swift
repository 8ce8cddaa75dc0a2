internal import Kafka
internal import Ledger
internal import Metering

/// Taking up partitions that the group has given to the lane.
extension Lane {
    /// Takes the pending partitions up: opens the ledger, reads marks, decides where to read from.
    ///
    /// Tries again with a later turn until Redis and Kafka answer.
    func establishIfPossible(_ pending: AssignmentFacts, _ link: LedgerLink, _ now: Milliseconds) {
        guard now >= retryAt else { return }
        guard link.isIdle else { return }
        var facts = pending
        do throws(LaneError) {
            stage = .counting(try establish(&facts, link, now))
            passed(.establish, "partitions are taken up")
            passed(.reestablish, "partitions are taken up again")
            passed(.reconcile, "the marks are known again")
            passed(.holding, "consumption goes on")
            passed(.schema, "no schema was asked for yet")
            // The refused commit was dropped, and there may be no other whose success would end
            // this.
            passed(.refused, "no commit is left that Redis refused")
        } catch {
            stage = .pending(facts.again)
            retryAt = now + 500
            trouble(.establish, "partitions cannot be taken up yet: \(error.message)")
        }
    }

    private func establish(
        _ facts: inout AssignmentFacts, _ link: LedgerLink, _ now: Milliseconds
    ) throws(LaneError) -> Assignment {
        let partitions = facts.partitions
        try openLedger(link, &facts)
        let origins = try origins(of: partitions, link, &facts)
        let survey = try survey(of: partitions, origins, link, &facts)
        let marks = survey.marks
        let (witnesses, others) = try compareWithMarks(partitions, survey.seen)
        let closed = Set(marks.filter { $0.torn != nil }.map(\.shard)).union(survey.waiting.keys)
        var starts: [LaneCore.Start] = []
        var taken: [TakenPartition] = []
        for (index, partition) in partitions.enumerated() {
            if let difference = facts.otherLogs[partition] ?? others[partition] {
                stop(partition, difference.text, &facts)
                continue
            }
            let own = marks.map { $0.marks[index] }
            let origin = origins.first { $0.partition == partition }?.offset ?? 0
            guard
                let start = try start(of: partition, own, closed, origin: origin, link, &facts)
            else { continue }
            starts.append(start)
            let checks = Set(own.compactMap(\.fingerprint)).filter { $0.offset >= start.position }
            taken.append(
                TakenPartition(
                    topicPartition: TopicPartition(
                        topic: partition.topic, partition: partition.partition),
                    origin: origin,
                    checks: checks.sorted { $0.offset < $1.offset },
                    witness: witnesses[partition],
                    topicID: consumer.topicID(of: partition.topic)))
        }
        let assignment = Assignment(
            lane: self, facts: facts,
            core: LaneCore(
                program: try makeProgram(dedupeKey: facts.opened.dedupeKey),
                layout: configuration.layout, starts: starts,
                dedupeWindow: configuration.dedupeWindow),
            taken: taken, reconcileAt: now + Self.checkInterval)
        for shard in marks {
            if let torn = shard.torn { assignment.core.setAsideTorn(shard.shard, reason: torn) }
        }
        for (shard, moving) in survey.waiting {
            assignment.core.setAsideWaiting(shard)
            assignment.core.beginMoving(shard, moving)
        }
        assignment.nodes.orders = survey.orders
        guard assignment.assignPositions() else {
            throw LaneError(message: "Kafka refuses the assignment")
        }
        assignment.comparison.idleAt = self.now + Self.checkInterval
        return assignment
    }

    /// The marks of all shards; where each has a node of its own, those that can be had.
    private func survey(
        of partitions: [LogPartition],
        _ origins: [(partition: LogPartition, offset: Int64)], _ link: LedgerLink,
        _ facts: inout AssignmentFacts
    ) throws(LaneError) -> Survey {
        guard let nodes = link.nodes else {
            let marks = try readMarks(of: partitions, link, &facts) { _ in false }
            return Survey(marks: marks, seen: marks)
        }
        let survey = try survey(origins, nodes, facts)
        facts.take(survey.marks, of: partitions) { _ in false }
        return survey
    }

    private func makeProgram(dedupeKey: (UInt64, UInt64)) throws(LaneError) -> Program {
        do throws(ProgramError) {
            return try Program(
                catalog: configuration.catalog, shardCount: configuration.layout.shardCount,
                dedupeKey: dedupeKey, futureBoundMilliseconds: configuration.futureBoundMilliseconds
            )
        } catch { throw LaneError(message: "catalog: \(error)") }
    }

    /// Stops a partition until the next assignment, and reports why.
    func stop(_ partition: LogPartition, _ reason: String, _ facts: inout AssignmentFacts) {
        facts.stop(partition, reason)
        report(
            .error, "partition-stopped",
            "\(partition.name) is stopped: \(reason)")
    }

    // MARK: Where to read from

    /// Where a partition is read from, and its marks; nil when it is stopped.
    ///
    /// A shard that is closed (torn, or its marks are not known), or whose next records are no
    /// longer in the log, takes no records of it; the other shards go on.
    private func start(
        of partition: LogPartition, _ own: [PartitionMark], _ closed: Set<Int>, origin: Int64,
        _ link: LedgerLink, _ facts: inout AssignmentFacts
    ) throws(LaneError) -> LaneCore.Start? {
        let log = try watermarks(partition, &facts)
        var marks = own.map { $0.offset ?? 0 }
        let highest = marks.max() ?? 0
        if highest > log.high {
            stop(partition, LogDifference.shorter(end: log.high, counted: highest).text, &facts)
            return nil
        }
        let open = marks.indices.filter { !closed.contains($0) }
        let behind = open.filter { marks[$0] < log.low }
        var aside = closed
        if let lowest = behind.map({ marks[$0] }).min() {
            let text =
                "offsets \(lowest) to \(log.low) are no longer in the log, \(log.low - lowest) in all"
            if configuration.onLoss == .continue {
                report(.error, "loss", "\(partition.name): \(text); counted as lost")
                try skipLoss(
                    partition, &marks, of: behind, to: log.low, link,
                    contract: facts.opened.stamp)
            } else {
                facts.lack(partition, count: log.low - lowest, low: log.low)
                guard behind.count < open.count else {
                    stop(
                        partition, "\(text); with --on-loss continue they skip the lost offsets",
                        &facts)
                    return nil
                }
                aside.formUnion(behind)
                report(
                    .error, "shards-behind",
                    "\(partition.name): shards \(behind.map(String.init).joined(separator: ", ")) "
                        + "take nothing of it: \(text); the other shards go on; with --on-loss "
                        + "continue these skip the lost offsets")
            }
        }
        let taking = marks.indices.filter { !aside.contains($0) }
        let lowest = taking.map { marks[$0] }.min() ?? highest
        let wanted = lowest - configuration.dedupeWindow
        noteShortWarmUp(partition, from: log.low, wanted: max(wanted, origin))
        let witnesses = taking.compactMap { own[$0].fingerprint?.offset }
        let position = max(log.low, min(wanted, witnesses.min() ?? wanted))
        return LaneCore.Start(
            partition: partition, position: position, marks: marks, aside: aside)
    }

    /// Reports and counts a dedupe window that cannot be filled: the log begins after the first
    /// offset that the window should cover.
    func noteShortWarmUp(_ partition: LogPartition, from low: Int64, wanted: Int64) {
        guard low > wanted else { return }
        totals.shortWarmUps += 1
        report(
            .warning, "warm-up-short",
            "\(partition.name): the log start cuts the warm-up of the dedupe "
                + "window short by \(low - wanted) offsets")
    }

    /// Moves the marks of these shards up to `offset`, by commits that add the lost offsets to the
    /// audit.
    private func skipLoss(
        _ partition: LogPartition, _ marks: inout [Int64], of shards: [Int], to offset: Int64,
        _ link: LedgerLink, contract: [UInt8]
    ) throws(LaneError) {
        let lowest = shards.map { marks[$0] }.min() ?? offset
        for shard in shards {
            arguments.begin(
                marksKey: configuration.layout.marksKey(shard: shard),
                auditKey: configuration.layout.auditKey(shard: shard),
                scratchKey: configuration.layout.scratchKey(shard: shard), contract: contract)
            arguments.addRange(member: partition.markMember, from: marks[shard], to: offset)
            arguments.addAudit(
                member: partition.markMember + Array(":lost".utf8), delta: offset - marks[shard])
            guard case .applied = link.committer.commit(&arguments, shard: shard) else {
                throw LaneError(message: "a loss could not be recorded")
            }
            marks[shard] = offset
        }
        totals.lost[partition, default: 0] += offset - lowest
    }
}

extension LaneCore {
    /// Where a partition is read from, and its marks.
    struct Start {
        var partition: LogPartition
        /// The first offset to read: the lowest mark, less the dedupe window.
        var position: Int64
        /// By shard.
        var marks: [Int64]
        /// Shards that take nothing of it.
        var aside: Set<Int> = []
    }
}
