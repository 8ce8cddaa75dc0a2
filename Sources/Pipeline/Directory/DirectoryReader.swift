public import Kafka
public import Ledger

/// Reads the directory topic from its beginning to its end.
public enum DirectoryReader {
    /// An object as its last record says.
    public struct Object: Sendable {
        /// The key of its records.
        public let key: DirectoryKey
        /// The last value; nil when it was deleted.
        public let value: [UInt8]?
        /// Where its last record is.
        public let offset: Int64
    }

    /// The last state of every object, in the order of their last records.
    ///
    /// - Throws: an error with the code `timedOut` when that takes longer than the given time.
    public static func read(
        _ configuration: ClientConfiguration, topic: String, timeoutMilliseconds: Int
    ) throws(KafkaError) -> [Object] {
        let deadline = SteadyClock.milliseconds + Int64(timeoutMilliseconds)
        let consumer = try Consumer(configuration, settings: ConsumerSettings()) { _ in }
        let partition = TopicPartition(topic: topic, partition: 0)
        _ = try consumer.partitionCount(of: topic, timeoutMilliseconds: 10_000)
        let marks = try consumer.watermarks(of: partition, timeoutMilliseconds: 10_000)
        var objects: [DirectoryKey: Object] = [:]
        guard marks.high > marks.low else { return [] }
        try consumer.assign([(partition, offset: marks.low)])
        var isAtEnd = false
        while !isAtEnd {
            guard SteadyClock.milliseconds < deadline else {
                throw KafkaError(code: .timedOut, message: "\(topic) was not read in time")
            }
            let batch = consumer.nextBatch(maximum: 1_000, timeoutMilliseconds: 200)
            for record in batch.records {
                isAtEnd = isAtEnd || record.offset + 1 >= marks.high
                guard let bytes = record.key, let key = DirectoryKey(record: Array(bytes)) else {
                    continue
                }
                objects[key] = Object(
                    key: key, value: record.value.map { Array($0) }, offset: record.offset)
            }
            for event in batch.events {
                switch event {
                case .endOfPartition: isAtEnd = true
                case .partitionError(_, let error) where !error.isRetriable: throw error
                case .error(let error) where error.isFatal: throw error
                case .partitionError, .error: break
                }
            }
        }
        return objects.values.sorted { $0.offset < $1.offset }
    }
}
