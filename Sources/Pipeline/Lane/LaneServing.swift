internal import Ledger
internal import Redis

/// What a lane does with Redis once a turn, and the coming and going of its connection.
extension Lane {
    /// Everything that concerns Redis, once a turn; never waits long.
    func serveRedis() {
        let now = self.now
        connectIfNeeded(now)
        guard let link else { return }
        // It may have broken since, also in the middle of a batch.
        guard link.canCommit else { return loseConnection(now) }
        _ = receiveOutcomes(link, waitMilliseconds: 0)
        guard link.canCommit else { return loseConnection(now) }
        if let reason = link.mustLeave { return leaveServer(now, .noMaster, reason) }
        checkServerIfDue(link, now)
        guard self.link != nil else { return }
        guard link.canCommit else { return loseConnection(now) }
        assignment?.compareLogIfDue(link, now)
        switch stage {
        case .idle: break
        case .pending(let facts): if !fitness.isUnfit { establishIfPossible(facts, link, now) }
        case .counting(let assignment): serve(assignment, link, now)
        }
    }

    private func serve(_ assignment: Assignment, _ link: LedgerLink, _ now: Int64) {
        watchDeadLetters(assignment, now)
        assignment.lookAtMarksIfDue(link, now)
        assignment.reconcileIfDue(link, now)
        guard link.canCommit else { return loseConnection(now) }
        // Reading again from the marks may have ended with beginning again.
        guard assignment.isCurrent else { return }
        assignment.lookAside(link, now)
        guard assignment.isCurrent else { return }
        if !assignment.needsReconcile, !fitness.isUnfit { assignment.commitDue(link, now) }
        assignment.resumeIfPossible(link)
        assignment.commitHintsIfDue(now)
    }

    // MARK: Connection

    private func connectIfNeeded(_ now: Int64) {
        guard link == nil, now >= connectAt else { return }
        do throws(RedisError) {
            link = try LedgerLink(world: world, checkAt: now)
            assignment?.needsReconcile = true
        } catch {
            connectAt = now + 500
            trouble(.redis, "Redis does not answer: \(error.message)")
            assignment?.hold("Redis")
        }
    }

    private func loseConnection(_ now: Int64) {
        dropLink(connectAt: now + 100)
        trouble(.redis, "the connection to Redis broke")
    }

    /// Closes the connection, so that the next try resolves the name again.
    func leaveServer(_ now: Int64, _ trouble: LaneTrouble, _ reason: String) {
        dropLink(connectAt: now + 500)
        self.trouble(trouble, reason)
        assignment?.hold("Redis")
    }

    /// What is in flight keeps its tally: after the next connection the marks tell whether it
    /// landed.
    private func dropLink(connectAt: Int64) {
        link?.drain()
        link = nil
        self.connectAt = connectAt
        assignment?.needsReconcile = true
    }

    // MARK: Outcomes

    /// Takes the outcomes that are there; false when the connection is gone.
    func receiveOutcomes(_ link: LedgerLink, waitMilliseconds: Int32) -> Bool {
        var wait = waitMilliseconds
        while true {
            guard link.canCommit else { return false }
            guard let result = link.committer.tryReceive(waitMilliseconds: wait) else { break }
            assignment?.core.learnCost(shard: result.tag, singleScores: result.singleScores)
            if result.scriptMicroseconds > 0 {
                totals.scriptSeconds.observe(Double(result.scriptMicroseconds) / 1_000_000)
            }
            if let news = result.parked { note(news, shard: result.tag) }
            assignment?.act(on: result, link)
            wait = 0
        }
        return link.canCommit
    }
}
