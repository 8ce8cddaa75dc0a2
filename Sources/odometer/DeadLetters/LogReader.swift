import Kafka
import Printing

/// Reads parts of a topic's log, without a group: no offset is committed.
///
/// One thread.
struct LogReader: ~Copyable {
    private static let answerMilliseconds: Int32 = 10_000

    private let consumer: Consumer
    private let deadlineMilliseconds: Int64

    /// A reader that gives up after so long, with the error `timedOut`.
    init(_ configuration: ClientConfiguration, timeoutMilliseconds: Int) throws(KafkaError) {
        consumer = try Consumer(configuration, settings: ConsumerSettings()) { _ in }
        deadlineMilliseconds = ValueText.now() + Int64(timeoutMilliseconds)
    }

    func partitionCount(of topic: String) throws(KafkaError) -> Int {
        try consumer.partitionCount(of: topic, timeoutMilliseconds: Self.answerMilliseconds)
    }

    /// The first offset of a partition, and the one behind its last record.
    func ends(of partition: TopicPartition) throws(KafkaError) -> (low: Int64, high: Int64) {
        try consumer.watermarks(of: partition, timeoutMilliseconds: Self.answerMilliseconds)
    }

    /// Hands over the records at these offsets, in their order; some of the offsets may hold none.
    ///
    /// A record's bytes are valid only as long as `take` runs.
    func read(
        _ partition: TopicPartition, _ offsets: Range<Int64>, take: (Record) -> Void
    ) throws(KafkaError) {
        try consumer.unassign()
        try consumer.assign([(partition, offset: offsets.lowerBound)])
        while true {
            guard ValueText.now() < deadlineMilliseconds else {
                throw KafkaError(code: .timedOut, message: "\(partition) was not read in time")
            }
            let batch = consumer.nextBatch(maximum: 1_000, timeoutMilliseconds: 200)
            var isAtEnd = false
            for record in batch.records where record.partition == partition.partition {
                isAtEnd = isAtEnd || record.offset + 1 >= offsets.upperBound
                if offsets.contains(record.offset) { take(record) }
            }
            for event in batch.events {
                switch event {
                case .endOfPartition(let other, _): isAtEnd = isAtEnd || other == partition
                case .partitionError(_, let error) where !error.isRetriable: throw error
                case .error(let error) where error.isFatal: throw error
                case .partitionError, .error: break
                }
            }
            if isAtEnd { return }
        }
    }
}
