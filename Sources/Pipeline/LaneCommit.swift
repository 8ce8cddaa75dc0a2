internal import Kafka
internal import Ledger
internal import Metering
internal import Redis

/// From tallies to Redis, and what follows from the answers.
extension Lane {
    /// Whether commits may be sent now.
    var canCommit: Bool { committer?.isAlive ?? false }

    /// Everything that concerns Redis, once a turn; never waits long.
    func serveRedis() {
        let now = self.now
        connectIfNeeded(now)
        guard committer != nil else { return }
        // It may have broken since, also in the middle of a batch.
        guard canCommit else { return loseConnection(now) }
        _ = receiveOutcomes(waitMilliseconds: 0)
        guard canCommit else { return loseConnection(now) }
        if let mustLeave { return leaveServer(now, .noMaster, mustLeave) }
        checkServerIfDue(now)
        guard committer != nil else { return }
        guard canCommit else { return loseConnection(now) }
        compareLogIfDue(now)
        if mode == .pending {
            if !isUnfit { establishIfPossible(now) }
            return
        }
        guard core != nil else { return }
        watchDeadLetters(now)
        lookAtMarksIfDue(now)
        reconcileIfDue(now)
        guard canCommit else { return loseConnection(now) }
        lookAside(now)
        if !needsReconcile, !isUnfit { commitDue(now) }
        resumeIfPossible()
        hintIfDue(now)
    }

    // MARK: Connection

    private func connectIfNeeded(_ now: Int64) {
        guard committer == nil, now >= reconnectAt else { return }
        do throws(RedisError) {
            committer = try world.connect()
            needsReconcile = core != nil
            // It may be another server than before, for both connections.
            watcher = nil
            isLookedAt = false
            serverCheckAt = now
        } catch {
            reconnectAt = now + 500
            trouble(.redis, "Redis does not answer: \(error.message)")
            if mode == .folding { hold("Redis") }
        }
    }

    func loseConnection(_ now: Int64) {
        // What is in flight keeps its tally: after the next connection the marks tell whether it landed.
        while committer?.receive() != nil {}
        committer = nil
        watcher = nil
        mustLeave = nil
        reconnectAt = now + 100
        needsReconcile = core != nil
        trouble(.redis, "the connection to Redis broke")
    }

    // MARK: Outcomes

    /// Takes the outcomes that are there; false when the connection is gone.
    func receiveOutcomes(waitMilliseconds: Int32) -> Bool {
        var wait = waitMilliseconds
        while true {
            guard canCommit else { return false }
            guard let result = committer?.tryReceive(waitMilliseconds: wait) else { break }
            core?.learnCost(shard: result.tag, singleScores: result.singleScores)
            if result.scriptMicroseconds > 0 {
                totals.scriptSeconds.observe(Double(result.scriptMicroseconds) / 1_000_000)
            }
            if let news = result.parked { note(news, shard: result.tag) }
            handle(result)
            wait = 0
        }
        return canCommit
    }

    private func handle(_ result: CommitResult) {
        let now = self.now
        let (shard, outcome, overflows) = (result.tag, result.outcome, result.overflows)
        let redirected = core?.shards[shard].redirected ?? [:]
        guard let size = core?.flyingSize(shard: shard),
            let step = core?.conclude(shard: shard, outcome, now: now)
        else { return }
        switch step {
        case .done:
            totals.commits += 1
            totals.cells += Int64(size.cells)
            totals.committedEvents += size.events
            totals.commitSeconds.observe(Double(now - size.sentAt) / 1_000)
            if size.oldest != Int64.max {
                totals.freshness.observe(
                    Double(max(0, world.wallMilliseconds - size.oldest)) / 1_000)
            }
            passed(.refused, "Redis takes commits again")
            if !overflows.isEmpty { noteOverflows(overflows, now) }
            if !redirected.isEmpty { noteOverflows(redirected, now) }
        case .rewrite:
            core?.writeFlying(shard: shard, contract: stamp, to: &arguments)
            send(shard: shard)
        case .resend: needsReconcile = true
        case .reread:
            needsReconcile = true
            reconcileAt = now
            trouble(.marksMoved, "shard \(shard): the marks are not where they were left")
        case .foreignContract: needsReconcile = true
        case .wait(let message):
            needsReconcile = true
            retryAt = now + 500
            if troubles[.refused] == nil { serverCheckAt = now }
            refuse(outcome, message)
        case .aside(let reason):
            report(.error, "shard-aside", "shard \(shard) is set aside: \(describe(shard, reason))")
        }
    }

    /// The whole server refused a commit: it is waited for, or left where it is no master any more.
    private func refuse(_ outcome: CommitOutcome, _ message: String) {
        guard case .refused(let code, let words) = outcome else { return }
        guard code != CommitOutcome.clockAhead else {
            serverCheckAt = now
            return stopCommitting(clockText((Int64(words) ?? 0) * 1_000))
        }
        let text = "Redis refuses commits: \(message)"
        guard !RedisError.leavingCodes.contains(code) else {
            mustLeave = text
            return
        }
        trouble(.refused, text)
    }

