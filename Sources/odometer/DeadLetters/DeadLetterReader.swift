import Kafka
import Printing

/// Reads the newest dead letters: from the end of each partition backwards, in windows that grow.
struct DeadLetterReader: ~Copyable {
    private let consumer: Consumer
    private let topic: String
    private let deadlineMilliseconds: Int64

    /// A reader that gives up after so long, with the error `timedOut`.
    init(
        _ configuration: ClientConfiguration, topic: String, timeoutMilliseconds: Int
    ) throws(KafkaError) {
        consumer = try Consumer(configuration, settings: ConsumerSettings()) { _ in }
        self.topic = topic
        deadlineMilliseconds = ValueText.now() + Int64(timeoutMilliseconds)
    }

    /// At most `count` letters, the newest first; `reason` nil: of all reasons.
    ///
    /// By offset within a partition, because times of several senders may cross there; by time
    /// between partitions.
    func newest(_ count: Int, reason: String?) throws(KafkaError) -> [DeadLetter] {
        let partitions = try consumer.partitionCount(of: topic, timeoutMilliseconds: 10_000)
        var rest: [[DeadLetter]] = []
        for number in 0..<Int32(partitions) {
            rest.append(
                try newest(count, of: TopicPartition(topic: topic, partition: number), reason))
        }
        return Self.merged(rest, count, time: \.writtenMilliseconds)
    }

    /// The newest of several partitions' letters, each given in the order of its offsets.
    static func merged<Letter>(
        _ partitions: [[Letter]], _ count: Int, time: (Letter) -> Int64
    ) -> [Letter] {
        var rest = partitions.map { $0[...] }
        var found: [Letter] = []
        while found.count < count {
            let last = rest.indices.compactMap { index in
                rest[index].last.map { (index: index, time: time($0)) }
            }
            guard let newest = last.max(by: { $0.time < $1.time }) else { break }
            found.append(rest[newest.index].removeLast())
        }
        return found
    }

    private func newest(
        _ count: Int, of partition: TopicPartition, _ reason: String?
    ) throws(KafkaError) -> [DeadLetter] {
        let log = try consumer.watermarks(of: partition, timeoutMilliseconds: 10_000)
        var found: [DeadLetter] = []
        var end = log.high
        var window = Int64(count)
        while end > log.low, found.count < count {
            let start = max(log.low, end - window)
            let letters = try read(partition, start..<end).filter {
                reason == nil || $0.reason == reason
            }
            found = letters.suffix(count - found.count) + found
            end = start
            window = min(window * 4, 10_000)
        }
        return found
    }

    /// The letters at these offsets, in their order; some of the offsets may hold none.
    private func read(
        _ partition: TopicPartition, _ offsets: Range<Int64>
    ) throws(KafkaError) -> [DeadLetter] {
        try consumer.unassign()
        try consumer.assign([(partition, offset: offsets.lowerBound)])
        var found: [DeadLetter] = []
        while true {
            guard ValueText.now() < deadlineMilliseconds else {
                throw KafkaError(code: .timedOut, message: "\(partition) was not read in time")
            }
            let batch = consumer.nextBatch(maximum: 1_000, timeoutMilliseconds: 200)
            var isAtEnd = false
            for record in batch.records where record.partition == partition.partition {
                isAtEnd = isAtEnd || record.offset + 1 >= offsets.upperBound
                if offsets.contains(record.offset) {
                    found.append(DeadLetter(record, topic: topic))
                }
            }
            for event in batch.events {
                switch event {
                case .endOfPartition(let other, _): isAtEnd = isAtEnd || other == partition
                case .partitionError(_, let error) where !error.isRetriable: throw error
                case .error(let error) where error.isFatal: throw error
                case .partitionError, .error: break
                }
            }
            if isAtEnd { return found }
        }
    }
}
