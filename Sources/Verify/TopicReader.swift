import Kafka
import Workload

/// Reads a log without a consumer group, from given offsets up to its end.
struct TopicReader: ~Copyable {
    struct Partition {
        let name: TopicPartition
        /// The partition's index in the oracle.
        let number: Int
        /// The first offset that the log held when reading started.
        let logStart: Int64
        /// The next offset to take.
        var next: Int64
        /// The log end up to which it is read.
        var end: Int64
        /// The timestamp of the first record read, in milliseconds since 1970.
        var firstTimestampMilliseconds: Int64?
        /// Every offset below this has been delivered or is a gap.
        var reached: Int64
    }

    private let consumer: Consumer
    private(set) var partitions: [Partition] = []
    private var places: [TopicPartition: Int] = [:]
    private var headers: [WorkloadHeader] = []

    init(_ configuration: ClientConfiguration) throws(VerifyError) {
        do throws(KafkaError) {
            consumer = try Consumer(configuration)
        } catch {
            throw VerifyError(.kafka, error.message)
        }
    }

    /// The partitions of a topic with the starts and ends of their logs.
    func logs(
        of topic: String
    ) throws(VerifyError) -> [(name: TopicPartition, low: Int64, high: Int64)] {
        do throws(KafkaError) {
            try consumer.waitForTopics([topic], timeoutMilliseconds: 10_000)
            let count = try consumer.partitionCount(of: topic, timeoutMilliseconds: 10_000)
            let names = (0..<Int32(count)).map { TopicPartition(topic: topic, partition: $0) }
            let logs = try consumer.watermarks(of: names, timeoutMilliseconds: 10_000)
            return zip(names, logs).map { ($0, $1.low, $1.high) }
        } catch {
            throw VerifyError(.kafka, error.message)
        }
    }

    /// Adds a partition, to be read from an offset on.
    mutating func add(
        _ name: TopicPartition, number: Int, from start: Int64, logStart: Int64, end: Int64
    ) {
        places[name] = partitions.count
        partitions.append(
            Partition(
                name: name, number: number, logStart: logStart, next: start, end: end,
                reached: start))
    }

    /// Begins to read the partitions that were added.
    func start() throws(VerifyError) {
        do throws(KafkaError) {
            try consumer.assign(partitions.map { ($0.name, offset: $0.next) })
        } catch {
            throw VerifyError(.kafka, error.message)
        }
    }

    /// Asks where each log ends now.
    mutating func refreshEnds() throws(VerifyError) {
        do throws(KafkaError) {
            let logs = try consumer.watermarks(
                of: partitions.map(\.name), timeoutMilliseconds: 10_000)
            for place in partitions.indices { partitions[place].end = logs[place].high }
        } catch {
            throw VerifyError(.kafka, error.message)
        }
    }

    /// Whether everything below the ends has been delivered.
    var isAtEnd: Bool {
        partitions.allSatisfy { $0.reached >= $0.end }
    }

    /// Takes one batch; returns the number of records in it that were new.
    mutating func step(
        timeoutMilliseconds: Int32, _ take: (Record, Int, [WorkloadHeader]) -> Void
    ) throws(VerifyError) -> Int {
        if !isAtEnd { consumer.startWaking() } else { consumer.stopWaking() }
        let batch = consumer.nextBatch(
            maximum: 10_000, timeoutMilliseconds: timeoutMilliseconds)
        var taken = 0
        var lastTopic: Int32 = -1
        var lastPartition: Int32 = -1
        var place: Int?
        for record in batch.records {
            if record.topicID != lastTopic || record.partition != lastPartition {
                (lastTopic, lastPartition) = (record.topicID, record.partition)
                let topic = consumer.topicName(record.topicID)
                place = places[TopicPartition(topic: topic, partition: record.partition)]
            }
            guard let place, record.offset >= partitions[place].next else { continue }
            if partitions[place].firstTimestampMilliseconds == nil {
                partitions[place].firstTimestampMilliseconds = record.timestamp
            }
            partitions[place].next = record.offset + 1
            partitions[place].reached = max(partitions[place].reached, record.offset + 1)
            headers.removeAll(keepingCapacity: true)
            for header in record.headers {
                headers.append(WorkloadHeader(name: header.name, value: header.value))
            }
            take(record, partitions[place].number, headers)
            taken += 1
        }
        for event in batch.events { try note(event) }
        return taken
    }

    private mutating func note(_ event: ConsumerEvent) throws(VerifyError) {
        switch event {
        case .endOfPartition(let name, let offset):
            guard let place = places[name] else { return }
            partitions[place].reached = max(partitions[place].reached, offset)
        case .partitionError(_, let error), .error(let error):
            guard error.isRetriable, !error.isFatal else {
                throw VerifyError(.kafka, error.message)
            }
        }
    }
}
