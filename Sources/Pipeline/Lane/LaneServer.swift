internal import Kafka
internal import Ledger

/// What Redis can change under a running lane: its role, its clock, its eviction policy, our rights.
extension Lane {
    /// Looks at the server after each connect, before anything is written to it, and every few
    /// seconds.
    ///
    /// Where it is not what exact numbers need, nothing is committed and nothing consumed until it
    /// is again.
    func checkServerIfDue(_ link: LedgerLink, _ now: Int64) {
        guard now >= link.checkAt else { return }
        // What was wrong is asked more often: counting goes on soon after it is right.
        link.checkAt = now + (fitness.isUnfit ? Self.checkInterval / 5 : Self.checkInterval)
        do throws(LedgerError) {
            if link.isIdle {
                judge(try link.committer.serverHealth(), link, now)
            } else {
                // The commits' answers tell what concerns them; this look may wait for its own.
                judge(try link.openWatcher().serverHealth(), link, now)
            }
        } catch {
            link.closeWatcher()
            // One that was looked at before is away or busy: commits fail as well, and their trouble
            // says so.
            if !link.isLookedAt || error.leavesServer {
                leaveServer(
                    now, link.isLookedAt ? .noMaster : .redis,
                    "Redis does not answer: \(error.message)")
            }
        }
    }

    private func judge(_ health: ServerHealth, _ link: LedgerLink, _ now: Int64) {
        fitness.unchecked = health.unchecked
        if let problem = fitness.evictionProblem(health) {
            fail(PipelineError(.unfitServer, problem))
        }
        if health.isReplica {
            return leaveServer(
                now, .noMaster,
                "\(health.product) at \(configuration.redis) is a replica and takes no commits: the name is "
                    + "resolved again until it leads to a master")
        }
        link.isLookedAt = true
        passed(.redis, "Redis answers again")
        passed(.noMaster, "Redis is a master that works again")
        var problems = health.problems
        if let ahead = clockProblem(health.clock, now) { problems.append(ahead) }
        guard problems.isEmpty else {
            return stopCommitting(problems.joined(separator: "; "))
        }
        fitness.isUnfit = false
        link.committer.limitClock(to: latestClock)
        passed(.unfit, "Redis is fit again")
    }

    /// Commits nothing and consumes nothing until a look at the server finds it fit.
    func stopCommitting(_ reason: String) {
        fitness.isUnfit = true
        trouble(
            .unfit, "Redis is not fit for exact numbers: \(reason). Nothing is committed")
        assignment?.hold("a Redis that is fit")
    }

    // MARK: Its clock

    /// The latest time, in milliseconds since 1970, that Redis' clock may show when a commit runs.
    var latestClock: Int64 {
        fitness.latestClock(now: now, wallMilliseconds: world.wallMilliseconds)
    }

    /// Why Redis' clock must not expire keys, or nil.
    private func clockProblem(_ clock: Int64?, _ now: Int64) -> String? {
        guard let clock,
            fitness.isAhead(clock, now: self.now, wallMilliseconds: world.wallMilliseconds)
        else { return nil }
        // Our own clock may be the one that is wrong: records of that time are a witness.
        if hasRecords(since: clock - ClockBound.tolerance) {
            fitness.vouch(for: clock, now: now)
            return nil
        }
        return clockText(clock)
    }

    /// What is wrong with a clock that shows this time, in milliseconds since 1970.
    func clockText(_ clock: Int64) -> String {
        let own = world.wallMilliseconds
        return
            "its clock says \(clock / 1_000) s since 1970, \((clock - own) / 1_000) s more than ours, and no "
            + "record is as new: keys expire too early, and for good; odometer verify --full tells whether "
            + "some did"
    }

    /// Whether the topics hold a record with a timestamp from this time on; false where Kafka does
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
