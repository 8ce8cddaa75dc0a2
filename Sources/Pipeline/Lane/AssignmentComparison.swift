internal import Kafka
internal import Ledger

/// Looking at the log again before anything is committed: is it still the one that was counted?
///
/// When a topic is deleted and created again under its name, Kafka goes on serving the old offsets,
/// and its client reports nothing. So before a tally is sent, a record that was counted earlier,
/// the witness, is read again, by a fetch that begins after the tally's last record has come. If
/// the log was replaced before that fetch, the fetch shows it; if it is replaced later, the tally
/// holds no record of the new one.
extension Assignment {
    /// Time between two looks that no commit waits for.
    ///
    /// A look costs one fetch for each partition with new records, so looks take at most a
    /// twentieth of the time.
    var comparisonPause: Milliseconds {
        if lane.isCatchingUp { return LogComparison.catchUpSpan / 2 }
        return min(
            max(LogComparison.pause, 20 * lane.lookDuration),
            max(1, lane.configuration.commitIntervalMilliseconds / 2))
    }

    /// Whether a look may begin now.
    func mayCompareLog(_ now: Milliseconds) -> Bool {
        !comparison.isAsked && now >= max(comparison.nextAt, comparison.retryAt)
    }

    /// Whether tallies may be sent without a look of their own.
    ///
    /// A lane that catches up commits one tally after the other, and each would wait for a look. It
    /// is far behind the end of the log: a new log would go unnoticed only if it were made, filled
    /// beyond the lane's position and read, all within this time.
    var isLookRecent: Bool {
        lane.isCatchingUp && now - comparison.passedAt <= LogComparison.catchUpSpan
    }

    /// Sends a tally that was handed over without a look of its own, relying on the look before.
    func sendUnseen(shard: Int, _ link: LedgerLink) {
        core.shards[shard].unseenBatch = nil
        comparison.servedAt = now
        send(shard: shard, link)
    }

    /// Takes the answers that have come, and begins a look at all partitions every few seconds.
    ///
    /// Sooner when records came after the last look: Redis may refuse commits for long, and if the
    /// log is cut in that time below the newest of these records, a look must find it.
    func compareLogIfDue(_ link: LedgerLink, _ now: Milliseconds) {
        receiveComparison(link, waitMilliseconds: 1)
        guard isCurrent else { return }
        comparison.newsSince = hasUnknownRecords ? comparison.newsSince ?? now : nil
        guard mayCompareLog(now) else { return }
        let isServing =
            lane.isCatchingUp && now - comparison.passedAt >= LogComparison.catchUpSpan / 2
        // When commits are possible, their own looks come sooner than this.
        let isNews =
            now - (comparison.newsSince ?? now)
            >= max(LogComparison.newsPause, 2 * lane.configuration.commitIntervalMilliseconds)
        guard isServing || isNews || now >= comparison.idleAt else { return }
        comparison.idleAt = now + Lane.checkInterval
        // A look that finds no change allows every tally, so it also asks about stopped partitions
        // of which tallies hold records.
        askLog(
            Set(taken.indices).filter { !isStopped($0) }.union(core.unseenSlots), link, now)
    }

    /// Whether a partition's newest record is not its witness.
    private var hasUnknownRecords: Bool {
        taken.indices.contains { slot in
            guard let newest = core.newest(slot: slot), !isStopped(slot) else { return false }
            return newest.offset > taken[slot].witness?.offset ?? -1
        }
    }

    /// Begins a look at the partitions of which handed-over tallies hold records.
    func compareLog(_ link: LedgerLink, _ now: Milliseconds) {
        guard !comparison.isAsked, now >= comparison.retryAt else { return }
        askLog(core.unseenSlots, link, now)
    }

    private func askLog(_ slots: Set<Int>, _ link: LedgerLink, _ now: Milliseconds) {
        var questions: [LogComparison.Question] = []
        var isRepeated = false
        for slot in slots.sorted() {
            // When nothing of a partition was counted yet, its first record is the witness.
            guard let witness = taken[slot].witness ?? core.firstTaken[slot] else { continue }
            // After a look without an answer the next witness stays the record that was newest
            // then: later records may be another log's, so the second look has to find this one.
            if taken[slot].nextWitness != nil { isRepeated = true }
            let next = taken[slot].nextWitness ?? core.newest(slot: slot)
            taken[slot].nextWitness = next
            questions.append(LogComparison.Question(slot: slot, witness: witness, next: next))
        }
        comparison.ask(
            questions, batch: core.batches, now: now, pause: comparisonPause,
            isRepeated: isRepeated)
        comparison.newsSince = nil
        guard !questions.isEmpty else { return endComparison(link) }
        lane.totals.comparisons += 1
        do throws(KafkaError) {
            try lane.probe.ask(questions.map { (taken[$0.slot].topicPartition, $0.witness.offset) })
        } catch { failComparison(error.message) }
    }

