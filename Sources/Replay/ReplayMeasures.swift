import Kafka
import Synchronization

/// What a replay has measured so far.
public struct ReplayFigures: Sendable {
    /// Records handed to the Kafka client.
    public var sent: UInt64 = 0
    /// Records that Kafka has acknowledged.
    public var acknowledged: UInt64 = 0
    /// Records whose numbers were seen in Redis.
    public var seen: UInt64 = 0
    /// Records that change no cell or whose shard is not known; they are not waited for.
    public var unwatched: UInt64 = 0
    /// Records that Kafka has acknowledged and Redis does not show yet.
    public var unseen: UInt64 = 0
    /// How long ago the oldest of them was due; 0 when there is none.
    public var oldestMicroseconds: Int64 = 0
    /// From due to handed over: how late the sender was.
    public var sendLag = LatencyHistogram()
    /// From due to acknowledged by Kafka.
    public var acknowledgement = LatencyHistogram()
    /// From due to shown in Redis.
    public var freshness = LatencyHistogram()
    /// The intervals of the replay, in their order.
    public var intervals: [ReplayInterval] = []
    /// The time since the start.
    public var elapsedMicroseconds: Int64 = 0
}

/// Collects what the sender, Kafka's acknowledgements and the marks report; any thread may call it.
///
/// One lock guards everything, and no thread holds it for long: acknowledgements take it one by
/// one, and a reading of the marks moves whole groups of records.
final class ReplayMeasures: Sendable {
    private struct State: Sendable {
        var figures = ReplayFigures()
        var unseen: UnseenRecords?
        var timeline = ReplayTimeline()
        /// Freshness since `beginStep`.
        var step = LatencyHistogram()
    }

    /// The shard in the token of a record that is not waited for.
    private static let noShard: UInt64 = 0xFFFF
    /// Bits of a token that hold the shard.
    private static let shardBits: UInt64 = 16

    let clock: ReplayClock
    private let state: Mutex<State>

    init(clock: ReplayClock) {
        self.clock = clock
        state = Mutex(State())
    }

    /// From now on records are waited for until Redis shows them.
    func watch(partitions: Int, shards: Int) {
        state.withLock { $0.unseen = UnseenRecords(partitions: partitions, shards: shards) }
    }

    /// What travels with a record through the Kafka client: when it is due in microseconds, and its
    /// shard.
    static func token(due: Int64, shard: Int?) -> UInt64 {
        UInt64(max(0, due)) << shardBits | (shard.map { UInt64($0) } ?? noShard)
    }

    /// Notes that a record was handed to the Kafka client now; `due` in microseconds.
    func sent(due: Int64) {
        let lag = clock.now - due
        state.withLock { state in
            state.figures.sent += 1
            state.figures.sendLag.record(lag)
            state.timeline.current.sent += 1
            state.timeline.current.sendLagMicroseconds = max(
                state.timeline.current.sendLagMicroseconds, lag)
        }
    }

    /// Takes Kafka's report about a record.
    func acknowledged(_ report: DeliveryReport) {
        guard report.error == nil else { return }
        let due = Int64(report.opaque >> ReplayMeasures.shardBits)
        let shard = report.opaque & ReplayMeasures.noShard
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

    /// Takes the marks of a shard, one for each partition, that were read before now.
    func marks(shard: Int, _ marks: [Int64?]) {
        let now = clock.now
        state.withLock { state in
            guard state.unseen != nil else { return }
            for (partition, mark) in marks.enumerated() {
                guard let mark else { continue }
                // Collected first, because the closure cannot change the rest of the locked state.
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

    /// The shards for which records wait.
    var waitingShards: [Int] { state.withLock { $0.unseen?.waitingShards ?? [] } }

    /// Ends the current interval of the timeline when it is due, or at once when it is the last.
    func tick(isLast: Bool = false) {
        let now = clock.now
        state.withLock { state in
            guard isLast || state.timeline.isDue(now) else { return }
            let oldest = state.unseen?.oldestDue.map { now - $0 } ?? 0
            state.timeline.close(now, unseen: state.unseen?.count ?? 0, oldestMicroseconds: oldest)
        }
    }

    /// Clears `step`.
    func beginStep() { state.withLock { $0.step.clear() } }

    /// Freshness since `beginStep`.
    var step: LatencyHistogram { state.withLock { $0.step } }

    /// How many records wait to be shown, and how long ago the oldest was due.
    var waiting: (count: UInt64, oldestMicroseconds: Int64) {
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
            figures.oldestMicroseconds = state.unseen?.oldestDue.map { now - $0 } ?? 0
            figures.intervals = state.timeline.intervals
            figures.elapsedMicroseconds = now
            return figures
        }
    }

    /// How many records were sent, acknowledged and seen; cheaper than `figures`.
    var counts: (sent: UInt64, acknowledged: UInt64, seen: UInt64) {
        state.withLock { ($0.figures.sent, $0.figures.acknowledged, $0.figures.seen) }
    }
}
