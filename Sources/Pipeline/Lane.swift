internal import Kafka
internal import Ledger
internal import Metering
internal import Synchronization

/// One thread that owns a consumer, tallies and a Redis connection, and takes records to cells.
///
/// Everything but `isStopping`, `published`, `publishedAt` and `failure` belongs to that thread; the rebalance
/// handler runs on it too, inside `nextBatch` and `close`.
final class Lane: @unchecked Sendable {
    /// What the lane does with records that arrive.
    enum Mode: Equatable {
        /// No partition is ours.
        case idle
        /// Partitions were given to us; their marks are not known yet.
        case pending
        /// Records are folded.
        case folding
        /// Partitions are paused and what arrives is dropped, until Redis takes commits again.
        case holding
    }

    static let batchSize = 2_000
    static let checkInterval: Int64 = 5_000
    /// An error of Kafka's client has passed when none came for so long: it tells the same ones again and again.
    static let quietAfter: Int64 = 60_000

    let number: Int
    let configuration: PipelineConfiguration
    let world: any LaneWorld
    let consumer: any LaneConsumer
    let probe: any LaneProbe
    let deadLetters: any LaneDeadLetters
    let isStopping = Atomic<Bool>(false)
    let published = Mutex(PipelineMetrics())
    /// When it published last, in milliseconds of the steady clock; `Int64.max` = never yet.
    let publishedAt = Atomic(Int64.max)
    let failure = Mutex<PipelineError?>(nil)
    private let reporter: @Sendable (PipelineEvent) -> Void

    var mode = Mode.idle
    var hasJoined = false
    var pending: [TopicPartition] = []
    var core: LaneCore?
    var committer: (any LaneLedger)?
    /// Looks at the marks beside the commits, so that neither waits for the other.
    var watcher: (any LaneWatcher)?
    var arguments = CommitArguments()
    /// Contract and dedupe key of the ledger as it was opened last.
    var stamp: [UInt8] = []
    var dedupeKey: (UInt64, UInt64) = (0, 0)
    /// By partition slot of the core.
    var taken: [TakenPartition] = []
    var stopped: [(partition: LogPartition, reason: String)] = []
    /// The look at the log that commits wait for.
    var comparison = LogComparison()
    /// How long looks took lately, in milliseconds.
    var lookDuration: Int64 = 0
    /// Partitions whose log was found not to be the one that was counted, since they were given to us.
    var otherLogs: [LogPartition: LogDifference] = [:]
    /// A partition of the batch at hand that is found to be one of them.
    var refusedSlot: (slot: Int, difference: LogDifference)?
    /// Offsets that Kafka no longer holds and some shard has not counted, and where its log begins.
    var gone: [LogPartition: (count: Int64, low: Int64)] = [:]
    let records = UnsafeMutablePointer<FoldRecord>.allocate(capacity: batchSize)
    let sources = UnsafeMutablePointer<Int32>.allocate(capacity: batchSize)
    let attributes = UnsafeMutablePointer<BinaryAttributes>.allocate(capacity: batchSize)

