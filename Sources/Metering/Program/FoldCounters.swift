/// What the fold counts; no number ever falls.
public struct FoldCounters: Sendable {
    /// Events by `Outcome.rawValue`, and records that were rejected, without those taken before a
    /// step back.
    public var outcomes: [Int64] = Array(repeating: 0, count: Outcome.allCases.count)
    /// Records below the lane's position, dropped without a look at their bytes.
    public var stale: Int64 = 0
    /// Records read again that their shard has already: for another shard, or only to warm up the
    /// dedupe window.
    public var reread: Int64 = 0
    /// Records with a list of events that were counted.
    public var lists: Int64 = 0
    /// Their events, without the first one of each.
    public var furtherEvents: Int64 = 0
    /// Of these records, those whose list is empty.
    public var emptyLists: Int64 = 0
    /// Windows that were not changed because they have expired.
    public var expiredWindows: Int64 = 0
    /// Accepted events without a time of their own.
    public var untimed: Int64 = 0
    /// Local times that clocks show twice or not at all, each time one is read.
    public var clockChanges = ClockChanges()
    /// Events that no meter takes, by type.
    public var ignoredTypes = IgnoredTypeCounts()
    /// Accepted events whose key is not their subject.
    public var unkeyed: Int64 = 0
    /// Accepted events by lateness.
    ///
    /// Number i counts those above the bound before it and up to `latenessBoundsSeconds[i]`; the
    /// last number counts those above all bounds.
    public var lateness: [Int64] = Array(repeating: 0, count: latenessBoundsSeconds.count + 1)
    /// The sum of the accepted events' lateness.
    public var latenessSumSeconds: Double = 0
    /// Upper bounds of `lateness`, each still within.
    public static let latenessBoundsSeconds: [Int64] = [
        1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800,
    ]
}
