/// One partition as its lane sees it.
public struct PartitionMetrics: Sendable {
    /// The topic.
    public var topic: String
    /// Number of the partition.
    public var partition: Int32
    /// Next offset that the lane reads.
    public var position: Int64
    /// The offset below which every change of a cell is in Redis.
    public var committed: Int64
    /// End of the log as last known; -1 when it is not known.
    public var logEnd: Int64
    /// Why it is stopped; nil when it is not.
    public var stopped: String?
    /// That it waits for a schema, and for which; nil when it does not.
    public var waiting: String?
    /// How many offsets Kafka no longer holds that some shard has not counted; if the partition is
    /// stopped, that no shard has counted.
    public var gone: Int64 = 0
    /// Record time that the dedupe window spans; nil while the window is not full.
    public var dedupeSpanMilliseconds: Int64?
    /// Why some shard does not count its new records, as a sentence; nil when all do.
    public var trouble: String? {
        if let stopped { return "\(topic)/\(partition) is stopped: \(stopped)" }
        if let waiting { return "\(topic)/\(partition) \(waiting)" }
        guard gone > 0 else { return nil }
        return "\(topic)/\(partition) is not counted by every shard: \(gone) offsets are no "
            + "longer in the log; odometer status says which"
    }
    /// Offsets between `committed` and the end of the log.
    public var lag: Int64 { logEnd < 0 ? 0 : max(0, logEnd - committed) }
}
