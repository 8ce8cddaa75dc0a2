import Kafka
import Synchronization

/// What a replay has measured so far; latencies in microseconds.
public struct ReplayFigures: Sendable {
    /// Records handed to the client.
    public var sent: UInt64 = 0
    /// Records that Kafka has acknowledged.
    public var acknowledged: UInt64 = 0
    /// Records whose numbers were seen in Redis.
    public var seen: UInt64 = 0
    /// Records that change no cell or whose shard is not known: nobody waits for them.
    public var unwatched: UInt64 = 0
    /// Records that wait to be seen.
    public var unseen: UInt64 = 0
    /// How long the oldest of those has been due.
    public var oldest: Int64 = 0
    /// Due to handed over: how late the sender was.
    public var sendLag = LatencyHistogram()
    /// Due to acknowledged by Kafka.
    public var acknowledgement = LatencyHistogram()
    /// Due to shown in Redis.
    public var freshness = LatencyHistogram()
    /// What happened when.
    public var intervals: [ReplayInterval] = []
    /// Microseconds since the start.
    public var elapsed: Int64 = 0
}

/// Takes what sender, acknowledgements and marks report; shared by their threads.
///
/// Everything is behind one lock that nobody holds for long: the reports of one poll of Kafka come one by one,
/// and a look at the marks moves whole groups of records.
final class ReplayMeasures: Sendable {
    private struct State: Sendable {
        var figures = ReplayFigures()
        var unseen: UnseenRecords?
        var timeline = ReplayTimeline()
        /// Freshness since `beginStep`.
        var step = LatencyHistogram()
    }

    /// The shard of records for which nobody waits.
    private static let noShard: UInt64 = 255

    let clock: ReplayClock
    private let state: Mutex<State>

    init(clock: ReplayClock) {
        self.clock = clock
        state = Mutex(State())
    }

    /// From now on records wait to be seen.
    func watch(partitions: Int) {
        state.withLock { $0.unseen = UnseenRecords(partitions: partitions) }
    }

    /// What travels with a record through the client: when it is due, and its shard.
    static func token(due: Int64, shard: Int?) -> UInt64 {
        UInt64(max(0, due)) << 8 | (shard.map { UInt64($0) } ?? noShard)
    }

    /// A record was handed to the client now.
    func sent(due: Int64) {
        let lag = clock.now - due
        state.withLock { state in
            state.figures.sent += 1
            state.figures.sendLag.record(lag)
            state.timeline.current.sent += 1
            state.timeline.current.sendLag = max(state.timeline.current.sendLag, lag)
        }
    }

    /// Kafka has said what became of a record.
    func acknowledged(_ report: DeliveryReport) {
        guard report.error == nil else { return }
        let due = Int64(report.opaque >> 8)
        let shard = report.opaque & 255
        let latency = clock.now - due
        state.withLock { state in
            state.figures.acknowledged += 1
            state.figures.acknowledgement.record(latency)
            state.timeline.current.acknowledged += 1
            state.timeline.acknowledged.record(latency)
            guard state.unseen != nil else { return }
            guard shard != ReplayMeasures.noShard, report.offset >= 0 else {
                state.figures.unwatched += 1
                return
            }
            state.unseen?.add(
                partition: Int(report.partition), shard: Int(shard), offset: report.offset,
                due: due)
        }
    }

    /// The marks of a shard, one a partition, as they stood not later than now.
    func marks(shard: Int, _ marks: [Int64?]) {
        let now = clock.now
        state.withLock { state in
            guard state.unseen != nil else { return }
            for (partition, mark) in marks.enumerated() {
                guard let mark else { continue }
                // Taken out of the lock's value, so that the closure may change the rest of it.
                var found: [(due: Int64, count: UInt64)] = []
                state.unseen?.take(partition: partition, shard: shard, mark: mark) { due, count in
                    found.append((due, count))
                }
                for (due, count) in found {
                    state.figures.seen += count
                    state.figures.freshness.record(now - due, times: count)
                    state.timeline.current.seen += count
                    state.timeline.freshness.record(now - due, times: count)
                    state.step.record(now - due, times: count)
                }
            }
        }
    }

    /// Shards whose marks are of interest.
    var waitingShards: [Int] { state.withLock { $0.unseen?.waitingShards ?? [] } }

    /// Ends the interval of the timeline when it is time, or now.
    func tick(isLast: Bool = false) {
        let now = clock.now
        state.withLock { state in
            guard isLast || state.timeline.isDue(now) else { return }
            let oldest = state.unseen?.oldestDue.map { now - $0 } ?? 0
            state.timeline.close(now, unseen: state.unseen?.count ?? 0, oldest: oldest)
        }
    }

    /// Freshness is counted anew for `step`.
    func beginStep() { state.withLock { $0.step.clear() } }

    /// Freshness since `beginStep`.
    var step: LatencyHistogram { state.withLock { $0.step } }

    /// Records that wait to be seen, and how long the oldest has been due.
    var waiting: (count: UInt64, oldest: Int64) {
        let now = clock.now
        return state.withLock { state in
            (state.unseen?.count ?? 0, state.unseen?.oldestDue.map { now - $0 } ?? 0)
        }
    }

    /// Everything so far.
    var figures: ReplayFigures {
        let now = clock.now
        return state.withLock { state in
            var figures = state.figures
            figures.unseen = state.unseen?.count ?? 0
            figures.oldest = state.unseen?.oldestDue.map { now - $0 } ?? 0
            figures.intervals = state.timeline.intervals
            figures.elapsed = now
            return figures
        }
    }

    /// How many records were sent, acknowledged and seen: cheap enough for every moment.
    var counts: (sent: UInt64, acknowledged: UInt64, seen: UInt64) {
        state.withLock { ($0.figures.sent, $0.figures.acknowledged, $0.figures.seen) }
    }
}
