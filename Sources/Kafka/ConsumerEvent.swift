/// An event that comes with a batch, besides its records.
public enum ConsumerEvent: Sendable, Equatable {
    /// All records before this offset were delivered; gaps at the end of the log are included.
    case endOfPartition(TopicPartition, offset: Int64)
    /// An error of one partition; `isRetriable` says whether it may end by itself.
    case partitionError(TopicPartition, KafkaError)
    /// An error of the whole client; a fatal one never ends.
    case error(KafkaError)
}

/// A change of a group member's partitions.
public enum RebalanceEvent: Sendable, Equatable {
    /// This member got these partitions; no record comes until `assign` names their offsets.
    case assigned([TopicPartition])
    /// This member loses these partitions when the handler returns; lost ones are lost already.
    case revoked([TopicPartition], isLost: Bool)
}
