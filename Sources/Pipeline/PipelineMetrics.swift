public import Ledger
public import Metering

extension PipelineMetrics {
    /// What stands still although every lane works, one sentence each; names no key of Redis.
    public var standstills: [String] {
        partitions.compactMap(\.standstill)
            + shardsAside.map { "shard \($0.shard) is set aside: odometer status says why" }
    }
}

/// Numbers of the running machine: a plain copy, safe to keep.
public struct PipelineMetrics: Sendable {
    /// Records by outcome's name.
    public var outcomes: [(name: String, count: Int64)] = []
    /// Records dropped because they were below the position.
    public var stale: Int64 = 0
    /// Records read again to warm up the window of ids or for another shard.
    public var reread: Int64 = 0
    /// Windows not written because they have expired.
    public var expiredWindows: Int64 = 0
    /// Accepted events without a time of their own.
    public var untimed: Int64 = 0
    /// Accepted events whose key is not their subject.
    public var unkeyed: Int64 = 0
    /// Seconds from event time to record timestamp.
    public var lateness = BoundedHistogram(
        bounds: FoldCounters.latenessBoundsSeconds.map(Double.init))
    /// Commits that changed Redis.
    public var commits: Int64 = 0
    /// Seconds from sending a commit to its answer.
    public var commitSeconds = BoundedHistogram(
        bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5])
    /// Seconds that commits' scripts took in Redis, where it tells.
    public var scriptSeconds = BoundedHistogram(
        bounds: [0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.025])
    /// Changes of cells that were counted as `__other__`, by meter.
    public var overflows: [String: Int64] = [:]
    /// Cells changed in Redis.
    public var cells: Int64 = 0
    /// Events in those commits.
    public var committedEvents: Int64 = 0
    /// Seconds from a record's timestamp to its commit, for the oldest record of each commit.
    public var freshness = BoundedHistogram(
        bounds: [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 60, 600])
    /// Steps back after a rollback or another writer.
    public var stepsBack: Int64 = 0
    /// Looks at the log, which commits wait for.
    public var comparisons: Int64 = 0
    /// Dead letters acknowledged.
    public var deadLetters: Int64 = 0
    /// Dead letters given up: the topic refused them in their shortest form.
    public var deadLettersGivenUp: Int64 = 0
    /// Shards set aside, by number, with the reason.
    public var shardsAside: [(shard: Int, reason: String)] = []
    /// Entries that were parked because their cells refused them.
    public var parkedEntries: Int64 = 0
    /// Fields of the parked hash, by shard; only shards that have some.
    public var parked: [Int: Int] = [:]
    /// Offsets counted as lost, by partition.
    public var lost: [LogPartition: Int64] = [:]
    /// Partitions whose dedupe window could not be warmed up in full, each time one was taken up.
    public var shortWarmUps: Int64 = 0
    /// Partitions held.
    public var partitions: [PartitionMetrics] = []
    /// Lanes whose Redis connection works.
    public var connectedLanes = 0
    /// Lanes that have joined the group.
    public var joinedLanes = 0
    /// Why lanes cannot count now, one sentence each.
    public var hindrances: [String] = []
    /// Lanes that have each trouble, by the word that the log has for it; in the order of cause and
    /// effect.
    public var troubles: [(name: String, lanes: Int)] = []
    /// Events that no meter takes, by type.
    public var ignoredTypes = TypeCounts()
    /// What of the Redis server could not be checked, each once.
    public var unchecked: [String] = []
    /// Which meters and organizations hold most memory, by a sample of the ledger's keys.
    public var memory = MemoryShares()
    /// Bytes of the windows of ids.
    public var seenWindowBytes: Int64 = 0
    /// Bytes of all tallies, folding and in flight.
    public var tallyBytes: Int64 = 0
    /// Events per cell written: how much folding saves Redis.
    public var mergeFactor: Double { cells == 0 ? 0 : Double(committedEvents) / Double(cells) }

    mutating func add(_ counters: FoldCounters) {
        if outcomes.isEmpty { outcomes = Outcome.allCases.map { (name: $0.name, count: 0) } }
        for index in outcomes.indices { outcomes[index].count += counters.outcomes[index] }
        stale += counters.stale
        reread += counters.reread
        expiredWindows += counters.expiredWindows
        untimed += counters.untimed
        unkeyed += counters.unkeyed
        ignoredTypes.add(counters.ignoredTypes)
        lateness.add(
            BoundedHistogram(
                bounds: lateness.bounds, counts: counters.lateness, sum: counters.latenessSumSeconds
            ))
    }

    mutating func add(_ other: PipelineMetrics) {
        if outcomes.isEmpty { outcomes = Outcome.allCases.map { (name: $0.name, count: 0) } }
        for (index, one) in other.outcomes.enumerated() { outcomes[index].count += one.count }
        stale += other.stale
        reread += other.reread
        expiredWindows += other.expiredWindows
        untimed += other.untimed
        unkeyed += other.unkeyed
        // Each lane's share is bounded; cutting their sum would let a type's number fall again.
        ignoredTypes.add(other.ignoredTypes, most: .max)
        lateness.add(other.lateness)
        commits += other.commits
        commitSeconds.add(other.commitSeconds)
        scriptSeconds.add(other.scriptSeconds)
        overflows.merge(other.overflows) { $0 + $1 }
        cells += other.cells
        committedEvents += other.committedEvents
        freshness.add(other.freshness)
        stepsBack += other.stepsBack
        comparisons += other.comparisons
        deadLetters += other.deadLetters
        deadLettersGivenUp += other.deadLettersGivenUp
        shardsAside += other.shardsAside
        parkedEntries += other.parkedEntries
        // Every lane sees all of a shard.
        parked.merge(other.parked) { max($0, $1) }
        lost.merge(other.lost) { $0 + $1 }
        shortWarmUps += other.shortWarmUps
        partitions += other.partitions
        connectedLanes += other.connectedLanes
        joinedLanes += other.joinedLanes
        hindrances += other.hindrances
        if troubles.isEmpty { troubles = LaneTrouble.allCases.map { ($0.rawValue, 0) } }
        for (index, one) in other.troubles.enumerated() { troubles[index].lanes += one.lanes }
        unchecked += other.unchecked.filter { !unchecked.contains($0) }
        seenWindowBytes += other.seenWindowBytes
        tallyBytes += other.tallyBytes
    }
}
