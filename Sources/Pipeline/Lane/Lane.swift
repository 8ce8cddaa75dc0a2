// A turn of a lane, which `turn()` repeats until the process ends, and who owns what:
//
//   1. poll       a batch of records and events from Kafka         Lane
//   2. fold       the records into the shards' tallies             Assignment, LaneCore
//   3. outcomes   of the commits that Redis has answered           LedgerLink, LaneCore
//   4. look       at the server, the log, the marks                LedgerLink, Assignment
//   5. commit     the tallies that are due                         Assignment, LedgerLink
//   6. publish    a copy of the numbers, ten times a second        Lane
//
// A Lane lives as long as the process. Its LedgerLink lives as long as one connection to Redis. Its
// Assignment lives from when partitions are taken up until they are given back, or are begun again
// from their marks. The latter two are dropped as a whole.

internal import Kafka
internal import Ledger
internal import Metering
internal import Synchronization

/// A thread with a consumer, tallies and a Redis connection, which turns records into cells.
///
/// Everything but `isStopping`, `published`, `publishedAt` and `finalError` belongs to that thread;
/// the rebalance handler runs on it too, inside `nextBatch` and `close`.
final class Lane: @unchecked Sendable {
    /// How far the lane is with the partitions that the group gave it.
    enum Stage {
        /// The group gave it none.
        case idle
        /// It has some, and their marks are not known yet.
        case pending(AssignmentFacts)
        /// They are taken up.
        case counting(Assignment)
    }

    static let batchSize = 2_000
    static let checkInterval: Milliseconds = 5_000
    /// The trouble `kafka` ends when Kafka's client has reported no error for so long: as long as
    /// an error lasts, the client repeats it every few seconds.
    static let quietAfter: Milliseconds = 60_000

    let number: Int
    let configuration: PipelineConfiguration
    let world: any LaneWorld
    let consumer: any LaneConsumer
    let probe: any LaneProbe
    let deadLetters: any LaneDeadLetters
    let isStopping = Atomic<Bool>(false)
    let published = Mutex(PipelineMetrics())
    /// When it published last, in milliseconds of the steady clock; `Int64.max`: not yet.
    let publishedAt = Atomic(Int64.max)
    /// What ended the lane for good; nil while it runs.
    let finalError = Mutex<PipelineError?>(nil)
    private let reporter: @Sendable (PipelineEvent) -> Void

    // MARK: The other lifetimes

    var stage = Stage.idle
    /// The connection to Redis; nil while there is none.
    var link: LedgerLink?

    // MARK: Memory for one batch and one commit

    let records = UnsafeMutablePointer<FoldRecord>.allocate(capacity: batchSize)
    let sources = UnsafeMutablePointer<Int32>.allocate(capacity: batchSize)
    let attributes = UnsafeMutablePointer<BinaryAttributes>.allocate(capacity: batchSize)
    /// The headers that the catalog asks for, and room for their values of each record.
    let headerNames: HeaderNames
    let headerValues: UnsafeMutablePointer<UnsafeRawBufferPointer?>
    var arguments = CommitArguments()

    // MARK: When, in milliseconds of the steady clock

    /// When the last record came.
    private var arrivedAt: Milliseconds = 0
    /// When a connection to Redis may be tried next.
    var connectAt: Milliseconds = 0
    /// When something that Redis or Kafka refused may be tried next.
    var retryAt: Milliseconds = 0
    var publishAt: Milliseconds = 0
    /// When the dead letters that are no longer needed are forgotten next.
    var forgetLettersAt: Milliseconds = 0
    /// When Kafka's client reported an error last.
    var kafkaErrorAt: Milliseconds = 0
    /// Decides which shard is committed next, and when.
    var schedule: CommitSchedule

    // MARK: What it knows

    /// Whether the group has given it partitions, or none, at least once.
    var hasJoined = false
    var fitness = ServerFitness()
    var hints = HintWatch()
    /// Whether the lane is far behind the end of the log, in records and in time.
    var isCatchingUp = false
    /// How long the latest looks at the log took, a moving mean.
    var lookDuration: Milliseconds = 0
    /// What cells of the shards have refused.
    var parked = Parked()
    /// Number of the latest look at the nodes, where each shard has one of its own.
    var lookNumber = 0

