import Kafka

/// Reads the newest dead letters: from the end of each partition backwards, in windows that grow.
struct DeadLetterReader: ~Copyable {
    private let log: LogReader
    private let topic: String

    /// A reader that gives up after so long, with the error `timedOut`.
    init(
        _ configuration: ClientConfiguration, topic: String, timeoutMilliseconds: Int
    ) throws(KafkaError) {
        log = try LogReader(configuration, timeoutMilliseconds: timeoutMilliseconds)
        self.topic = topic
    }

    /// At most `count` letters, the newest first; `reason` nil: of all reasons.
    ///
    /// By offset within a partition, because times of several senders may cross there; by time
    /// between partitions.
    func newest(_ count: Int, reason: String?) throws(KafkaError) -> [DeadLetter] {
        let partitions = try log.partitionCount(of: topic)
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
        let ends = try log.ends(of: partition)
        var found: [DeadLetter] = []
        var end = ends.high
        var window = Int64(count)
        while end > ends.low, found.count < count {
            let start = max(ends.low, end - window)
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
        var found: [DeadLetter] = []
        try log.read(partition, offsets) { found.append(DeadLetter($0, topic: topic)) }
        return found
    }
}