    /// When the last record came, in milliseconds of the steady clock.
    private var arrivedAt: Int64 = 0
    var reconnectAt: Int64 = 0
    var needsReconcile = false
    /// When the marks are looked at next, though nothing seems wrong.
    var reconcileAt: Int64 = 0
    /// Not before this is anything tried again that Redis or Kafka did not take.
    var retryAt: Int64 = 0
    var hintAt: Int64 = 0
    /// When it is looked at next whether Redis still is fit.
    var serverCheckAt: Int64 = 0
    /// Whether the server behind the connection was looked at: nothing is written to it before.
    var isLookedAt = false
    /// Why the connections are closed next: the server says that it is no master; nil = they are not.
    var mustLeave: String?
    /// Redis would lose or refuse cells: nothing is committed.
    var isUnfit = false
    /// Keys that Redis had thrown away at the look before.
    var evictions: EvictionNote?
    /// How late Redis' clock may be.
    var clockBound = ClockBound()
    /// What could not be checked of the server.
    var unchecked: [String] = []
    var publishAt: Int64 = 0
    /// When a meter's overflow is told again, in milliseconds of the steady clock.
    var overflowReportedAt: [String: Int64] = [:]
    /// Which shard is committed when.
    var schedule: CommitSchedule
    /// Whether the lane is far behind the log's end, in records and in time.
    var isCatchingUp = false
    var totals = PipelineMetrics()
    /// Troubles that were told, and what is remembered of those that have passed.
    var recurrences: [LaneTrouble: Recurrence] = [:]
    /// When a rejected record of each cause was told last.
    var rejectionsTold: [RejectionCause: Int64] = [:]
    /// Marks and log ends of what stands still.
    var standingMarks = StandingMarks()
    /// What became of the group's offset commits until the look before, and looks in a row that
    /// found refusals only.
    var hintsBefore = HintCounts()
    var refusedHints = 0
    /// What cells of the shards have refused.
    var parked = Parked()
    /// Dead letters that were given up when that was told last, and when it may be told again.
    var toldGivenUp: (count: Int64, nextAt: Int64) = (0, 0)
    /// When dead letters that the marks have passed are forgotten next.
    var forgetLettersAt: Int64 = 0
    /// When Kafka's client told an error last.
    var kafkaErrorAt: Int64 = 0

    /// What a lane keeps of a partition beside its cursor.
    struct TakenPartition {
        var topicPartition: TopicPartition
        var origin: Int64
        /// Fingerprints to be checked, by offset, in rising order.
        var checks: [Fingerprint]
        /// A record that was counted from this log; nil = none yet.
        var witness: Fingerprint?
        /// What the witness becomes with the next look that passes; nil = what is the newest when that begins.
        var nextWitness: Fingerprint?
        /// Fields of `topicID` and partition for the look-up of its slot.
        var topicID: Int32
        var span = DedupeSpan()
    }

    init(
        number: Int, configuration: PipelineConfiguration, world: any LaneWorld,
        report: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.number = number
        self.configuration = configuration
        self.world = world
        consumer = world.consumer
        probe = world.probe
        deadLetters = world.deadLetters
        reporter = report
        schedule = CommitSchedule(
            interval: configuration.commitIntervalMilliseconds,
            shardCount: configuration.layout.shardCount)
        consumer.setRebalanceHandler { [unowned self] event in self.rebalance(event) }
    }

    deinit {
        records.deallocate()
        sources.deallocate()
        attributes.deallocate()
    }

    /// Milliseconds that never go back.
    var now: Int64 { world.milliseconds }

    // MARK: The thread

    /// Runs until `isStopping` or a failure; then commits what is folded and leaves the group.
    func run() {
        do throws(KafkaError) {
            try consumer.subscribe(configuration.topics)
            while !isStopping.load(ordering: .relaxed), failure.withLock({ $0 == nil }) { turn() }
        } catch { fail(PipelineError(.kafka, error.message)) }
        end()
    }

    /// Commits what is folded and leaves the group.
    func end() {
        finalCommit(deadline: now + 10_000)
        dropCore()
        _ = try? consumer.close(timeoutMilliseconds: 5_000)
        committer = nil
        watcher = nil
        publish(now, force: true)
    }

    /// How long a turn waits for records; the client waits that long also where some are there but not a whole batch.
    private var patience: Int32 {
        let now = self.now
        let isWaiting = core?.hasInFlight ?? false
        if comparison.isAsked { return 1 }
        let longest =
            isWaiting ? 2 * CommitSchedule.outcomePause : now - arrivedAt < 2_000 ? 50 : 200
        return Int32(min(longest, max(1, schedule.nextAt - now)))
    }

