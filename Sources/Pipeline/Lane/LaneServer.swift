internal import Kafka
internal import Ledger

/// What can change in Redis under a running lane: its role, clock, eviction policy and our rights.
extension Lane {
    /// Checks the server after each connect, before anything is written to it, and every few
    /// seconds.
    ///
    /// While it is not fit for exact numbers, nothing is committed and nothing is consumed.
    func checkServerIfDue(_ link: LedgerLink, _ now: Milliseconds) {
        if let nodes = link.nodes { return checkNodesIfDue(nodes, link, now) }
        guard now >= link.checkAt else { return }
        // An unfit server is asked more often, so that counting goes on soon after it is fit.
        link.checkAt = now + (fitness.isUnfit ? Self.checkInterval / 5 : Self.checkInterval)
        do throws(LedgerError) {
            if link.isIdle {
                judge(try link.committer.serverHealth(), link, now)
            } else {
                // The answers of commits are not waited for: the check has a connection of its own.
                judge(try link.openWatcher().serverHealth(), link, now)
            }
        } catch {
            link.closeWatcher()
            failCheck(error, link, now)
        }
    }

    /// The same for all masters of a cluster, which are asked on another thread.
    ///
    /// `checkAt` is `.max` while it is waited for. Where a check is asked for meanwhile, what the
    /// one under way finds is dropped: it may have asked before what gave rise to the other.
    private func checkNodesIfDue(_ nodes: any LaneNodes, _ link: LedgerLink, _ now: Milliseconds) {
        if let result = nodes.takeCheck(), link.checkAt == .max {
            link.checkAt = now + Self.checkInterval
            do throws(LedgerError) { judge(try result.get(), link, now) } catch {
                failCheck(error, link, now)
            }
            guard self.link != nil else { return }
            if fitness.isUnfit { link.checkAt = now + Self.checkInterval / 5 }
        }
        guard now >= link.checkAt, !nodes.isChecking else { return }
        link.checkAt = .max
        nodes.beginCheck()
    }

    private func failCheck(_ error: LedgerError, _ link: LedgerLink, _ now: Milliseconds) {
        // A server that was checked before is away or busy; commits fail too, and report that.
        guard !link.isChecked || error.leavesServer else { return }
        leaveServer(
            now, link.isChecked ? .noMaster : .redis, "Redis does not answer: \(error.message)")
    }

    /// Does what follows from what a check found.
    private func judge(_ health: ServerHealth, _ link: LedgerLink, _ now: Milliseconds) {
        fitness.unchecked = health.unchecked
        noteDumps(health.dumpRefusal)
        if let finding = fitness.evictionFinding(health) {
            fail(PipelineError(.unfitServer, finding))
        }
        if health.isReplica {
            return leaveServer(
                now, .noMaster,
                "\(health.product) at \(configuration.redis) is a replica and takes no commits: the name is "
                    + "resolved again until it leads to a master")
        }
        link.isChecked = true
        passed(.redis, "Redis answers again")
        passed(.noMaster, "Redis is a master that works again")
        var findings = health.findings
        if let ahead = clockFinding(health.clock, now) { findings.append(ahead) }
        guard findings.isEmpty else {
            return stopCommitting(findings.joined(separator: "; "))
        }
        fitness.isUnfit = false
        link.committer.limitClock(to: latestClock)
        passed(.unfit, "Redis is fit again")
    }

    /// Notes whether new keys may be made of dumps, from the next commit on, and says it when that
    /// has changed.
    private func noteDumps(_ refusal: String?) {
        guard fitness.dumpRefusal != refusal else { return }
        fitness.dumpRefusal = refusal
        report(
            .warning, "dumps",
            refusal.map { $0 + ServerCheck.dumpConsequence } ?? "new keys are made of dumps again")
    }

    /// Commits and consumes nothing until a check finds the server fit.
    func stopCommitting(_ reason: String) {
        fitness.isUnfit = true
        trouble(
            .unfit, "Redis is not fit for exact numbers: \(reason). Nothing is committed")
        assignment?.hold("a Redis that is fit")
    }

    // MARK: Its clock

    /// The latest time, in milliseconds since 1970, that Redis' clock may show when a commit runs.
    var latestClock: Milliseconds {
        fitness.latestClock(now: now, wallMilliseconds: world.wallMilliseconds)
    }

    /// Why keys must not expire by Redis' clock; nil when they may.
    private func clockFinding(_ clock: Milliseconds?, _ now: Milliseconds) -> String? {
        guard let clock,
            fitness.isAhead(clock, now: self.now, wallMilliseconds: world.wallMilliseconds)
        else { return nil }
        // Our own clock may be the wrong one: then the topics have records of Redis' time.
        if hasRecords(since: clock - ClockBound.tolerance) {
            fitness.vouch(for: clock, now: now)
            return nil
        }
        return clockText(clock)
    }

    /// The sentence about a clock that shows this time, in milliseconds since 1970.
    func clockText(_ clock: Milliseconds) -> String {
        let own = world.wallMilliseconds
        return
            "its clock says \(clock / 1_000) s since 1970, \((clock - own) / 1_000) s more than ours, and no "
            + "record is as new: keys expire too early, and for good; odometer verify --full tells whether "
            + "some did"
    }

    /// Whether the topics hold a record with this timestamp or a later one; false when Kafka does
    /// not answer.
    private func hasRecords(since milliseconds: Int64) -> Bool {
        do throws(KafkaError) {
            for topic in configuration.topics {
                let count = try consumer.partitionCount(of: topic, timeoutMilliseconds: 2_000)
                let all = (0..<Int32(count)).map { TopicPartition(topic: topic, partition: $0) }
                let found = try consumer.offsets(
                    forTime: milliseconds, of: all, timeoutMilliseconds: 2_000)
                if found.contains(where: { $0 != nil }) { return true }
            }
            return false
        } catch { return false }
    }
}
