internal import Kafka
internal import Ledger

/// What Redis can change under a running lane: its role, its clock, its eviction policy, our rights.
extension Lane {
    /// Looks at the server after each connect, before anything is written to it, and every few seconds.
    ///
    /// Where it is not what exact numbers need, nothing is committed and nothing consumed until it is again.
    func checkServerIfDue(_ now: Int64) {
        guard now >= serverCheckAt else { return }
        // What was wrong is asked more often: counting goes on soon after it is right.
        serverCheckAt = now + (isUnfit ? Self.checkInterval / 5 : Self.checkInterval)
        do throws(LedgerError) {
            if let committer, committer.inFlight == 0 {
                judge(try committer.serverHealth(), now)
            } else {
                // The commits' answers tell what concerns them; this look may wait for its own.
                if watcher == nil || watcher?.isAlive == false { watcher = try openWatcher() }
                if let health = try watcher?.serverHealth() { judge(health, now) }
            }
        } catch {
            watcher = nil
            // One that was looked at before is away or busy: commits fail as well, and their trouble says so.
            if !isLookedAt || error.leavesServer {
                let one = isLookedAt ? LaneTrouble.noMaster : .redis
                leaveServer(now, one, "Redis does not answer: \(error.message)")
            }
        }
    }

    private func judge(_ health: ServerHealth, _ now: Int64) {
        unchecked = health.unchecked
        if let problem = evictionProblem(health) { fail(PipelineError(.unfitServer, problem)) }
        if health.isReplica {
            return leaveServer(
                now, .noMaster,
                "\(health.product) at \(configuration.redis) is a replica and takes no commits: the name is "
                    + "resolved again until it leads to a master")
        }
        isLookedAt = true
        passed(.redis, "Redis answers again")
        passed(.noMaster, "Redis is a master that works again")
        var problems = health.problems
        if let ahead = clockProblem(health.clock, now) { problems.append(ahead) }
        guard problems.isEmpty else {
            return stopCommitting(problems.joined(separator: "; "))
        }
        isUnfit = false
        committer?.limitClock(to: latestClock)
        passed(.unfit, "Redis is fit again")
    }

    /// What the ledger's note says; and what is remembered here, for the ledger may be among the keys that went.
    private func evictionProblem(_ health: ServerHealth) -> String? {
        defer { evictions = health.evictions ?? evictions }
        if let problem = health.evictionProblem { return problem }
        let lost = health.evictions?.lost(since: evictions) ?? 0
        return lost > 0 ? health.evictionText(lost) : nil
    }

    /// Commits nothing and consumes nothing until a look at the server finds it fit.
    func stopCommitting(_ reason: String) {
        isUnfit = true
        trouble(
            .unfit, "Redis is not fit for exact numbers: \(reason). Nothing is committed")
        hold("a Redis that is fit")
    }

    // MARK: Its clock

    /// The latest time, in milliseconds since 1970, that Redis' clock may show when a commit runs.
    var latestClock: Int64 {
        clockBound.latest(now: now, wallMilliseconds: world.wallMilliseconds)
    }

    /// Why Redis' clock must not expire keys, or nil.
    private func clockProblem(_ clock: Int64?, _ now: Int64) -> String? {
        guard let clock else { return nil }
        let own = world.wallMilliseconds
        guard clock > own + ClockBound.tolerance else {
            // Should our clock be put back later, Redis' is known to be right.
            clockBound.vouch(for: clock, now: now)
            return nil
        }
        guard clock > latestClock else { return nil }
        // Our own clock may be the one that is wrong: records of that time are a witness.
        if hasRecords(since: clock - ClockBound.tolerance) {
            clockBound.vouch(for: clock, now: now)
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

    /// Whether the topics hold a record with a timestamp from this time on; false where Kafka does not answer.
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

    // MARK: Leaving it

    /// Closes the connections, so that the next try resolves the name again; what is in flight keeps its tally.
    func leaveServer(_ now: Int64, _ one: LaneTrouble, _ reason: String) {
        while committer?.receive() != nil {}
        committer = nil
        watcher = nil
        mustLeave = nil
        reconnectAt = now + 500
        needsReconcile = core != nil
        trouble(one, reason)
        hold("Redis")
    }
}

/// How late Redis' clock may be when it expires keys by it.
struct ClockBound {
    /// By how much it may be ahead of our clock, or of one that records vouched for.
    static let tolerance: Int64 = 60_000
    /// A time of Redis that was known to be right, and when that was on the steady clock.
    private var vouched: (clock: Int64, at: Int64)?

    /// This time of Redis is right: our clock or records said so.
    mutating func vouch(for clock: Int64, now: Int64) { vouched = (clock, now) }

    /// The latest time, in milliseconds since 1970, at a moment of the steady clock and of our wall clock.
    func latest(now: Int64, wallMilliseconds: Int64) -> Int64 {
        let known = vouched.map { $0.clock + now - $0.at } ?? wallMilliseconds
        return max(wallMilliseconds, known) + Self.tolerance
    }
}

/// What Redis says of itself, as far as it concerns a lane.
package struct ServerHealth {
    /// Why numbers would be wrong; empty = it is fit.
    var problems: [String] = []
    /// Why nobody may count on, because keys were thrown away; nil = none were.
    var evictionProblem: String?
    /// Keys that it threw away, and in which run; nil = it does not say.
    var evictions: EvictionNote?
    var evictionText: (Int64) -> String = { "Redis has thrown away \($0) keys" }
    /// Whether it is a replica.
    var isReplica = false
    /// Its clock, in milliseconds since 1970; nil = it does not say.
    var clock: Int64?
    /// Name and version.
    var product = "Redis"
    /// What could not be checked.
    var unchecked: [String] = []
}

extension ServerHealth {
    /// What a check found.
    init(_ check: ServerCheck) {
        self.init(
            problems: check.problems, evictionProblem: check.evictionProblem,
            evictions: check.evictions, evictionText: check.evictionText,
            isReplica: check.isReplica ?? false, clock: check.clock, product: check.product,
            unchecked: check.unchecked)
    }
}
