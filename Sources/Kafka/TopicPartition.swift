/// One partition of one topic: the unit of order, of assignment and of marks.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name of the topic.
    public let topic: String
    /// The number of the partition in it.
    public let partition: Int32

    /// Makes the pair.
    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// Orders by topic, then by partition number.
    public static func < (left: Self, right: Self) -> Bool {
        left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
    }

    /// The pair as people write it: `topic/3`.
    public var description: String {
        "\(topic)/\(partition)"
    }
}
