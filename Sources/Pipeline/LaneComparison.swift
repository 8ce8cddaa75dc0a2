internal import Kafka
internal import Ledger

/// Looking at the log again before anything is committed: is it still the one that was counted?
///
/// Kafka serves a topic that was deleted and made again under the same name at the old offsets, and its
/// client says nothing. So a tally is sent only after a record that was counted before was read again, by a
/// fetch that began after the tally's last record had come. Whatever replaced the log before that fetch is
/// seen by it; what replaces it later cannot be in the tally.
extension Lane {
    /// Time between two looks: each partition with news costs the fetch of a batch, so looks take a twentieth of
    /// the time at most, unless somebody waits for one.
    var comparisonPause: Int64 {
        if isCatchingUp { return LogComparison.catchUpSpan / 2 }
        return min(
            max(LogComparison.pause, 20 * lookDuration),
            max(1, configuration.commitIntervalMilliseconds / 2))
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
        isCatchingUp && now - comparison.passedAt <= LogComparison.catchUpSpan
    }

    /// Sends a tally that was handed over on the strength of the look before.
    func sendUnseen(shard: Int) {
        core?.shards[shard].unseenBatch = nil
        comparison.servedAt = now
        send(shard: shard)
    }

    /// Takes the answers that are there, and begins a look at all partitions every few seconds.
    ///
    /// Sooner where records were taken that no look knows of: Redis may refuse commits for long, and a log that is
    /// cut meanwhile, below the newest of them, must be found by it.
    func compareLogIfDue(_ now: Int64) {
        guard core != nil, mode == .folding || mode == .holding else { return }
        receiveComparison(waitMilliseconds: 1)
        comparison.newsSince = hasUnknownRecords ? comparison.newsSince ?? now : nil
        guard core != nil, mayCompareLog(now) else { return }
        let isServing = isCatchingUp && now - comparison.passedAt >= LogComparison.catchUpSpan / 2
        // A commit looks sooner where one is possible.
        let isNews =
            now - (comparison.newsSince ?? now)
            >= max(LogComparison.newsPause, 2 * configuration.commitIntervalMilliseconds)
        guard isServing || isNews || now >= comparison.idleAt else { return }
        comparison.idleAt = now + Self.checkInterval
        // A look that passes lets every tally go, also one with records of a partition that stands still.
        askLog(Set(taken.indices).filter { !isStopped($0) }.union(core?.unseenSlots ?? []), now)
    }

    /// Whether a partition's newest record is not its witness.
    private var hasUnknownRecords: Bool {
        taken.indices.contains { slot in
            guard let newest = core?.newest(slot: slot), !isStopped(slot) else { return false }
            return newest.offset > taken[slot].witness?.offset ?? -1
        }
    }

    /// Begins a look at the partitions of which tallies were handed over.
    func compareLog(_ now: Int64) {
        guard !comparison.isAsked, now >= comparison.retryAt, let slots = core?.unseenSlots
        else { return }
        askLog(slots, now)
    }

    private func askLog(_ slots: Set<Int>, _ now: Int64) {
        guard let batch = core?.batches else { return }
        var questions: [LogComparison.Question] = []
        var isRepeated = false
        for slot in slots.sorted() {
            // Of a partition of which nothing was counted yet, the first record taken speaks for the rest.
            guard let witness = taken[slot].witness ?? core?.firstTaken[slot] else { continue }
            // After a look without an answer the next witness is that one which was the newest then: what came
            // later may be another log's, so a second look has to find this one.
            if taken[slot].nextWitness != nil { isRepeated = true }
            let next = taken[slot].nextWitness ?? core?.newest(slot: slot)
            taken[slot].nextWitness = next
            questions.append(LogComparison.Question(slot: slot, witness: witness, next: next))
        }
        comparison.ask(
            questions, batch: batch, now: now, pause: comparisonPause, isRepeated: isRepeated)
        comparison.newsSince = nil
        guard !questions.isEmpty else { return endComparison() }
        totals.comparisons += 1
        do throws(KafkaError) {
            try probe.ask(questions.map { (taken[$0.slot].topicPartition, $0.witness.offset) })
        } catch { failComparison(error.message) }
    }

    /// Takes answers; once all have come and the log is the same, what waits for it is sent.
    func receiveComparison(waitMilliseconds: Int32) {
        guard comparison.isAsked else { return }
        do throws(KafkaError) {
            for (partition, answer) in try probe.receive(timeoutMilliseconds: waitMilliseconds) {
                guard try judge(partition, answer) else { return }
            }
        } catch { return failComparison(error.message) }
        if probe.isAnswered { return endComparison() }
        guard now - comparison.heardAt > LogComparison.patience else { return }
        let open = comparison.questions.map { "\(taken[$0.slot].topicPartition)" }
        failComparison("no answer about \(open.joined(separator: ", "))")
    }

    /// What an answer means; false = the look has ended.
    private func judge(
        _ partition: TopicPartition, _ answer: ProbeAnswer
    ) throws(KafkaError) -> Bool {
        guard
            let index = comparison.questions.firstIndex(where: {
                taken[$0.slot].topicPartition == partition
            })
        else { return true }
        let question = comparison.questions[index]
        switch try verdict(partition, answer, question.witness) {
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
            if comparison.hasServed, let other = core?.partitions[question.slot] {
                // Something of it may be counted, and its fingerprint be beside the marks.
                otherLogs[other] = difference
            }
            leaveLog(slot: question.slot, difference)
            return false
        }
    }

