/// What a batch has to say besides its records.
public enum ConsumerEvent: Sendable, Equatable {
    /// All records below this offset have been delivered; gaps at the tail are passed over.
    case endOfPartition(TopicPartition, offset: Int64)
    /// One partition has a problem; its error says whether it passes by itself.
    case partitionError(TopicPartition, KafkaError)
    /// The client as a whole has a problem; a fatal one never passes.
    case error(KafkaError)
}

/// A change of a group member's partitions.
public enum RebalanceEvent: Sendable, Equatable {
    /// These partitions are ours now, and silent until `assign` names their offsets.
    case assigned([TopicPartition])
    /// These partitions go away when the handler returns; lost ones are gone already.
    case revoked([TopicPartition], isLost: Bool)
}
