/// Where a rejected record stands in the log.
package struct LetterPlace: Hashable, Sendable {
    /// The consumer's number of the topic.
    package var topicID: Int32
    /// Number of the partition.
    package var partition: Int32
    /// Offset of the record.
    package var offset: Int64

    /// The place of these parts.
    package init(topicID: Int32, partition: Int32, offset: Int64) {
        self.topicID = topicID
        self.partition = partition
        self.offset = offset
    }
}
