import Kafka
import Ledger
import Synchronization

/// A record of the directory topic that Kafka has acknowledged: the last one of its object in this command.
struct WrittenObject: Sendable {
    let key: DirectoryKey
    /// The value; nil deletes.
    let value: [UInt8]?
    let offset: Int64
}

/// Writes to the directory topic.
///
/// One thread.
final class DirectoryWriter {
    let topic: String
    private let producer: Producer
    private let acknowledged = Acknowledged()
    private var records: [(key: DirectoryKey, value: [UInt8]?)] = []

    /// Asks Kafka for the topic, at most this long.
    init(
        _ configuration: ClientConfiguration, topic: String, timeoutMilliseconds: Int = 10_000
    ) throws(CommandFailure) {
        self.topic = topic
        let acknowledged = acknowledged
        var configuration = configuration
        configuration.properties = [("acks", "all")] + configuration.properties
        do throws(KafkaError) {
            producer = try Producer(configuration) { report in acknowledged.take(report) }
            let count = try producer.partitionCount(
                of: topic, timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
            guard count == 1 else {
                throw KafkaError(
                    code: .invalidArgument,
                    message: "\(topic) has \(count) partitions; a directory has exactly one")
            }
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Hands a record to the client; nil deletes.
    func put(_ key: DirectoryKey, _ value: [UInt8]?) throws(CommandFailure) {
        do throws(KafkaError) {
            while try !producer.produce(
                topic: topic, partition: 0, key: key.bytes, value: value,
                opaque: UInt64(records.count + 1))
            {
                producer.poll(timeoutMilliseconds: 100)
            }
        } catch {
            throw CommandFailure(error)
        }
        records.append((key, value))
    }

    /// Waits for Kafka's acknowledgement of everything; the last record of each object, by offset.
    func finish(timeoutMilliseconds: Int) throws(CommandFailure) -> [WrittenObject] {
        let isComplete = producer.flush(timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
        if let error = acknowledged.error ?? producer.fatalError { throw CommandFailure(error) }
        guard isComplete else {
            throw CommandFailure(.timeout, "Kafka has not acknowledged the record in time")
        }
        let offsets = acknowledged.offsets
        var last: [DirectoryKey: WrittenObject] = [:]
        for (index, record) in records.enumerated() {
            guard let offset = offsets[UInt64(index + 1)], offset >= 0 else {
                throw CommandFailure(.failed, "Kafka does not say where it put the record")
            }
            guard offset > last[record.key]?.offset ?? -1 else { continue }
            last[record.key] = WrittenObject(key: record.key, value: record.value, offset: offset)
        }
        return last.values.sorted { $0.offset < $1.offset }
    }

    /// What the delivery reports said.
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

/// Reads the directory topic from its beginning to its end.
enum DirectoryReader {
    struct Object: Sendable {
        let key: DirectoryKey
        /// The last value; nil = deleted.
        let value: [UInt8]?
        let offset: Int64
    }

    /// The last state of every object, in the order of their last records.
    static func read(
        _ configuration: ClientConfiguration, topic: String, timeoutMilliseconds: Int
    ) throws(CommandFailure) -> [Object] {
        do throws(KafkaError) {
            return try objects(configuration, topic, ValueText.now() + Int64(timeoutMilliseconds))
        } catch {
            throw error.code == .timedOut
                ? CommandFailure(.timeout, "kafka: \(error.message)") : CommandFailure(error)
        }
    }

    private static func objects(
        _ configuration: ClientConfiguration, _ topic: String, _ deadline: Int64
    ) throws(KafkaError) -> [Object] {
        let consumer = try Consumer(configuration, settings: ConsumerSettings()) { _ in }
        let partition = TopicPartition(topic: topic, partition: 0)
        _ = try consumer.partitionCount(of: topic, timeoutMilliseconds: 10_000)
        let marks = try consumer.watermarks(of: partition, timeoutMilliseconds: 10_000)
        var objects: [DirectoryKey: Object] = [:]
        guard marks.high > marks.low else { return [] }
        try consumer.assign([(partition, offset: marks.low)])
        var isAtEnd = false
        while !isAtEnd {
            guard ValueText.now() < deadline else {
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
