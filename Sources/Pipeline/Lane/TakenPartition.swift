internal import Kafka
internal import Ledger

/// What a lane knows of a partition that it counts, beside the partition's cursor.
struct TakenPartition {
    var topicPartition: TopicPartition
    /// The offset where its counting began.
    var origin: Int64
    /// Fingerprints of the marks at or after the position, by rising offset, to be compared with
    /// the records when they come.
    var checks: [Fingerprint]
    /// The newest record that is known to be counted from this log; nil when none is.
    var witness: Fingerprint?
    /// The record that becomes the witness with the next look that finds the log the same.
    ///
    /// Nil: the newest record when that look begins.
    var nextWitness: Fingerprint?
    /// Number of the topic in records; together with the partition's number it gives the slot.
    var topicID: Int32
    var span = DedupeSpan()
}
