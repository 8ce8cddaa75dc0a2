/// What happened in one interval of a replay; latencies in microseconds.
public struct ReplayInterval: Sendable, Equatable {
    /// When it ended, microseconds since the start.
    public var end: Int64 = 0
    /// Records handed to the client.
    public var sent: UInt64 = 0
    /// Records that Kafka acknowledged.
    public var acknowledged: UInt64 = 0
    /// Records that Redis began to show.
    public var seen: UInt64 = 0
    /// The greatest send lag.
    public var sendLag: Int64 = 0
    /// Due to acknowledged, of the records acknowledged in it: median.
    public var acknowledgedMedian: Int64 = 0
    /// Due to acknowledged: the 99th percentile.
    public var acknowledgedHigh: Int64 = 0
    /// Due to shown, of the records that Redis began to show in it: median.
    public var freshnessMedian: Int64 = 0
    /// Due to shown: the 99th percentile.
    public var freshnessHigh: Int64 = 0
    /// Records that Kafka had and Redis did not show, at its end.
    public var unseen: UInt64 = 0
    /// How long the oldest of them had been due, at its end; 0 where none waited.
    public var oldest: Int64 = 0
}

/// The intervals of a replay: a second each, later more, so that there are at most 1,200.
struct ReplayTimeline: Sendable {
    static let most = 1_200

    private(set) var intervals: [ReplayInterval] = []
    /// Length of an interval, in microseconds.
    private(set) var length: Int64 = 1_000_000
    var current = ReplayInterval()
    var acknowledged = LatencyHistogram()
    var freshness = LatencyHistogram()
    private var nextEnd: Int64 = 1_000_000

    func isDue(_ now: Int64) -> Bool { now >= nextEnd }

    /// Ends the interval.
    mutating func close(_ now: Int64, unseen: UInt64, oldest: Int64) {
        current.end = now
        current.unseen = unseen
        current.oldest = oldest
        current.acknowledgedMedian = acknowledged.percentile(50)
        current.acknowledgedHigh = acknowledged.percentile(99)
        current.freshnessMedian = freshness.percentile(50)
        current.freshnessHigh = freshness.percentile(99)
        intervals.append(current)
        current = ReplayInterval()
        acknowledged.clear()
        freshness.clear()
        if intervals.count >= ReplayTimeline.most { halve() }
        while nextEnd <= now { nextEnd += length }
    }

    /// Two and two become one: counts add up, of latencies the higher one stays.
    private mutating func halve() {
        intervals = stride(from: 0, to: intervals.count, by: 2).map { place in
            guard place + 1 < intervals.count else { return intervals[place] }
            let (one, two) = (intervals[place], intervals[place + 1])
            return ReplayInterval(
                end: two.end, sent: one.sent + two.sent,
                acknowledged: one.acknowledged + two.acknowledged, seen: one.seen + two.seen,
                sendLag: max(one.sendLag, two.sendLag),
                acknowledgedMedian: max(one.acknowledgedMedian, two.acknowledgedMedian),
                acknowledgedHigh: max(one.acknowledgedHigh, two.acknowledgedHigh),
                freshnessMedian: max(one.freshnessMedian, two.freshnessMedian),
                freshnessHigh: max(one.freshnessHigh, two.freshnessHigh), unseen: two.unseen,
                oldest: max(one.oldest, two.oldest))
        }
        length *= 2
    }
}
