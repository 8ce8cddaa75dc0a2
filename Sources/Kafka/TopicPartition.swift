/// One partition of one topic: the unit of order, of ownership and of marks.
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

/// A change of a group member's partitions.
public enum RebalanceEvent: Sendable, Equatable {
    /// These partitions are ours now, and silent until `assign` names their offsets.
    case assigned([TopicPartition])
    /// These partitions go away when the handler returns; lost ones are gone already.
    case revoked([TopicPartition], isLost: Bool)
}

/// What a batch has to say besides its records.
public enum ConsumerEvent: Sendable, Equatable {
    /// All records below this offset have been delivered; gaps at the tail are passed over.
    case endOfPartition(TopicPartition, offset: Int64)
    /// One partition has a problem; its error says whether it passes by itself.
    case partitionError(TopicPartition, KafkaError)
    /// The client as a whole has a problem; a fatal one never passes.
    case error(KafkaError)
}
