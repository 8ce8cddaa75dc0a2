internal import CRdkafka
internal import Glibc

/// A list of partitions of the client library, owned by this value.
struct PartitionList: ~Copyable {
    private let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int) {
        guard let list = rd_kafka_topic_partition_list_new(Int32(capacity)) else {
            preconditionFailure("the library ends the process itself when memory is exhausted")
        }
        pointer = list
    }

    init(_ partitions: [TopicPartition], offset: Int64 = Int64(RD_KAFKA_OFFSET_INVALID)) {
        self.init(capacity: partitions.count)
        for partition in partitions { add(partition, offset: offset) }
    }

    deinit {
        rd_kafka_topic_partition_list_destroy(pointer)
    }

    var count: Int {
        Int(pointer.pointee.cnt)
    }

    subscript(index: Int) -> rd_kafka_topic_partition_t {
        precondition(index >= 0 && index < count, "partition list index")
        return pointer.pointee.elems[index]
    }

    /// Passes the list to a call of the library.
    ///
    /// The pointer is available only here, where the list lives until `body` returns: a temporary
    /// list might be destroyed before the call that gets its pointer.
    func pass<R>(
        _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> R
    ) -> R {
        body(pointer)
    }

    func add(_ partition: TopicPartition, offset: Int64, metadata: String? = nil) {
        guard
            let element = rd_kafka_topic_partition_list_add(
                pointer, partition.topic, partition.partition)
        else { return }
        element.pointee.offset = offset
        guard let metadata, !metadata.isEmpty else { return }
        // The list frees it with its own free(), so it must come from malloc.
        element.pointee.metadata = UnsafeMutableRawPointer(strdup(metadata))
        element.pointee.metadata_size = metadata.utf8.count
    }

    /// Throws the first error that the library left at one of the partitions.
    func checkElements(_ context: String) throws(KafkaError) {
        for index in 0..<count where self[index].err != RD_KAFKA_RESP_ERR_NO_ERROR {
            throw KafkaError(self[index].err, "\(context) \(TopicPartition(self[index]))")
        }
    }

    static func partitions(
        of list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) -> [TopicPartition] {
        guard let list else { return [] }
        return (0..<Int(list.pointee.cnt)).map { TopicPartition(list.pointee.elems[$0]) }
    }
}

extension TopicPartition {
    init(_ element: rd_kafka_topic_partition_t) {
        self.init(
            topic: element.topic.map { String(cString: $0) } ?? "", partition: element.partition)
    }
}
