public import Kafka
public import Ledger
internal import Synchronization

/// A record of the directory topic that Kafka has acknowledged, the last one of its object.
public struct WrittenObject: Sendable {
    /// The key of the record.
    public let key: DirectoryKey
    /// The value; nil deletes.
    public let value: [UInt8]?
    /// Its offset.
    public let offset: Int64
}

/// Writes to the directory topic.
///
/// One thread.
public final class DirectoryWriter {
    private let topic: String
    private let producer: Producer
    private let acknowledged = Acknowledged()
    private var records: [(key: DirectoryKey, value: [UInt8]?)] = []

    /// A writer to a topic, which must have one partition; Kafka may take so long to say that.
    public init(
        _ configuration: ClientConfiguration, topic: String, timeoutMilliseconds: Int = 10_000
    ) throws(KafkaError) {
        self.topic = topic
        let acknowledged = acknowledged
        var configuration = configuration
        configuration.properties = [("acks", "all")] + configuration.properties
        producer = try Producer(configuration) { report in acknowledged.take(report) }
        let count = try producer.partitionCount(
            of: topic, timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
        guard count == 1 else {
            throw KafkaError(
                code: .invalidArgument,
                message: "\(topic) has \(count) partitions; a directory has exactly one")
        }
    }

    /// Gives a record to the client; without a value it deletes the object.
    public func put(_ key: DirectoryKey, _ value: [UInt8]?) throws(KafkaError) {
        while try !producer.produce(
            topic: topic, partition: 0, key: key.bytes, value: value,
            opaque: UInt64(records.count + 1))
        {
            producer.poll(timeoutMilliseconds: 100)
        }
        records.append((key, value))
    }

    /// Waits for Kafka's acknowledgement of everything.
    ///
    /// - Returns: the last record of each object, by offset; nil when that takes longer than the
    ///   given time.
    public func finish(timeoutMilliseconds: Int) throws(KafkaError) -> [WrittenObject]? {
        let isComplete = producer.flush(timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
        if let error = acknowledged.error ?? producer.fatalError { throw error }
        guard isComplete else { return nil }
        let offsets = acknowledged.offsets
        var last: [DirectoryKey: WrittenObject] = [:]
        for (index, record) in records.enumerated() {
            guard let offset = offsets[UInt64(index + 1)], offset >= 0 else {
                throw KafkaError(
                    code: .state, message: "it does not say where it put the record")
            }
            guard offset > last[record.key]?.offset ?? -1 else { continue }
            last[record.key] = WrittenObject(key: record.key, value: record.value, offset: offset)
        }
        return last.values.sorted { $0.offset < $1.offset }
    }

    /// What the delivery reports have said.
    private final class Acknowledged: Sendable {
        private let state = Mutex<(offsets: [UInt64: Int64], error: KafkaError?)>(([:], nil))

        var offsets: [UInt64: Int64] { state.withLock { $0.offsets } }
        var error: KafkaError? { state.withLock { $0.error } }

        func take(_ report: DeliveryReport) {
            state.withLock { state in
                state.offsets[report.opaque] = report.offset
                state.error = state.error ?? report.error
            }
        }
    }
}