    private func verdict(
        _ partition: TopicPartition, _ answer: ProbeAnswer, _ witness: Fingerprint
    ) throws(KafkaError) -> LogVerdict {
        let verdict = LogVerdict(of: answer, for: witness)
        guard verdict == .unclear else { return verdict }
        let log = try consumer.watermarks(of: partition, timeoutMilliseconds: 5_000)
        return LogVerdict(of: answer, low: log.low, high: log.high, for: witness)
    }

    private func endComparison() {
        let batch = comparison.batch
        guard !comparison.isRepeated else {
            comparison.idleAt = now
            return comparison.end(retryAt: now)
        }
        // Half of the last ones' mean, so that one that was slow does not count for long.
        if !comparison.isEmpty { lookDuration = (lookDuration + now - comparison.askedAt) / 2 }
        comparison.end()
        passed(.comparison, "the log can be compared again")
        // What cannot be sent now is found by `reconcile`, which sends it.
        if isUnfit { needsReconcile = true }
        for shard in core?.wasSeen(upTo: batch) ?? [] where canCommit && !needsReconcile {
            send(shard: shard)
        }
    }

    private func failComparison(_ message: String) {
        comparison.end(retryAt: now + 500)
        trouble(
            .comparison,
            "nothing is committed until the log was compared with what was counted: "
                + message)
    }

    /// The log of a partition is another one: what is folded may come from it, so everything is dropped, and all
    /// begin again from their marks, which tell whether something of the old log was counted.
    func leaveLog(slot: Int, _ difference: LogDifference) {
        guard let partition = core?.partitions[slot] else { return }
        establishAgain("\(partition.name): \(difference.text)")
    }

    // MARK: At the start

    /// Looks at the newest record that the marks tell of, in each partition, before any of them is read.
    ///
    /// Returns the witness of each partition that has one, and the partitions that hold another log.
    func compareWithMarks(
        _ partitions: [LogPartition], _ marks: [ShardMarks]
    ) throws(Obstacle) -> (
        witnesses: [LogPartition: Fingerprint], others: [LogPartition: LogDifference]
    ) {
        var witnesses: [LogPartition: Fingerprint] = [:]
        for (index, partition) in partitions.enumerated() {
            witnesses[partition] =
                marks.compactMap { $0.marks[index].fingerprint }.max { $0.offset < $1.offset }
        }
        return (witnesses, try differences(of: witnesses))
    }

    /// Marks moved without this lane: what they tell of may be newer than its witnesses, and a log that was cut
    /// between the two would pass for the one that was counted.
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

    /// Partitions whose log does not hold its witness.
    private func differences(
        of witnesses: [LogPartition: Fingerprint]
    ) throws(Obstacle) -> [LogPartition: LogDifference] {
        guard !witnesses.isEmpty else { return [:] }
        comparison = LogComparison()
        try onLog { () throws(KafkaError) -> Void in
            try probe.ask(
                witnesses.sorted { $0.key < $1.key }.map {
                    (
                        TopicPartition(topic: $0.key.topic, partition: $0.key.partition),
                        $0.value.offset
                    )
                })
        }
        var found: [LogPartition: LogDifference] = [:]
        var deadline = now + LogComparison.patience
        while !probe.isAnswered {
            guard now < deadline else {
                throw Obstacle(message: "no answer about what the log holds")
            }
            let answers = try onLog { () throws(KafkaError) -> [(TopicPartition, ProbeAnswer)] in
                try probe.receive(timeoutMilliseconds: 50)
            }
            if !answers.isEmpty { deadline = now + LogComparison.patience }
            for (partition, answer) in answers {
                let place = LogPartition(topic: partition.topic, partition: partition.partition)
                guard let witness = witnesses[place] else { continue }
                let judged = try onLog { () throws(KafkaError) -> LogVerdict in
                    try verdict(partition, answer, witness)
                }
                if case .other(let difference) = judged { found[place] = difference }
                if judged == .unclear { throw Obstacle(message: "\(partition) is being changed") }
            }
        }
        return found
    }

    private func onLog<Result>(
        _ body: () throws(KafkaError) -> Result
    ) throws(Obstacle) -> Result {
        do throws(KafkaError) { return try body() } catch { throw Obstacle(message: error.message) }
    }

    /// A partition that was added later counts from its first offset, unless another partition of the topic is
    /// found not to be the one that was counted: then the new one belongs to another log, too.
    func otherSibling(
        of topic: String, _ known: [Int32: Origin]
    ) throws(Obstacle) -> LogDifference? {
        let partitions = known.keys.sorted().map { LogPartition(topic: topic, partition: $0) }
        let marks = try onLedger { ledger throws(LedgerError) in
            try ledger.readMarks(partitions, shards: nil)
        }
        let others = try compareWithMarks(partitions, marks).others
        for (index, partition) in partitions.enumerated() {
            let counted = marks.compactMap { $0.marks[index].offset }.max() ?? 0
            if others[partition] != nil { return .sibling(partition.partition) }
            let log = try watermarks(partition)
            if log.high < counted { return .sibling(partition.partition) }
        }
        return nil
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

    /// A look at the log that began after that batch found it the same; returns the shards that may be sent.
    mutating func wasSeen(upTo batch: Int) -> [Int] {
        let seen = unseen.filter { (shards[$0].unseenBatch ?? .max) <= batch }
        for shard in seen { shards[shard].unseenBatch = nil }
        return seen
    }
}
