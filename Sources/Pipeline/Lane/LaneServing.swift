internal import Ledger
internal import Redis

/// What a lane does with Redis once a turn, and how it connects and disconnects.
extension Lane {
    /// Does everything that concerns Redis, once a turn; never waits long.
    func serveRedis() {
        let now = self.now
        connectIfNeeded(now)
        guard let link else { return }
        // The connection may have broken since the last turn, even in the middle of a batch.
        guard link.canCommit else { return loseConnection(now) }
        _ = receiveOutcomes(link, waitMilliseconds: 0)
        guard link.canCommit else { return loseConnection(now) }
        if let reason = link.mustLeave { return leaveServer(now, .noMaster, reason) }
        checkServerIfDue(link, now)
        // The first check of a cluster's masters may take some turns.
        guard self.link != nil, link.isChecked else { return }
        guard link.canCommit else { return loseConnection(now) }
        assignment?.compareLogIfDue(link, now)
        switch stage {
        case .idle: break
        case .pending(let facts): if !fitness.isUnfit { establishIfPossible(facts, link, now) }
        case .counting(let assignment): serve(assignment, link, now)
        }
    }

    private func serve(_ assignment: Assignment, _ link: LedgerLink, _ now: Milliseconds) {
        watchDeadLetters(assignment, now)
        if let nodes = link.nodes {
            assignment.serveNodes(nodes, link, now)
        } else {
            assignment.lookAtMarksIfDue(link, now)
            assignment.reconcileIfDue(link, now)
        }
        guard link.canCommit else { return loseConnection(now) }
        // Stepping back may have dropped the assignment, to begin again from the marks.
        guard assignment.isCurrent else { return }
        assignment.lookAside(link, now)
        guard assignment.isCurrent else { return }
        if !assignment.needsReconcile, !fitness.isUnfit { assignment.commitDue(link, now) }
        assignment.resumeIfPossible(link)
        assignment.lookForSchemas(now)
        assignment.commitHintsIfDue(now)
    }

    // MARK: Connection

    private func connectIfNeeded(_ now: Milliseconds) {
        guard link == nil, now >= connectAt else { return }
        do throws(RedisError) {
            link = try LedgerLink(world: world, checkAt: now)
            assignment?.needsReconcile = true
        } catch {
            connectAt = now + configuration.redis.reconnectMilliseconds
            trouble(.redis, "Redis does not answer: \(error.message)")
            assignment?.hold("Redis")
        }
    }

    private func loseConnection(_ now: Milliseconds) {
        dropLink(connectAt: now + 100)
        trouble(.redis, "the connection to Redis broke")
    }

    /// Closes the connection; the next attempt resolves the server's name again.
    func leaveServer(_ now: Milliseconds, _ trouble: LaneTrouble, _ reason: String) {
        dropLink(connectAt: now + configuration.redis.reconnectMilliseconds)
        self.trouble(trouble, reason)
        assignment?.hold("Redis")
    }

    /// Closes the connection and keeps the tallies in flight.
    ///
    /// After the next connect the marks tell which of them were applied.
    private func dropLink(connectAt: Milliseconds) {
        link?.drain()
        link = nil
        self.connectAt = connectAt
        assignment?.needsReconcile = true
    }

    // MARK: Outcomes

    /// Handles the outcomes that have come; false when the connection is gone.
    ///
    /// Waits for the first of them at most so long.
    func receiveOutcomes(_ link: LedgerLink, waitMilliseconds: Int32) -> Bool {
        var wait = waitMilliseconds
        while true {
            guard link.canCommit else { return false }
            guard let result = link.committer.tryReceive(waitMilliseconds: wait) else { break }
            assignment?.core.learnCost(
                shard: result.tag, singleScores: result.singleScores,
                scriptMicroseconds: result.scriptMicroseconds)
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