    /// Counts what went to `__other__`, and says it once an hour for each meter.
    private func noteOverflows(_ overflows: [String: Int64], _ now: Int64) {
        for (meter, count) in overflows {
            totals.overflows[meter, default: 0] += count
            guard now >= overflowReportedAt[meter] ?? .min else { continue }
            overflowReportedAt[meter] = now + 3_600_000
            report(
                .warning, "overflow",
                "meter \(meter): new values are counted as \(Most.other), its limit (most) is reached"
            )
        }
    }

    private func describe(_ shard: Int, _ reason: String) -> String {
        guard let cell = core?.shards[shard].aside?.refused else { return reason }
        // The key may name an end user: the log says which part refused, status names the key.
        let name = cell.key.split(separator: UInt8(ascii: ":")).dropFirst(3)
        let own = name.count == 1 ? name.first.map { String(decoding: $0, as: UTF8.self) } : nil
        return "\(reason) (\(own ?? "meter \(cell.meter ?? "unknown")"))"
    }

    // MARK: Sending

    /// Hands over the tallies whose time has come or comes soon, those first that wait longest, as far as Redis
    /// keeps up; then the log is looked at once for all of them.
    ///
    /// What waits here is merged further; what waits in Redis' queue is not, and a full tally would have
    /// to wait behind it.
    private func commitDue(_ now: Int64) {
        guard mode == .folding || mode == .holding, core != nil else { return }
        guard canCommit, deadLetters.deliver(waitMilliseconds: 0) else { return }
        guard isLookRecent || mayCompareLog(now) else {
            return schedule.look(at: max(comparison.nextAt, comparison.retryAt))
        }
        var handedOver = 0
        while let shard = nextToCommit(now, handedOver), core?.handOver(shard: shard) ?? false {
            schedule.sent(shard: shard, at: max(now, schedule.dueAt))
            handedOver += 1
        }
        if isLookRecent { for shard in core?.unseen ?? [] { sendUnseen(shard: shard) } }
        if core?.unseen.isEmpty == false { compareLog(now) }
    }

    private func nextToCommit(_ now: Int64, _ handedOver: Int) -> Int? {
        guard let inFlight = committer?.inFlight else { return nil }
        return schedule.next(
            now: now, ahead: comparisonPause, inFlight: inFlight, handedOver: handedOver,
            isCatchingUp: isCatchingUp
        ) { core?.committable(shard: $0) }
    }

    /// Sends the tally of a shard that was handed over, or sends it again.
    func send(shard: Int) {
        core?.writeFlying(shard: shard, contract: stamp, to: &arguments)
        core?.shards[shard].sentAt = self.now
        committer?.limitClock(to: latestClock)
        committer?.submit(&arguments, tag: shard)
    }

    /// Commits everything that is folded, until the deadline; before partitions are given up.
    func finalCommit(deadline: Int64) {
        guard core != nil, !needsReconcile, !isUnfit else { return }
        while !deadLetters.deliver(waitMilliseconds: 50) {
            if self.now >= deadline || deadLetters.problem != nil { return }
        }
        for round in 0..<2 {
            while isAnyOnItsWay, self.now < deadline {
                guard passOn(waitMilliseconds: 50) else { return }
            }
            guard round == 0, !needsReconcile, canCommit else { return }
            for shard in 0..<configuration.layout.shardCount
            where core?.isInFlight(shard: shard) == false {
                _ = core?.handOver(shard: shard)
            }
        }
    }

    private var isAnyOnItsWay: Bool {
        committer?.inFlight ?? 0 > 0 || core?.unseen.isEmpty == false
    }

    /// Brings tallies that were handed over on their way, from the look at the log to their outcome; false = it
    /// cannot.
    func passOn(waitMilliseconds: Int32) -> Bool {
        guard canCommit else { return false }
        guard core?.unseen.isEmpty == false else {
            return receiveOutcomes(waitMilliseconds: waitMilliseconds)
        }
        guard !needsReconcile else {
            return committer?.inFlight ?? 0 > 0
                && receiveOutcomes(waitMilliseconds: waitMilliseconds)
        }
        if !comparison.isAsked { compareLog(self.now) }
        guard comparison.isAsked || core?.unseen.isEmpty == true else { return false }
        receiveComparison(waitMilliseconds: min(waitMilliseconds, 10))
        return core != nil && receiveOutcomes(waitMilliseconds: 0)
    }

    /// Tells Kafka the lowest mark of each partition: advice for lag tools, and a witness of the origin.
    private func hintIfDue(_ now: Int64) {
        guard now >= hintAt, mode == .folding else { return }
        hintAt = now + Self.checkInterval
        judgeHints()
        var hints: [(TopicPartition, offset: Int64, metadata: String)] = []
        for (slot, one) in taken.enumerated() {
            let offset = core?.committed(slot: slot) ?? 0
            hints.append((one.topicPartition, offset: offset, metadata: "origin=\(one.origin)"))
        }
        do throws(KafkaError) {
            try consumer.commitHint(hints)
        } catch {
            trouble(.hint, "Kafka does not take the group's offsets: \(error.message)")
        }
    }
}
