package import Kafka
internal import Ledger
internal import Redis
internal import Synchronization

/// Starts lanes and the directory's mirror, watches them, and stops them in order.
///
/// Thread-safe. `start` and `stop` once each.
public final class Supervisor: Sendable {
    private let configuration: PipelineConfiguration
    private let surround: @Sendable (any LaneWorld) -> any LaneWorld
    private let askCluster: @Sendable (borrowing Consumer) -> String?
    private let report: @Sendable (PipelineEvent) -> Void
    private let state: Mutex<State>

    private struct State {
        var lanes: [Lane] = []
        var threads: [WorkerThread] = []
        var mirror: DirectoryMirror?
        var memoryWatch: MemoryWatch?
        /// Waits at the start for a Redis or Kafka that does not answer.
        var opener: WorkerThread?
        var isStopping = false
        /// What the start waits for, as a sentence; nil when it does not wait.
        var waitsFor: String?
        /// The server that the last report of waiting named, `kafka` or `redis`.
        var waitsForServer: String?
        /// What ended the start for good; nil when nothing did.
        var finalError: PipelineError?
    }

    /// A supervisor of this configuration; `onEvent` is called on several threads.
    public convenience init(
        _ configuration: PipelineConfiguration, onEvent: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.init(configuration, surround: { $0 }, onEvent: onEvent)
    }

    /// A supervisor whose lanes get another world, for a benchmark that commits in another way.
    ///
    /// - Parameters:
    ///   - surround: makes a lane's world from the real one.
    ///   - askCluster: asks Kafka for the cluster's id; nil when no broker tells it in time.
    ///   - onEvent: takes each event, on the thread where it happens.
    package init(
        _ configuration: PipelineConfiguration,
        surround: @escaping @Sendable (any LaneWorld) -> any LaneWorld,
        askCluster: @escaping @Sendable (borrowing Consumer) -> String? = {
            $0.clusterID(timeoutMilliseconds: 10_000)
        },
        onEvent: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.configuration = configuration
        self.surround = surround
        self.askCluster = askCluster
        report = onEvent
        state = Mutex(State())
    }

    /// Opens the ledger and starts all threads; throws, before any of them runs, when that cannot
    /// work.
    ///
    /// When Redis does not answer or Kafka does not tell the cluster's id, a thread waits for them,
    /// and `trouble` says so until they do.
    public func start() throws(PipelineError) {
        try configuration.validate()
        var start = Start(cluster: try checkKafka())
        do throws(PipelineError) {
            try advance(&start)
        } catch {
            guard error.isPassing else { throw error }
            wait(start, error)
        }
    }

    /// How far a start has got.
    private struct Start: Sendable {
        /// Id of the cluster; nil while Kafka has not told it.
        var cluster: String?
        var keeper: LedgerKeeper?
    }

    /// Goes on with a start; throws an error with `isPassing` when something has to be waited for.
    private func advance(_ start: inout Start) throws(PipelineError) {
        if start.cluster == nil { start.cluster = try askForCluster() }
        guard let cluster = start.cluster else {
            // Without it a new ledger would belong to no cluster.
            throw PipelineError(.kafka, "Kafka does not say the cluster's id", isPassing: true)
        }
        if let keeper = start.keeper { return try open(keeper) }
        let keeper = try LedgerKeeper(configuration: configuration, cluster: cluster)
        start.keeper = keeper
        try open(keeper)
    }

