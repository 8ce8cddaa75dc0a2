public import Ledger
public import Metering

extension PipelineMetrics {
    /// Partitions and shards that are not counted although every lane works, one sentence each.
    ///
    /// No sentence names a key of Redis.
    public var partitionAndShardTroubles: [String] {
        partitions.compactMap(\.trouble)
            + shardsAside.map { "shard \($0.shard) is set aside: odometer status says why" }
            + shardsMoving.filter { $0.milliseconds >= Self.longMove }.map {
                "shard \($0.shard) has waited \($0.milliseconds / 1_000) s for its node: "
                    + $0.reason
            }
    }

    /// So long a shard may wait for its node before the process says that it is not ready.
    static let longMove: Int64 = 10_000

    /// How many shards wait for their nodes, for each reason, in the order of the reasons.
    public var movingByReason: [(reason: String, count: Int)] {
        Moving.Reason.allCases.map { reason in
            // Each lane lets a shard wait for itself.
            (
                reason.rawValue,
                Set(shardsMoving.filter { $0.reason == reason.rawValue }.map(\.shard)).count
            )
        }
    }

    /// Shards that are torn because parts of them are on several nodes or lost.
    public var shardsSplit: Int {
        let split = shardsAside.filter { $0.reason.hasPrefix("torn: \(ShardGuard.split)") }
        return Set(split.map(\.shard)).count
    }
}

/// Numbers of the running machine, as a copy that may be kept.
public struct PipelineMetrics: Sendable {
    /// Number of records by the name of their outcome.
    public var outcomes: [(name: String, count: Int64)] = []
    /// Records that came again below the position and were dropped.
    public var stale: Int64 = 0
    /// Records read again to fill the dedupe window or for another shard.
    public var reread: Int64 = 0
    /// Records with a list of events that were counted.
    public var lists: Int64 = 0
    /// Their events, without the first of each.
    public var furtherEvents: Int64 = 0
    /// Of these records, those whose list is empty.
    public var emptyLists: Int64 = 0
    /// Windows that were not written because they had expired.
    public var expiredWindows: Int64 = 0
    /// Accepted events without a time of their own.
    public var untimed: Int64 = 0
    /// Local times that clocks show twice or not at all.
    public var clockChanges = ClockChanges()
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
    /// Seconds that commit scripts took in Redis, if Redis tells.
    public var scriptSeconds = BoundedHistogram(
        bounds: [0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.025])
    /// Changes of cells that were counted as `__other__`, by meter.
    public var overflows: [String: Int64] = [:]
    /// Cells changed in Redis.
    public var cells: Int64 = 0
    /// Events in the commits.
    public var committedEvents: Int64 = 0
    /// Seconds from a record's timestamp to its commit, for the oldest record of each commit.
    public var freshness = BoundedHistogram(
        bounds: [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 60, 600])
    /// Steps back, after marks went back or another writer moved them.
    public var stepsBack: Int64 = 0
    /// Looks at the log, which commits wait for.
    public var comparisons: Int64 = 0
    /// Dead letters that Kafka has acknowledged.
    public var deadLetters: Int64 = 0
    /// Dead letters given up: the topic refused even their shortest form.
    public var deadLettersGivenUp: Int64 = 0
    /// Shards set aside, by number, with the reason.
    public var shardsAside: [(shard: Int, reason: String)] = []
    /// Shards that wait for their nodes, in a cluster: by number, with the reason and for how long.
    public var shardsMoving: [(shard: Int, reason: String, milliseconds: Int64)] = []
    /// How often a shard was committed on another node than before, in a cluster.
    public var shardMoves: Int64 = 0
    /// Changes that were parked because their cells refused them.
    public var parkedEntries: Int64 = 0
    /// Members of the parked hash, by shard; only shards that have some.
    public var parked: [Int: Int] = [:]
    /// Offsets counted as lost, by partition.
    public var lost: [LogPartition: Int64] = [:]
    /// How often a partition was read without all the records that fill its dedupe window.
    public var shortWarmUps: Int64 = 0
    /// Partitions that the lanes have.
    public var partitions: [PartitionMetrics] = []
    /// Lanes whose Redis connection works.
    public var connectedLanes = 0
    /// Lanes that have joined the group.
    public var joinedLanes = 0
    /// The troubles that keep lanes from counting now, one sentence each.
    public var blockingTroubles: [String] = []
    /// How many lanes have each trouble, by its name in the log, in the order of cause and effect.
    public var troubles: [(name: String, lanes: Int)] = []
    /// Events that no meter counts, by type.
    public var ignoredTypes = IgnoredTypeCounts()
    /// What could not be checked of the Redis server, each once.
    public var unchecked: [String] = []
    /// The meters and organizations that hold most memory, by a sample of the ledger's keys.
    public var memory = MemoryShares()
    /// Bytes of the dedupe windows.
    public var seenWindowBytes: Int64 = 0
    /// Bytes of all tallies.
    public var tallyBytes: Int64 = 0
    /// Events per cell written: how much folding saves Redis.
    public var mergeFactor: Double { cells == 0 ? 0 : Double(committedEvents) / Double(cells) }

    mutating func add(_ counters: FoldCounters) {
        if outcomes.isEmpty { outcomes = Outcome.allCases.map { (name: $0.name, count: 0) } }
        for index in outcomes.indices { outcomes[index].count += counters.outcomes[index] }
        stale += counters.stale
        reread += counters.reread
        lists += counters.lists
        furtherEvents += counters.furtherEvents
        emptyLists += counters.emptyLists
        expiredWindows += counters.expiredWindows
        untimed += counters.untimed
        clockChanges.add(counters.clockChanges)
        unkeyed += counters.unkeyed
        ignoredTypes.add(counters.ignoredTypes)
        lateness.add(
            BoundedHistogram(
                bounds: lateness.bounds, counts: counters.lateness, sum: counters.latenessSumSeconds
            ))
    }

    mutating func add(_ other: PipelineMetrics) {
        if outcomes.isEmpty { outcomes = Outcome.allCases.map { (name: $0.name, count: 0) } }
        for (index, outcome) in other.outcomes.enumerated() {
            outcomes[index].count += outcome.count
        }
        stale += other.stale
        reread += other.reread
        lists += other.lists
        furtherEvents += other.furtherEvents
        emptyLists += other.emptyLists
        expiredWindows += other.expiredWindows
        untimed += other.untimed
        clockChanges.add(other.clockChanges)
        unkeyed += other.unkeyed
        // Each lane bounds its own types. A bound on the sum could drop a type, and its number
        // would fall, which a counter must not.
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
        shardsMoving += other.shardsMoving
        shardMoves += other.shardMoves
        parkedEntries += other.parkedEntries
        // Each number is of the whole shard, whichever lane reports it.
        parked.merge(other.parked) { max($0, $1) }
        lost.merge(other.lost) { $0 + $1 }
        shortWarmUps += other.shortWarmUps
        partitions += other.partitions
        connectedLanes += other.connectedLanes
        joinedLanes += other.joinedLanes
        blockingTroubles += other.blockingTroubles
        if troubles.isEmpty { troubles = LaneTrouble.allCases.map { ($0.rawValue, 0) } }
        for (index, trouble) in other.troubles.enumerated() {
            troubles[index].lanes += trouble.lanes
        }
        unchecked += other.unchecked.filter { !unchecked.contains($0) }
        seenWindowBytes += other.seenWindowBytes
        tallyBytes += other.tallyBytes
    }
}
