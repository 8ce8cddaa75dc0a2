/// Reads single records of partitions, beside any other reader of them: a look at what a log holds now.
///
/// It has a client of its own and no group. One thread. A question is answered by what the leaders of the
/// partitions serve after it was asked, never by what was fetched before.
public final class RecordProbe {
    /// What a partition holds at or behind the offset that was asked for.
    public enum Answer {
        /// The first record there; its bytes end with the call that gives it.
        case record(Record)
        /// No record; readers of the log have reached its end at this offset.
        case end(Int64)
        /// The offset lies before the log's start or behind its end.
        case outOfRange
    }

    private let consumer: Consumer
    private var missing: [TopicPartition: Int64] = [:]

    /// A probe with this configuration; no broker is asked yet.
    public init(_ configuration: ClientConfiguration) throws(KafkaError) {
        var settings = ConsumerSettings(reportsEndOfPartition: true)
        settings.readsSingleRecords = true
        consumer = try Consumer(configuration, settings: settings)
    }

    /// Asks for the first record at or behind an offset of each partition; an earlier question is forgotten.
    public func ask(_ places: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        missing = [:]
        for (partition, offset) in places { missing[partition] = offset }
        try consumer.assign(places)
    }

    /// Whether every question has its answer.
    public var isAnswered: Bool { missing.isEmpty }

    /// Gives the answers that come within this time; true once none is missing.
    ///
    /// An error of one partition's log is thrown; the rest may be asked again.
    public func receive(
        timeoutMilliseconds: Int32, _ body: (TopicPartition, Answer) -> Void
    ) throws(KafkaError) -> Bool {
        guard !missing.isEmpty else { return true }
        let batch = consumer.nextBatch(
            maximum: missing.count, timeoutMilliseconds: timeoutMilliseconds)
        for record in batch.records {
            let partition = TopicPartition(
                topic: consumer.topicName(record.topicID), partition: record.partition)
            guard let asked = missing[partition], record.offset >= asked else { continue }
            missing[partition] = nil
            body(partition, .record(record))
        }
        for event in batch.events {
            switch event {
            case .endOfPartition(let partition, let offset):
                guard missing.removeValue(forKey: partition) != nil else { continue }
                body(partition, .end(offset))
            case .partitionError(let partition, let error):
                guard missing[partition] != nil else { continue }
                guard error.code == .autoOffsetReset || error.code == .offsetOutOfRange else {
                    throw error
                }
                missing[partition] = nil
                body(partition, .outOfRange)
            case .error(let error):
                if error.isFatal { throw error }
            }
        }
        if missing.isEmpty { try consumer.unassign() }
        return missing.isEmpty
    }
}