    /// Opens the ledger and starts lanes and mirror, unless `stop` was called in the meantime.
    private func open(_ keeper: LedgerKeeper) throws(PipelineError) {
        var connection: Connection
        do throws(RedisError) { connection = try Connection(configuration.redis) } catch {
            throw PipelineError(LedgerError(error))
        }
        let opened = try keeper.open(&connection)
        tell(of: opened)
        // Everything that begins here uses the ledger's number of shards.
        var own = configuration
        own.layout = opened.layout
        var lanes: [Lane] = []
        do throws(KafkaError) {
            for number in 0..<own.lanes {
                let world = try BatchScheduling.inherited { () throws(KafkaError) in
                    try ServerWorld(configuration: own, keeper: keeper, lane: number)
                }
                lanes.append(
                    Lane(
                        number: number, configuration: own, world: surround(world),
                        report: report))
            }
        } catch { throw PipelineError(.kafka, error.message) }
        let mirror = own.directoryTopic.map {
            DirectoryMirror(configuration: own, topic: $0, report: report)
        }
        let started = lanes
        let refusal = state.withLock { state -> ThreadRefusal? in
            state.waitsFor = nil
            guard !state.isStopping else { return nil }
            state.lanes = started
            state.mirror = mirror
            let watch = MemoryWatch(own)
            state.memoryWatch = watch
            do throws(ThreadRefusal) {
                for lane in started {
                    let thread = try WorkerThread {
                        BatchScheduling.adopt()
                        lane.run()
                    }
                    state.threads.append(thread)
                }
                if let mirror { state.threads.append(try WorkerThread { mirror.run() }) }
                state.threads.append(try WorkerThread { watch.run() })
                return nil
            } catch { return error }
        }
        if let refusal { throw PipelineError(.internal, refusal.message) }
    }

    /// Reports the server's name and version, and what could not be checked of it.
    private func tell(of opened: LedgerKeeper.Opened) {
        report(
            PipelineEvent(
                level: .information, name: "server",
                message: "\(opened.product) at \(configuration.redis)"))
        guard !opened.unchecked.isEmpty else { return }
        report(
            PipelineEvent(
                level: .warning, name: "unchecked",
                message: "the Redis user may not ask, so nobody looks at it: "
                    + opened.unchecked.joined(separator: ", ")))
    }

    /// Tries again, on a thread of its own, until Redis and Kafka answer, an error does not pass,
    /// or `stop` is called.
    private func wait(_ start: Start, _ error: PipelineError) {
        tellWait(error)
        state.withLock { state in
            do throws(ThreadRefusal) {
                state.opener = try WorkerThread { [self] in keepTrying(start) }
            } catch { state.finalError = PipelineError(.internal, error.message) }
        }
    }

    private func keepTrying(_ start: Start) {
        var start = start
        while !state.withLock({ $0.isStopping }) {
            pause(milliseconds: 500)
            do throws(PipelineError) {
                try advance(&start)
                return report(
                    PipelineEvent(
                        level: .information, name: "redis", message: "Redis answers: counting"))
            } catch {
                if error.isPassing {
                    tellWait(error)
                    continue
                }
                state.withLock { $0.finalError = error }
                return
            }
        }
    }

    /// Notes what the start waits for, and reports it once for each server.
    private func tellWait(_ error: PipelineError) {
        let name = error.code == .kafka ? "kafka" : "redis"
        let message = "waiting for \(name == "kafka" ? "Kafka" : "Redis"): \(error.message)"
        let isNew = state.withLock { state -> Bool in
            defer { (state.waitsFor, state.waitsForServer) = (message, name) }
            return state.waitsForServer != name
        }
        guard isNew else { return }
        report(PipelineEvent(level: .warning, name: name, message: message))
    }

    /// Waits for the topics, refuses those with which numbers would be wrong, and returns the
    /// cluster's id; nil when Kafka does not tell it in time.
    private func checkKafka() throws(PipelineError) -> String? {
        let (cluster, findings) = try askKafka()
        let wrong = findings.filter { $0.grade == .error }
        let fatal = wrong.filter { $0.isFatal }.map { $0.message }
        guard fatal.isEmpty else {
            throw PipelineError(.unfitServer, fatal.joined(separator: "; "))
        }
        for finding in wrong {
            report(PipelineEvent(level: .warning, name: "doctor", message: finding.message))
        }
        return cluster
    }

    private func askForCluster() throws(PipelineError) -> String? {
        do throws(KafkaError) {
            return askCluster(try Consumer(configuration.client))
        } catch { throw PipelineError(.kafka, "Kafka: \(error.message)") }
    }

