internal import Kafka
internal import Ledger

/// What a lane keeps of a partition that it counts, beside the partition's cursor.
struct TakenPartition {
    var topicPartition: TopicPartition
    var origin: Int64
    /// Fingerprints to be checked, by offset, in rising order.
    var checks: [Fingerprint]
    /// A record that was counted from this log; nil while there is none.
    var witness: Fingerprint?
    /// What the witness becomes with the next look that passes; nil: the newest when that begins.
    var nextWitness: Fingerprint?
    /// Number of the topic in records; with the partition's number it leads to the slot.
    var topicID: Int32
    var span = DedupeSpan()
}
