/// What happened in one interval of a replay.
public struct ReplayInterval: Sendable, Equatable {
    /// When it ended, since the start of the replay.
    public var endMicroseconds: Int64 = 0
    /// Records handed to the Kafka client.
    public var sent: UInt64 = 0
    /// Records that Kafka acknowledged.
    public var acknowledged: UInt64 = 0
    /// Records that Redis has shown since the interval began.
    public var seen: UInt64 = 0
    /// The greatest send lag.
    public var sendLagMicroseconds: Int64 = 0
    /// From due to acknowledged, of the records acknowledged in it: the median.
    public var acknowledgedMedianMicroseconds: Int64 = 0
    /// From due to acknowledged: the 99th percentile.
    public var acknowledgedHighMicroseconds: Int64 = 0
    /// From due to shown, of the records that Redis began to show in it: the median.
    public var freshnessMedianMicroseconds: Int64 = 0
    /// From due to shown: the 99th percentile.
    public var freshnessHighMicroseconds: Int64 = 0
    /// Records that Kafka had and Redis did not show, at its end.
    public var unseen: UInt64 = 0
    /// How long ago the oldest of them was due, at its end; 0 when none waited.
    public var oldestMicroseconds: Int64 = 0
}

/// The intervals of a replay: one second each, and twice as long whenever there are 1,200.
struct ReplayTimeline: Sendable {
    static let most = 1_200

    private(set) var intervals: [ReplayInterval] = []
    /// The length of an interval.
    private(set) var lengthMicroseconds: Int64 = 1_000_000
    var current = ReplayInterval()
    var acknowledged = LatencyHistogram()
    var freshness = LatencyHistogram()
    private var nextEndMicroseconds: Int64 = 1_000_000

    func isDue(_ now: Int64) -> Bool { now >= nextEndMicroseconds }

    /// Ends the current interval; `now` in microseconds since the start.
    mutating func close(_ now: Int64, unseen: UInt64, oldestMicroseconds: Int64) {
        current.endMicroseconds = now
        current.unseen = unseen
        current.oldestMicroseconds = oldestMicroseconds
        current.acknowledgedMedianMicroseconds = acknowledged.percentile(50)
        current.acknowledgedHighMicroseconds = acknowledged.percentile(99)
        current.freshnessMedianMicroseconds = freshness.percentile(50)
        current.freshnessHighMicroseconds = freshness.percentile(99)
        intervals.append(current)
        current = ReplayInterval()
        acknowledged.clear()
        freshness.clear()
        if intervals.count >= ReplayTimeline.most { halve() }
        while nextEndMicroseconds <= now { nextEndMicroseconds += lengthMicroseconds }
    }

    /// Makes one interval of every two: counts are added, of latencies the higher one is kept.
    private mutating func halve() {
        intervals = stride(from: 0, to: intervals.count, by: 2).map { place in
            guard place + 1 < intervals.count else { return intervals[place] }
            let (first, second) = (intervals[place], intervals[place + 1])
            return ReplayInterval(
                endMicroseconds: second.endMicroseconds, sent: first.sent + second.sent,
                acknowledged: first.acknowledged + second.acknowledged,
                seen: first.seen + second.seen,
                sendLagMicroseconds: max(first.sendLagMicroseconds, second.sendLagMicroseconds),
                acknowledgedMedianMicroseconds: max(
                    first.acknowledgedMedianMicroseconds, second.acknowledgedMedianMicroseconds),
                acknowledgedHighMicroseconds: max(
                    first.acknowledgedHighMicroseconds, second.acknowledgedHighMicroseconds),
                freshnessMedianMicroseconds: max(
                    first.freshnessMedianMicroseconds, second.freshnessMedianMicroseconds),
                freshnessHighMicroseconds: max(
                    first.freshnessHighMicroseconds, second.freshnessHighMicroseconds),
                unseen: second.unseen,
                oldestMicroseconds: max(first.oldestMicroseconds, second.oldestMicroseconds))
        }
        lengthMicroseconds *= 2
    }
}
