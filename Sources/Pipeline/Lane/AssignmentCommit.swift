internal import Kafka
internal import Ledger
internal import Metering
internal import Redis

/// Sending tallies to Redis, and what follows from the answers.
extension Assignment {
    // MARK: Outcomes

    /// Does what follows from the outcome of a commit, as the core decides.
    func act(on result: CommitResult, _ link: LedgerLink) {
        let now = self.now
        let shard = result.tag
        let redirected = core.shards[shard].redirected
        let size = core.flyingSize(shard: shard)
        let isAlone = link.nodes != nil
        switch core.conclude(shard: shard, result.outcome, isAlone: isAlone, now: now) {
        case .done:
            lane.count(size, now)
            if !isAlone { lane.passed(.refused, "Redis takes commits again") }
            if !result.overflows.isEmpty { lane.tellOverflows(result.overflows, now) }
            if !redirected.isEmpty { lane.tellOverflows(redirected, now) }
        case .rewrite:
            send(shard: shard, link)
        case .resend: needsReconcile = true
        case .reread:
            needsReconcile = true
            reconcileAt = now
            lane.trouble(.marksMoved, "shard \(shard): the marks are not where they were left")
        case .foreignContract: needsReconcile = true
        case .move:
            if case .mismatch = result.outcome {
                lane.trouble(
                    .marksMoved, "shard \(shard): the marks are not where they were left")
            }
            if let moving = core.shards[shard].moving, moving.reason == .refused {
                lane.trouble(.refused, "a node of the cluster refuses commits: \(moving.words)")
            }
        case .wait(let message):
            needsReconcile = true
            lane.retryAt = now + 500
            if lane.troubles[.refused] == nil { link.checkAt = now }
            waitForServer(link, result.outcome, message)
        case .aside(let reason):
            lane.report(
                .error, "shard-aside", "shard \(shard) is set aside: \(describe(shard, reason))")
        }
    }

    /// After a refusal by the whole server: waits for it, or leaves it when it is no master any
    /// more.
    private func waitForServer(_ link: LedgerLink, _ outcome: CommitOutcome, _ message: String) {
        guard case .refused(let code, let words) = outcome else { return }
        guard code != CommitOutcome.clockAhead else {
            link.checkAt = now
            return lane.stopCommitting(lane.clockText((Int64(words) ?? 0) * 1_000))
        }
        let text = "Redis refuses commits: \(message)"
        guard !RedisError.leavingCodes.contains(code) else { return link.leave(text) }
        lane.trouble(.refused, text)
    }

    private func describe(_ shard: Int, _ reason: String) -> String {
        guard let cell = core.shards[shard].aside?.refused else { return reason }
        // The key may name an end user, so the log names the meter; `odometer status` has the key.
        let name = cell.key.split(separator: UInt8(ascii: ":")).dropFirst(3)
        let own = name.count == 1 ? name.first.map { String(decoding: $0, as: UTF8.self) } : nil
        return "\(reason) (\(own ?? "meter \(cell.meter ?? "unknown")"))"
    }

    // MARK: Sending

    /// Hands over the tallies that are due now or soon, and begins one look at the log for all of
    /// them.
    ///
    /// No more than Redis keeps up with: a tally that waits here takes more records, while a commit
    /// in Redis' queue does not, and delays full tallies behind it.
    func commitDue(_ link: LedgerLink, _ now: Milliseconds) {
        guard link.canCommit, lane.deadLetters.deliver(waitMilliseconds: 0) else { return }
        guard isLookRecent || mayCompareLog(now) else {
            return lane.schedule.look(at: max(comparison.nextAt, comparison.retryAt))
        }
        var handedOver = 0
        while let shard = nextToCommit(link, now, handedOver), core.handOver(shard: shard) {
            lane.schedule.sent(shard: shard, at: max(now, lane.schedule.dueAt))
            handedOver += 1
        }
        if isLookRecent { for shard in core.unseen { sendUnseen(shard: shard, link) } }
        if !core.unseen.isEmpty { compareLog(link, now) }
    }

    private func nextToCommit(_ link: LedgerLink, _ now: Milliseconds, _ handedOver: Int) -> Int? {
        lane.schedule.next(
            now: now, ahead: comparisonPause, inFlight: link.committer.inFlight,
            inFlightOnNodeOf: link.nodes.map { nodes in { nodes.inFlight(onNodeOf: $0) } },
            handedOver: handedOver, isCatchingUp: lane.isCatchingUp
        ) { core.committable(shard: $0) }
    }

    /// Sends the tally that a shard has handed over, for the first time or again.
    func send(shard: Int, _ link: LedgerLink) {
        core.writeFlying(
            shard: shard, contract: facts.opened.stamp,
            mayDump: lane.fitness.dumpRefusal == nil, to: &lane.arguments)
        core.shards[shard].sentAt = now
        link.committer.limitClock(to: lane.latestClock)
        link.committer.submit(&lane.arguments, tag: shard)
    }

    /// Commits everything that is folded, before partitions are given up.
    ///
    /// What is not committed by the deadline is left to their next owner, who reads it again.
    func finalCommit(deadline: Milliseconds) {
        guard let link = lane.link, !needsReconcile, !lane.fitness.isUnfit else { return }
        while !lane.deadLetters.deliver(waitMilliseconds: 50) {
            if now >= deadline || lane.deadLetters.trouble != nil { return }
        }
        for round in 0..<2 {
            while !link.isIdle || !core.unseen.isEmpty, now < deadline {
                guard passOn(link, waitMilliseconds: 50) else { return }
            }
            guard round == 0, !needsReconcile, link.canCommit else { return }
            for shard in 0..<core.shardCount where !core.isInFlight(shard: shard) {
                _ = core.handOver(shard: shard)
            }
        }
    }

    /// Takes tallies that were handed over one step further: to the look at the log, to Redis, to
    /// their outcome; false when nothing can be done for them now.
    func passOn(_ link: LedgerLink, waitMilliseconds: Int32) -> Bool {
        guard link.canCommit else { return false }
        guard !core.unseen.isEmpty else {
            return lane.receiveOutcomes(link, waitMilliseconds: waitMilliseconds)
        }
        guard !needsReconcile else {
            return !link.isIdle
                && lane.receiveOutcomes(link, waitMilliseconds: waitMilliseconds)
        }
        if !comparison.isAsked { compareLog(link, now) }
        guard comparison.isAsked || core.unseen.isEmpty else { return false }
        receiveComparison(link, waitMilliseconds: min(waitMilliseconds, 10))
        return isCurrent && lane.receiveOutcomes(link, waitMilliseconds: 0)
    }

    /// Commits the lowest mark of each partition to Kafka, with the partition's origin.
    ///
    /// Lag tools read it, and it tells the origin if Redis is lost. Counting does not depend on it.
    func commitHintsIfDue(_ now: Milliseconds) {
        guard now >= lane.hints.nextAt, !isOnHold else { return }
        lane.hints.nextAt = now + Lane.checkInterval
        lane.judgeHints()
        var hints: [(TopicPartition, offset: Int64, metadata: String)] = []
        for (slot, partition) in taken.enumerated() {
            hints.append(
                (
                    partition.topicPartition, offset: core.committed(slot: slot),
                    metadata: "origin=\(partition.origin)"
                ))
        }
        do throws(KafkaError) {
            try lane.consumer.commitHint(hints)
        } catch {
            lane.trouble(.hint, "Kafka does not take the group's offsets: \(error.message)")
        }
    }
}