    // MARK: What it reports

    var totals = PipelineMetrics()
    /// Troubles that were reported, and what is remembered of those that have ended.
    var recurrences: [LaneTrouble: Recurrence] = [:]
    var notices = Notices()

    init(
        number: Int, configuration: PipelineConfiguration, world: any LaneWorld,
        report: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.number = number
        self.configuration = configuration
        headerNames = HeaderNames(configuration.catalog)
        headerValues = .allocate(capacity: max(1, Self.batchSize * headerNames.count))
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
        headerValues.deallocate()
    }

    /// Milliseconds that never go back.
    var now: Milliseconds { world.milliseconds }

    // MARK: The thread

    /// Runs until `isStopping` or an error that ends the lane; then commits what is folded and
    /// leaves the group.
    func run() {
        do throws(KafkaError) {
            try consumer.subscribe(configuration.topics)
            while !isStopping.load(ordering: .relaxed), finalError.withLock({ $0 == nil }) {
                turn()
            }
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

    /// How long a turn waits for records.
    ///
    /// The client waits the whole time unless a batch is full, also when some records are there.
    private var pollMilliseconds: Int32 {
        let now = self.now
        if let assignment, assignment.comparison.isAsked { return 1 }
        let isWaiting = assignment?.core.hasInFlight ?? false
        let longest =
            isWaiting ? 2 * CommitSchedule.outcomePause : now - arrivedAt < 2_000 ? 50 : 200
        return Int32(min(longest, max(1, schedule.nextAt - now)))
    }

    /// One round, as the picture at the head of this file shows it.
    func turn() {
        consumer.poll(maximum: Self.batchSize, timeoutMilliseconds: pollMilliseconds) {
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
            // If this very batch stopped the partition, or lets it wait, skipping to its end would
            // lose its records.
            guard let folding, let slot = folding.slot(of: partition), !folding.isStopped(slot),
                folding.schemaWaits[slot] == nil
            else { return }
            folding.core.skip(slot: slot, to: offset)
        case .partitionError(let partition, let error):
            if error.code.dropsRecords {
                guard let folding, let slot = folding.slot(of: partition) else { return }
                folding.stopPartition(
                    slot: slot,
                    reason:
                        "records from offset \(folding.core.position(slot: slot)) on cannot "
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

    /// The partitions that are taken up; nil while there are none or their marks are not known.
    var assignment: Assignment? {
        guard case .counting(let assignment) = stage else { return nil }
        return assignment
    }

    /// The same; nil also while it is on hold and folds nothing.
    private var folding: Assignment? {
        guard let assignment, !assignment.isOnHold else { return nil }
        return assignment
    }

    private func rebalance(_ event: RebalanceEvent) {
        hasJoined = true
        switch event {
        case .assigned(let partitions):
            // An assignment that was never revoked is replaced by the new one.
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

    /// Gives up all partitions with their tallies.
    ///
    /// Their next owner reads again what was not committed.
    private func dropPartitions() {
        if let assignment { totals.add(assignment.core.program.counters) }
        stage = .idle
        deadLetters.abandon()
    }

    /// Drops everything that was read from the partitions and begins again from their marks.
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

    /// Reports what happened; a warning or error with the same text is logged once a minute only.
    func report(_ level: PipelineEvent.Level, _ name: String, _ message: String) {
        report(
            PipelineEvent(
                level: level, name: name, message: message,
                subject: level == .information ? nil : message))
    }

    func report(_ event: PipelineEvent) { reporter(event) }

    /// Ends the lane for good; only the first error is kept and reported.
    func fail(_ error: PipelineError) {
        let isFirst = finalError.withLock { first -> Bool in
            guard first == nil else { return false }
            first = error
            return true
        }
        if isFirst { report(.error, "stopped", error.message) }
    }
}
