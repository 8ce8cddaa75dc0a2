internal import Kafka
internal import Ledger
internal import Metering
internal import Synchronization

/// One thread that owns a consumer, tallies and a Redis connection, and takes records to cells.
///
/// It has three lifetimes. What is here lives as long as the process; a `LedgerLink` as long as one
/// connection to Redis; an `Assignment` from the moment when partitions are taken up until they are
/// given back, or begun again from their marks. The latter two are dropped as a whole.
///
/// Everything but `isStopping`, `published`, `publishedAt` and `failure` belongs to that thread; the
/// rebalance handler runs on it too, inside `nextBatch` and `close`.
final class Lane: @unchecked Sendable {
    /// What the lane does with the group's partitions.
    enum Stage {
        /// No partition is ours.
        case idle
        /// Partitions were given to us; their marks are not known yet.
        case pending(AssignmentFacts)
        /// They are taken up.
        case counting(Assignment)
    }

    static let batchSize = 2_000
    static let checkInterval: Int64 = 5_000
    /// An error of Kafka's client has passed when none came for so long: it tells the same ones
    /// again and again.
    static let quietAfter: Int64 = 60_000

    let number: Int
    let configuration: PipelineConfiguration
    let world: any LaneWorld
    let consumer: any LaneConsumer
    let probe: any LaneProbe
    let deadLetters: any LaneDeadLetters
    let isStopping = Atomic<Bool>(false)
    let published = Mutex(PipelineMetrics())
    /// When it published last, in milliseconds of the steady clock; `Int64.max`: never yet.
    let publishedAt = Atomic(Int64.max)
    let failure = Mutex<PipelineError?>(nil)
    private let reporter: @Sendable (PipelineEvent) -> Void

    // MARK: The other lifetimes

    var stage = Stage.idle
    /// The connection to Redis; nil while there is none.
    var link: LedgerLink?

    // MARK: Memory for one batch and one commit

    let records = UnsafeMutablePointer<FoldRecord>.allocate(capacity: batchSize)
    let sources = UnsafeMutablePointer<Int32>.allocate(capacity: batchSize)
    let attributes = UnsafeMutablePointer<BinaryAttributes>.allocate(capacity: batchSize)
    var arguments = CommitArguments()

    // MARK: When, in milliseconds of the steady clock

    /// When the last record came.
    private var arrivedAt: Int64 = 0
    /// Not before this is a connection to Redis tried.
    var connectAt: Int64 = 0
    /// Not before this is anything tried again that Redis or Kafka did not take.
    var retryAt: Int64 = 0
    var publishAt: Int64 = 0
    /// When dead letters that the marks have passed are forgotten next.
    var forgetLettersAt: Int64 = 0
    /// When Kafka's client told an error last.
    var kafkaErrorAt: Int64 = 0
    /// Which shard is committed when.
    var schedule: CommitSchedule

    // MARK: What it knows

    var hasJoined = false
    var fitness = ServerFitness()
    var hints = HintWatch()
    /// Whether the lane is far behind the log's end, in records and in time.
    var isCatchingUp = false
    /// How long looks at the log took lately, in milliseconds.
    var lookDuration: Int64 = 0
    /// What cells of the shards have refused.
    var parked = Parked()

    // MARK: What it tells

    var totals = PipelineMetrics()
    /// Troubles that were told, and what is remembered of those that have passed.
    var recurrences: [LaneTrouble: Recurrence] = [:]
    var notices = Notices()

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
        assignment?.finalCommit(deadline: now + 10_000)
        dropPartitions()
        _ = try? consumer.close(timeoutMilliseconds: 5_000)
        link = nil
        publish(now, force: true)
    }

    /// How long a turn waits for records; the client waits that long also where some are there but
    /// not a whole batch.
    private var patience: Int32 {
        let now = self.now
        if let assignment, assignment.comparison.isAsked { return 1 }
        let isWaiting = assignment?.core.hasInFlight ?? false
        let longest =
            isWaiting ? 2 * CommitSchedule.outcomePause : now - arrivedAt < 2_000 ? 50 : 200
        return Int32(min(longest, max(1, schedule.nextAt - now)))
    }

    /// One round: what the log has, what the ledger says.
    func turn() {
        consumer.poll(maximum: Self.batchSize, timeoutMilliseconds: patience) {
            records, events in
            if !records.isEmpty { arrivedAt = now }
            folding?.take(records)
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
            guard let folding, let slot = folding.slot(of: partition), !folding.isStopped(slot)
            else { return }
            folding.core.skip(slot: slot, to: offset)
        case .partitionError(let partition, let error):
            if error.code.dropsRecords {
                guard let folding, let slot = folding.slot(of: partition) else { return }
                folding.stopPartition(
                    slot: slot,
                    reason:
                        "records at offset \(folding.core.position(slot: slot)) or behind it cannot "
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

    // MARK: Partitions

    /// The partitions that are taken up; nil while there are none, or their marks are not known.
    var assignment: Assignment? {
        guard case .counting(let assignment) = stage else { return nil }
        return assignment
    }

    /// The same, where their records are folded.
    private var folding: Assignment? {
        guard let assignment, !assignment.isOnHold else { return nil }
        return assignment
    }

    private func rebalance(_ event: RebalanceEvent) {
        hasJoined = true
        switch event {
        case .assigned(let partitions):
            // What is held of an assignment that was never revoked does not fit the new one.
            dropPartitions()
            endPartitionTroubles()
            if !partitions.isEmpty {
                let names = partitions.sorted().map {
                    LogPartition(topic: $0.topic, partition: $0.partition)
                }
                stage = .pending(AssignmentFacts(partitions: names))
            }
            report(
                .information, "assigned",
                "lane \(number) has \(partitions.count) partitions")
        case .revoked(_, let isLost):
            if !isLost { assignment?.finalCommit(deadline: now + 5_000) }
            dropPartitions()
            endPartitionTroubles()
            report(
                .information, "revoked",
                "lane \(number) gave up its partitions\(isLost ? ", which were lost" : "")")
        }
    }

    /// Gives up all partitions with their tallies; their next owner reads again what was not
    /// committed.
    private func dropPartitions() {
        if let assignment { totals.add(assignment.core.program.counters) }
        stage = .idle
        deadLetters.abandon()
    }

    /// Drops everything that was read of the partitions and begins again from the marks.
    func establishAgain(_ reason: String) {
        guard let assignment else { return }
        trouble(.reestablish, reason)
        dropPartitions()
        stage = .pending(assignment.facts.again)
        do throws(KafkaError) { try consumer.unassign() } catch {
            trouble(.kafka, error.message)
        }
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
        let isFirst = failure.withLock { first -> Bool in
            guard first == nil else { return false }
            first = error
            return true
        }
        if isFirst { report(.error, "stopped", error.message) }
    }
}