    private func askKafka() throws(PipelineError) -> (cluster: String?, findings: [Finding]) {
        let consumer: Consumer
        do throws(KafkaError) { consumer = try Consumer(configuration.client) } catch {
            throw PipelineError(.kafka, "Kafka: \(error.message)")
        }
        try TopicWait(configuration: configuration, report: report).wait(consumer)
        return (askCluster(consumer), Checkup.topics(consumer, configuration))
    }

    /// Commits what is folded and ends all threads; false when some did not end within the
    /// deadline.
    ///
    /// Ending the process is safe even then: what was not committed is read again.
    @discardableResult
    public func stop(deadlineMilliseconds: Int64) -> Bool {
        let deadline = SteadyClock.milliseconds + deadlineMilliseconds
        let opener = state.withLock { state -> WorkerThread? in
            state.isStopping = true
            return state.opener
        }
        var isClean = opener?.join(deadline: deadline) ?? true
        let threads = state.withLock { state -> [WorkerThread] in
            for lane in state.lanes { lane.isStopping.store(true, ordering: .relaxed) }
            state.mirror?.isStopping.store(true, ordering: .relaxed)
            state.memoryWatch?.isStopping.store(true, ordering: .relaxed)
            return state.threads
        }
        for thread in threads { isClean = thread.join(deadline: deadline) && isClean }
        return isClean
    }

    /// The error that ended the start or a lane for good; nil when none did.
    public var finalError: PipelineError? {
        state.withLock { state in
            if let finalError = state.finalError { return finalError }
            for lane in state.lanes {
                if let finalError = lane.finalError.withLock({ $0 }) { return finalError }
            }
            return nil
        }
    }

    /// Numbers of all lanes together, at most 100 ms old.
    public var metrics: PipelineMetrics {
        state.withLock { state in
            var sum = PipelineMetrics()
            for lane in state.lanes { sum.add(lane.published.withLock { $0 }) }
            if let watch = state.memoryWatch { sum.memory = watch.shares }
            return sum
        }
    }

    /// Whether the start waits for Redis or Kafka.
    public var isWaiting: Bool { state.withLock { $0.waitsFor != nil } }

    /// The sentence about a lane that hangs in a call to Redis or Kafka, and so publishes nothing.
    private var silent: String? {
        state.withLock { state in
            let now = SteadyClock.milliseconds
            for lane in state.lanes {
                let silence = now &- lane.publishedAt.load(ordering: .relaxed)
                guard silence > Self.longestSilence else { continue }
                return "lane \(lane.number) has waited for an answer of Redis or Kafka for "
                    + "\(silence / 1_000) s"
            }
            return nil
        }
    }
    private static let longestSilence: Milliseconds = 5_000

    /// Whether it counts, or could if it had a partition.
    public var isReady: Bool { trouble == nil }

    /// Why it does not count everything now, as a sentence; `/readyz` says it.
    ///
    /// Nil when Redis takes the commits of every lane, every lane has joined the group, with or
    /// without partitions, every partition and shard is counted, and the directory is mirrored.
    public var trouble: String? {
        if let finalError { return finalError.message }
        if let waitsFor = state.withLock({ $0.waitsFor }) { return waitsFor }
        let metrics = metrics
        if let first = metrics.blockingTroubles.first { return first }
        if let silent { return silent }
        if metrics.connectedLanes < configuration.lanes { return "Redis is out of reach" }
        if metrics.joinedLanes < configuration.lanes {
            return "the consumer group is not joined yet"
        }
        return metrics.partitionAndShardTroubles.first ?? directoryTrouble
    }

    /// Why the directory is not mirrored; nil when it is, or when there is none.
    public var directoryTrouble: String? { state.withLock { $0.mirror?.trouble } }

    /// How many records of the directory topic were refused since the process began.
    public var refusedDirectoryRecords: Int64 {
        state.withLock { $0.mirror?.refusals.count ?? 0 }
    }
}
