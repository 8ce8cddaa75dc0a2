/// One partition as its lane sees it.
public struct PartitionMetrics: Sendable {
    /// The topic.
    public var topic: String
    /// Number of the partition.
    public var partition: Int32
    /// Next offset that the lane takes.
    public var position: Int64
    /// Next offset before which every cell stands in Redis.
    public var committed: Int64
    /// Log end as last heard, or -1.
    public var logEnd: Int64
    /// Whether it is stopped, and why.
    public var stopped: String?
    /// Offsets that Kafka no longer holds and that are not counted: by no shard where it is stopped, else by some.
    public var gone: Int64 = 0
    /// Milliseconds of record time in the dedupe window; nil while it is not full.
    public var dedupeSpan: Int64?
    /// Why not every shard takes what is new in it, as a sentence; nil = all do.
    public var standstill: String? {
        if let stopped { return "\(topic)/\(partition) is stopped: \(stopped)" }
        guard gone > 0 else { return nil }
        return "\(topic)/\(partition) is not counted by every shard: \(gone) offsets are no "
            + "longer in the log; odometer status says which"
    }
    /// Offsets between `committed` and the log end.
    public var lag: Int64 { logEnd < 0 ? 0 : max(0, logEnd - committed) }
}
