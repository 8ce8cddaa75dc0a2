internal import Kafka
internal import Metering

/// Reads the newest records of event topics, without a group: no offset is committed.
struct KeyReader: ~Copyable {
    /// How many offsets of a partition are read at most, and of all partitions together.
    private static let partitionDepth = 1_000
    private static let wholeDepth = 50_000
    /// How long all topics together are read at most.
    private static let timeMilliseconds: Milliseconds = 5_000
    private static let answerMilliseconds: Int32 = 5_000

    /// Where reading a partition ends.
    private struct Goal {
        let sample: Int
        let end: Int64
    }

    private static let schemaMilliseconds: Milliseconds = 2_000
    private var program: Program
    private var schemas: (any SchemaSource)?
    private(set) var samples: [KeySample] = []
    private var starts: [(TopicPartition, offset: Int64)] = []
    /// Partitions that are not read to their end yet.
    private var goals: [TopicPartition: Goal] = [:]

    /// Samples of these topics; one that cannot be read has an error in its sample.
    ///
    /// Topics of one partition, and those that Kafka could not be asked for, are left out.
    static func samples(
        _ consumer: borrowing Consumer, _ configuration: PipelineConfiguration,
        _ topics: [TopicFacts]
    ) throws(ProgramError) -> [KeySample] {
        let several = topics.filter { $0.role == .events && $0.partitions > 1 }
        let depth = max(1, wholeDepth / max(1, several.reduce(0) { $0 + $1.partitions }))
        var reader = try KeyReader(configuration)
        for topic in several {
            reader.add(topic, depth: min(depth, partitionDepth), consumer)
        }
        reader.read(consumer)
        return reader.samples
    }

    private init(_ configuration: PipelineConfiguration) throws(ProgramError) {
        schemas = configuration.schemas
        // Identities are only compared with each other here, so any key of their hash will do.
        program = try Program(
            catalog: configuration.catalog, shardCount: 1,
            dedupeKey: (.random(in: .min ... .max), .random(in: .min ... .max)),
            futureBoundMilliseconds: configuration.futureBoundMilliseconds)
    }

    private mutating func add(
        _ topic: TopicFacts, depth: Int, _ consumer: borrowing Consumer
    ) {
        var sample = KeySample(topic: topic.name, partitions: topic.partitions, depth: depth)
        let names = (0..<Int32(topic.partitions)).map {
            TopicPartition(topic: topic.name, partition: $0)
        }
        do throws(KafkaError) {
            let logs = try consumer.watermarks(
                of: names, timeoutMilliseconds: Self.answerMilliseconds)
            for (name, log) in zip(names, logs) where log.low < log.high {
                starts.append((name, offset: max(log.low, log.high - Int64(depth))))
                goals[name] = Goal(sample: samples.count, end: log.high)
            }
        } catch { sample.errorText = error.message }
        samples.append(sample)
    }

    private mutating func read(_ consumer: borrowing Consumer) {
        guard !starts.isEmpty else { return }
        do throws(KafkaError) {
            try consumer.assign(starts)
            consumer.startWaking()
            let deadline = SteadyClock.milliseconds + Self.timeMilliseconds
            while !goals.isEmpty, SteadyClock.milliseconds < deadline {
                let batch = consumer.nextBatch(maximum: 2_000, timeoutMilliseconds: 50)
                for record in batch.records { take(record, consumer) }
                for event in batch.events { try note(event) }
            }
            consumer.stopWaking()
            try consumer.unassign()
            stop("not all of it came within \(TopicFacts.span(Self.timeMilliseconds))")
        } catch {
            try? consumer.unassign()
            stop(error.message)
        }
    }

    private mutating func take(_ record: Record, _ consumer: borrowing Consumer) {
        let name = TopicPartition(
            topic: consumer.topicName(record.topicID), partition: record.partition)
        guard let goal = goals[name] else { return }
        if record.offset + 1 >= goal.end { goals[name] = nil }
        guard record.offset < goal.end else { return }
        var binary = BinaryAttributes()
        for header in record.headers { binary.take(name: header.name, value: header.value) }
        var fold = FoldRecord(
            offset: record.offset, timestampMilliseconds: record.timestamp, value: record.value,
            key: record.key, partitionSlot: 0, attributes: binary.isBinary ? 0 : -1)
        samples[goal.sample].take(key: record.key, partition: record.partition, reading: nil)
        guard takeFrame(&fold, of: record) else { return }
        program.read(fold, binary) { reading in
            if let reading { samples[goal.sample].take(reading, partition: record.partition) }
        }
    }

    /// Takes the frame off a record; false where its schema does not come in time.
    private mutating func takeFrame(_ fold: inout FoldRecord, of record: Record) -> Bool {
        var header = FrameHeader()
        for each in record.headers { header.take(name: each.name, value: each.value) }
        let deadline = SteadyClock.milliseconds + Self.schemaMilliseconds
        while let key = program.unframe(&fold, header) {
            switch schemas?.state(of: key) {
            case .ready(let schema): _ = program.learn(schema, of: fold, header, key)
            case .absent: _ = program.learn(nil, of: fold, header, key)
            case .waiting where SteadyClock.milliseconds < deadline: pause(milliseconds: 20)
            default:
                // One wait is enough: what comes later is not read either.
                schemas = nil
                return false
            }
        }
        return true
    }

    private mutating func note(_ event: ConsumerEvent) throws(KafkaError) {
        switch event {
        case .endOfPartition(let name, _): goals[name] = nil
        case .partitionError(let name, let error) where !error.isRetriable:
            if let goal = goals.removeValue(forKey: name) {
                samples[goal.sample].errorText = "\(name): \(error.message)"
            }
        case .error(let error) where error.isFatal: throw error
        default: break
        }
    }

    /// Names in the samples of what is not read why it is not.
    private mutating func stop(_ reason: String) {
        for goal in goals.values where samples[goal.sample].errorText == nil {
            samples[goal.sample].errorText = reason
        }
    }
}
