/// Where a rejected record is in the log.
package struct LetterAddress: Hashable, Sendable {
    /// The number that the consumer has given the topic.
    package var topicID: Int32
    /// Number of the partition.
    package var partition: Int32
    /// Offset of the record.
    package var offset: Int64

    /// An address of these parts.
    package init(topicID: Int32, partition: Int32, offset: Int64) {
        self.topicID = topicID
        self.partition = partition
        self.offset = offset
    }
}