    /// Takes answers; once all have come and the log is the same, the tallies that wait are sent.
    func receiveComparison(_ link: LedgerLink, waitMilliseconds: Int32) {
        guard comparison.isAsked else { return }
        do throws(KafkaError) {
            for (partition, answer)
                in try lane.probe.receive(timeoutMilliseconds: waitMilliseconds)
            {
                guard try judge(partition, answer) else { return }
            }
        } catch { return failComparison(error.message) }
        if lane.probe.isAnswered { return endComparison(link) }
        guard now - comparison.heardAt > LogComparison.patience else { return }
        let open = comparison.questions.map { "\(taken[$0.slot].topicPartition)" }
        failComparison("no answer about \(open.joined(separator: ", "))")
    }

    /// Does what follows from an answer; false when the look has ended.
    private func judge(
        _ partition: TopicPartition, _ answer: ProbeAnswer
    ) throws(KafkaError) -> Bool {
        guard
            let index = comparison.questions.firstIndex(where: {
                taken[$0.slot].topicPartition == partition
            })
        else { return true }
        let question = comparison.questions[index]
        switch try lane.verdict(partition, answer, question.witness) {
        case .same, .unverifiable:
            comparison.hear(index, now)
            taken[question.slot].nextWitness = nil
            // A lane that reads again is behind its witness, the newest record counted: it is kept.
            if let next = question.next,
                next.offset > taken[question.slot].witness?.offset ?? -1
            {
                taken[question.slot].witness = next
            }
            return true
        case .unclear:
            failComparison("\(partition) is being changed")
            return false
        case .other(let difference):
            if comparison.hasServed {
                // Records of the new log may be counted already, their fingerprints beside the
                // marks.
                facts.otherLogs[core.partitions[question.slot]] = difference
            }
            leaveLog(slot: question.slot, difference)
            return false
        }
    }

    private func endComparison(_ link: LedgerLink) {
        let batch = comparison.batch
        guard !comparison.isRepeated else {
            comparison.idleAt = now
            return comparison.end(retryAt: now)
        }
        // Half of the mean before, so that a slow look does not count for long.
        if !comparison.isEmpty {
            lane.lookDuration = (lane.lookDuration + now - comparison.askedAt) / 2
        }
        comparison.end()
        lane.passed(.comparison, "the log can be compared again")
        // Tallies that cannot be sent now are sent by `reconcile`.
        if lane.fitness.isUnfit { needsReconcile = true }
        for shard in core.wasSeen(upTo: batch) where link.canCommit && !needsReconcile {
            send(shard: shard, link)
        }
    }

    private func failComparison(_ message: String) {
        comparison.end(retryAt: now + 500)
        lane.trouble(
            .comparison,
            "nothing is committed until the log was compared with what was counted: "
                + message)
    }

    // MARK: Witnesses

    /// Takes newer witnesses from marks that somebody else has moved.
    ///
    /// With its older witnesses the lane would not notice a log that was cut after them. Returns
    /// whether any witness is newer: then no earlier look allows a commit.
    @discardableResult
    func learnWitnesses(from marks: [ShardMarks]) -> Bool {
        var isRaised = false
        for slot in taken.indices {
            let newest = marks.compactMap { $0.marks[slot].fingerprint }
                .max { $0.offset < $1.offset }
            guard let newest, newest.offset > taken[slot].witness?.offset ?? -1 else { continue }
            taken[slot].witness = newest
            isRaised = true
        }
        if isRaised { comparison.end(retryAt: now) }
        return isRaised
    }
}

extension LaneCore {
    /// Shards whose handed-over tally waits for a look at the log, and for nothing else.
    var unseen: [Int] {
        shards.indices.filter { shards[$0].unseenBatch != nil && shards[$0].moving == nil }
    }

    /// Slots of which such tallies hold records.
    var unseenSlots: Set<Int> {
        var slots: Set<Int> = []
        for shard in unseen { slots.formUnion(shards[shard].sent.map(\.slot)) }
        return slots
    }

    /// Lets the tally that a shard has handed over wait for a look that begins from now on.
    mutating func waitForLook(shard: Int) { shards[shard].unseenBatch = batches }

    /// Notes that a look which began after this batch found the log the same.
    ///
    /// Returns the shards whose tallies may be sent.
    mutating func wasSeen(upTo batch: Int) -> [Int] {
        let seen = unseen.filter { (shards[$0].unseenBatch ?? .max) <= batch }
        for shard in seen { shards[shard].unseenBatch = nil }
        return seen
    }
}