    /// One round: what the log has, what the ledger says.
    func turn() {
        consumer.poll(maximum: Self.batchSize, timeoutMilliseconds: patience) {
            records, events in
            if !records.isEmpty { arrivedAt = now }
            if mode == .folding { take(records) }
            for event in events { handle(event) }
        }
        schedule.forgetNext()
        serveRedis()
        publish(now, force: false)
    }

    private func handle(_ event: ConsumerEvent) {
        switch event {
        case .endOfPartition(let partition, let offset):
            // The end of a partition that was stopped in this very batch would pass over its records.
            guard mode == .folding, let slot = slot(of: partition), !isStopped(slot) else { return }
            core?.skip(slot: slot, to: offset)
        case .partitionError(let partition, let error):
            if error.code.dropsRecords {
                guard mode == .folding, let slot = slot(of: partition) else { return }
                stopPartition(
                    slot: slot,
                    reason:
                        "records at offset \(core?.position(slot: slot) ?? 0) or behind it cannot "
                        + "be read: \(error.message)")
            } else if error.code == .autoOffsetReset || error.code == .offsetOutOfRange {
                establishAgain("offsets of \(partition) are no longer in the log")
            } else {
                trouble(.kafka, "\(partition): \(error.message)")
            }
        case .error(let error):
            if error.isFatal { fail(PipelineError(.kafka, error.message)) }
            trouble(.kafka, error.message)
        }
    }

    func isStopped(_ slot: Int) -> Bool {
        stopped.contains { $0.partition == core?.partitions[slot] }
    }

    func slot(of partition: TopicPartition) -> Int? {
        taken.firstIndex { $0.topicPartition == partition }
    }

    // MARK: Rebalance

    private func rebalance(_ event: RebalanceEvent) {
        hasJoined = true
        switch event {
        case .assigned(let partitions):
            // What is held of an assignment that was never revoked does not fit the new one.
            if core != nil { dropCore() }
            endPartitionTroubles()
            otherLogs = [:]
            pending = partitions
            mode = partitions.isEmpty ? .idle : .pending
            report(
                .information, "assigned",
                "lane \(number) has \(partitions.count) partitions")
        case .revoked(_, let isLost):
            if !isLost, mode == .folding || mode == .holding {
                finalCommit(deadline: now + 5_000)
            }
            dropCore()
            pending = []
            mode = .idle
            endPartitionTroubles()
            report(
                .information, "revoked",
                "lane \(number) gave up its partitions\(isLost ? ", which were lost" : "")")
        }
    }

    /// Gives up all tallies; what was not committed is read again by whoever has the partitions next.
    func dropCore() {
        if let counters = core?.program.counters { totals.add(counters) }
        core = nil
        taken = []
        stopped = []
        gone = [:]
        standingMarks.forget()
        comparison = LogComparison()
        deadLetters.abandon()
    }

    /// Drops everything and begins again from the marks.
    func establishAgain(_ reason: String) {
        guard mode == .folding || mode == .holding else { return }
        trouble(.reestablish, reason)
        // A partition that was stopped while it was read stands in both.
        pending = Set(
            taken.map(\.topicPartition)
                + stopped.map {
                    TopicPartition(topic: $0.partition.topic, partition: $0.partition.partition)
                }
        ).sorted()
        dropCore()
        mode = .pending
        do throws(KafkaError) { try consumer.unassign() } catch {
            trouble(.kafka, error.message)
        }
        needsReconcile = false
    }

    // MARK: Reporting

    /// Reports what happened; the same text again is worth a line once a minute only.
    func report(_ level: PipelineEvent.Level, _ name: String, _ message: String) {
        report(
            PipelineEvent(
                level: level, name: name, message: message,
                subject: level == .information ? nil : message))
    }

    func report(_ event: PipelineEvent) { reporter(event) }

    func fail(_ error: PipelineError) {
        let isFirst = failure.withLock { standing -> Bool in
            guard standing == nil else { return false }
            standing = error
            return true
        }
        if isFirst { report(.error, "stopped", error.message) }
    }
}
