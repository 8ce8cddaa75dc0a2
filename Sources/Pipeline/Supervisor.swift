internal import Glibc
internal import Kafka
internal import Ledger
internal import Redis
internal import Synchronization

/// Starts lanes and the directory's mirror, watches them, and stops them in order.
///
/// Thread-safe. `start` and `stop` once each.
public final class Supervisor: Sendable {
    private let configuration: PipelineConfiguration
    private let report: @Sendable (PipelineEvent) -> Void
    private let state: Mutex<State>

    private struct State {
        var lanes: [Lane] = []
        var threads: [WorkerThread] = []
        var mirror: DirectoryMirror?
    }

    /// A supervisor of this configuration; events come on the threads of lanes.
    public init(
        _ configuration: PipelineConfiguration, onEvent: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.configuration = configuration
        report = onEvent
        state = Mutex(State())
    }

    /// Opens the ledger and starts all threads; throws before any of them runs where that cannot work.
    public func start() throws(PipelineError) {
        try configuration.validate()
        let cluster = try checkKafka()
        let keeper = try LedgerKeeper(configuration: configuration, cluster: cluster)
        var connection: Connection
        do throws(RedisError) { connection = try Connection(configuration.redis) } catch {
            throw PipelineError(.redis, "Redis: \(error.message)")
        }
        _ = try keeper.open(&connection)
        var lanes: [Lane] = []
        do throws(KafkaError) {
            for number in 0..<configuration.lanes {
                let world = try ServerWorld(
                    configuration: configuration, keeper: keeper, lane: number)
                lanes.append(
                    Lane(
                        number: number, configuration: configuration, world: world, report: report))
            }
        } catch { throw PipelineError(.kafka, error.message) }
        let mirror = configuration.directoryTopic.map {
            DirectoryMirror(configuration: configuration, topic: $0, report: report)
        }
        let started = lanes
        state.withLock { state in
            state.lanes = started
            state.mirror = mirror
            state.threads = started.map { lane in
                WorkerThread { lane.run() }
            }
            if let mirror {
                state.threads.append(WorkerThread { mirror.run() })
            }
        }
    }

    private func checkKafka() throws(PipelineError) -> String {
        do throws(KafkaError) {
            let consumer = try Consumer(configuration.client)
            try consumer.waitForTopics(
                configuration.topics
                    + [configuration.directoryTopic, configuration.deadLetterTopic].compactMap(
                        \.self),
                timeoutMilliseconds: 30_000)
            return consumer.clusterID(timeoutMilliseconds: 10_000) ?? ""
        } catch { throw PipelineError(.kafka, "Kafka: \(error.message)") }
    }

    /// Commits what is folded and ends all threads; false = some did not end within the deadline.
    ///
    /// Ending the process then is safe: what was not committed is read again.
    @discardableResult
    public func stop(deadlineMilliseconds: Int64) -> Bool {
        let deadline = SteadyClock.milliseconds + deadlineMilliseconds
        let threads = state.withLock { state -> [WorkerThread] in
            for lane in state.lanes { lane.isStopping.store(true, ordering: .relaxed) }
            state.mirror?.isStopping.store(true, ordering: .relaxed)
            return state.threads
        }
        var isClean = true
        for thread in threads { isClean = thread.join(deadline: deadline) && isClean }
        return isClean
    }

    /// What ended a lane for good, if anything did.
    public var failure: PipelineError? {
        state.withLock { state in
            for lane in state.lanes {
                if let failure = lane.failure.withLock({ $0 }) { return failure }
            }
            return nil
        }
    }

    /// Numbers of all lanes together, at most 100 ms old.
    public var metrics: PipelineMetrics {
        state.withLock { state in
            var sum = PipelineMetrics()
            for lane in state.lanes { sum.add(lane.published.withLock { $0 }) }
            return sum
        }
    }

    /// Whether Redis answers every lane and every lane has joined the group, also with no partition.
    public var isReady: Bool {
        let metrics = metrics
        return metrics.connectedLanes == configuration.lanes
            && metrics.joinedLanes == configuration.lanes && failure == nil
    }
}

/// A plain thread that can be waited for up to a deadline.
final class WorkerThread: @unchecked Sendable {
    // @unchecked: the handle is written once, before anybody else sees the object.
    private var handle: pthread_t = 0
    private let hasEnded = Atomic<Bool>(false)
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        let context = Unmanaged.passRetained(self)
        pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                let thread = Unmanaged<WorkerThread>.fromOpaque(context).takeRetainedValue()
                thread.body()
                thread.hasEnded.store(true, ordering: .releasing)
                return nil
            }, context.toOpaque())
    }

    /// Waits for the end; false = the deadline passed first.
    func join(deadline: Int64) -> Bool {
        while !hasEnded.load(ordering: .acquiring) {
            guard SteadyClock.milliseconds < deadline else { return false }
            usleep(5_000)
        }
        pthread_join(handle, nil)
        return true
    }
}
