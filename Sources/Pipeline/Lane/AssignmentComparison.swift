internal import Kafka
internal import Ledger

/// Looking at the log again before anything is committed: is it still the one that was counted?
///
/// Kafka serves a topic that was deleted and made again under the same name at the old offsets, and its
/// client says nothing. So a tally is sent only after a record that was counted before was read again, by a
/// fetch that began after the tally's last record had come. Whatever replaced the log before that fetch is
/// seen by it; what replaces it later cannot be in the tally.
extension Assignment {
    /// Time between two looks: each partition with news costs the fetch of a batch, so looks take a
    /// twentieth of the time at most, unless somebody waits for one.
    var comparisonPause: Int64 {
        if lane.isCatchingUp { return LogComparison.catchUpSpan / 2 }
        return min(
            max(LogComparison.pause, 20 * lane.lookDuration),
            max(1, lane.configuration.commitIntervalMilliseconds / 2))
    }

    /// Whether a look may begin now.
    func mayCompareLog(_ now: Int64) -> Bool {
        !comparison.isAsked && now >= max(comparison.nextAt, comparison.retryAt)
    }

    /// Whether tallies may be sent without a look of their own.
    ///
    /// A lane that catches up commits one tally after the other, and each would wait for a look. It is far
    /// behind the log's end: to be taken for the old one, a new log would have to be made and filled
    /// beyond the lane's position, and be read, all within this time.
    var isLookRecent: Bool {
        lane.isCatchingUp && now - comparison.passedAt <= LogComparison.catchUpSpan
    }

    /// Sends a tally that was handed over on the strength of the look before.
    func sendUnseen(shard: Int, _ link: LedgerLink) {
        core.shards[shard].unseenBatch = nil
        comparison.servedAt = now
        send(shard: shard, link)
    }

    /// Takes the answers that are there, and begins a look at all partitions every few seconds.
    ///
    /// Sooner where records were taken that no look knows of: Redis may refuse commits for long, and
    /// a log that is cut meanwhile, below the newest of them, must be found by it.
    func compareLogIfDue(_ link: LedgerLink, _ now: Int64) {
        receiveComparison(link, waitMilliseconds: 1)
        guard isCurrent else { return }
        comparison.newsSince = hasUnknownRecords ? comparison.newsSince ?? now : nil
        guard mayCompareLog(now) else { return }
        let isServing =
            lane.isCatchingUp && now - comparison.passedAt >= LogComparison.catchUpSpan / 2
        // A commit looks sooner where one is possible.
        let isNews =
            now - (comparison.newsSince ?? now)
            >= max(LogComparison.newsPause, 2 * lane.configuration.commitIntervalMilliseconds)
        guard isServing || isNews || now >= comparison.idleAt else { return }
        comparison.idleAt = now + Lane.checkInterval
        // A look that passes lets every tally go, also one with records of a partition that stands still.
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

    /// Begins a look at the partitions of which tallies were handed over.
    func compareLog(_ link: LedgerLink, _ now: Int64) {
        guard !comparison.isAsked, now >= comparison.retryAt else { return }
        askLog(core.unseenSlots, link, now)
    }

    private func askLog(_ slots: Set<Int>, _ link: LedgerLink, _ now: Int64) {
        var questions: [LogComparison.Question] = []
        var isRepeated = false
        for slot in slots.sorted() {
            // Of a partition of which nothing was counted yet, the first record taken speaks for the
            // rest.
            guard let witness = taken[slot].witness ?? core.firstTaken[slot] else { continue }
            // After a look without an answer the next witness is that one which was the newest then:
            // what came later may be another log's, so a second look has to find this one.
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

    /// Takes answers; once all have come and the log is the same, what waits for it is sent.
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

    /// What an answer means; false when the look has ended.
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
            // A lane that reads again is behind the newest record that was counted: that one is kept.
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
                // Something of it may be counted, and its fingerprint be beside the marks.
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
        // Half of the last ones' mean, so that one that was slow does not count for long.
        if !comparison.isEmpty {
            lane.lookDuration = (lane.lookDuration + now - comparison.askedAt) / 2
        }
        comparison.end()
        lane.passed(.comparison, "the log can be compared again")
        // What cannot be sent now is found by `reconcile`, which sends it.
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

    /// Marks moved without this lane: what they tell of may be newer than its witnesses, and a log
    /// that was cut between the two would pass for the one that was counted.
    ///
    /// Returns whether one was raised: then no earlier look lets anything go.
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
    /// Shards whose tally waits for a look at the log.
    var unseen: [Int] { shards.indices.filter { shards[$0].unseenBatch != nil } }

    /// Partitions of which tallies hold something that the log was not looked at for.
    var unseenSlots: Set<Int> {
        var slots: Set<Int> = []
        for shard in unseen { slots.formUnion(shards[shard].sent.map(\.slot)) }
        return slots
    }

    /// The tally that a shard has handed over waits for a look that begins from now on.
    mutating func waitForLook(shard: Int) { shards[shard].unseenBatch = batches }

    /// A look at the log that began after that batch found it the same; returns the shards that may
    /// be sent.
    mutating func wasSeen(upTo batch: Int) -> [Int] {
        let seen = unseen.filter { (shards[$0].unseenBatch ?? .max) <= batch }
        for shard in seen { shards[shard].unseenBatch = nil }
        return seen
    }
}
