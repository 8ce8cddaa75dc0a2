public import Kafka
import Workload

/// Which records of a topic are replayed.
public struct TopicRange: Sendable, Equatable {
    /// The first offset of each partition; nil: the beginning of the log.
    public var firstOffset: Int64?
    /// The offset of each partition at which to end, not included; nil: the end of the log when the
    /// source is made.
    public var endOffset: Int64?
    /// Only records from this timestamp on, since 1970; nil: all.
    public var sinceMilliseconds: Int64?
    /// Only records before the first one with this timestamp or a later one; nil: all.
    public var untilMilliseconds: Int64?

    /// Makes the range of everything that the topic holds.
    public init() {}
}

/// The records of a topic, merged by their timestamps; those of one partition stay in order.
///
/// Each partition has a client of its own, so that it is read only as fast as the merge needs it
/// and memory stays small.
public final class TopicSource: RecordSource {
    private final class Reader {
        let consumer: Consumer
        let partition: TopicPartition
        var next: Int64
        let end: Int64
        var waiting: [SourceRecord] = []
        var head = 0
        /// The greatest timestamp so far; the merge compares partitions by it.
        var timeMilliseconds: Int64 = .min

        init(_ consumer: consuming Consumer, _ partition: TopicPartition, from: Int64, to: Int64) {
            self.consumer = consumer
            self.partition = partition
            next = from
            end = to
        }
    }

    private var readers: [Reader] = []
    /// How many records were in the range at the start.
    public let total: Int64
    private var taken: Int64 = 0

    /// Finds the offsets of the range; throws when the topic does not exist.
    public init(
        _ configuration: ClientConfiguration, topic: String, range: TopicRange
    ) throws(ReplayError) {
        var configuration = configuration
        configuration.properties =
            [
                ("queued.min.messages", "2000"), ("fetch.message.max.bytes", "262144"),
                ("queued.max.messages.kbytes", "2048"),
            ] + configuration.properties
        var total: Int64 = 0
        do throws(KafkaError) {
            let first = try Consumer(configuration)
            try first.waitForTopics([topic], timeoutMilliseconds: 10_000)
            let count = try first.partitionCount(of: topic, timeoutMilliseconds: 10_000)
            for number in 0..<Int32(count) {
                let partition = TopicPartition(topic: topic, partition: number)
                let bounds = try TopicSource.bounds(partition, range, first)
                guard bounds.lower < bounds.upper else { continue }
                total += bounds.upper - bounds.lower
                let consumer = try Consumer(configuration)
                try consumer.assign([(partition, offset: bounds.lower)])
                readers.append(
                    Reader(consumer, partition, from: bounds.lower, to: bounds.upper))
            }
        } catch {
            throw ReplayError(.source, "\(topic): \(error.message)")
        }
        self.total = total
    }

    private static func bounds(
        _ partition: TopicPartition, _ range: TopicRange, _ consumer: borrowing Consumer
    ) throws(KafkaError) -> (lower: Int64, upper: Int64) {
        let log = try consumer.watermarks(of: partition, timeoutMilliseconds: 10_000)
        var lower = max(log.low, range.firstOffset ?? log.low)
        var upper = min(log.high, range.endOffset ?? log.high)
        if let since = range.sinceMilliseconds {
            let offset = try consumer.offsets(
                forTime: since, of: [partition], timeoutMilliseconds: 10_000)[0]
            lower = max(lower, offset ?? log.high)
        }
        if let until = range.untilMilliseconds {
            let offset = try consumer.offsets(
                forTime: until, of: [partition], timeoutMilliseconds: 10_000)[0]
            upper = min(upper, offset ?? log.high)
        }
        return (lower, upper)
    }

    /// How much of the range has been read, 0 to 1.
    public var share: Double { total == 0 ? 1 : min(1, Double(taken) / Double(total)) }

    /// The oldest of the records that are next in their partitions; nil at the end.
    public func next() throws(ReplayError) -> SourceRecord? {
        var best: Int?
        for place in readers.indices {
            try fill(readers[place])
            let reader = readers[place]
            guard reader.head < reader.waiting.count else { continue }
            reader.timeMilliseconds = max(
                reader.timeMilliseconds,
                reader.waiting[reader.head].timeMilliseconds ?? reader.timeMilliseconds)
            if best.map({ reader.timeMilliseconds < readers[$0].timeMilliseconds }) ?? true {
                best = place
            }
        }
        guard let best else { return nil }
        let reader = readers[best]
        defer { reader.head += 1 }
        taken += 1
        return reader.waiting[reader.head]
    }

    /// Waits until a partition has a next record, or has been read to its end.
    private func fill(_ reader: Reader) throws(ReplayError) {
        guard reader.head == reader.waiting.count, reader.next < reader.end else { return }
        reader.waiting.removeAll(keepingCapacity: true)
        reader.head = 0
        var silent = 0
        while reader.waiting.isEmpty, reader.next < reader.end {
            let batch = reader.consumer.nextBatch(maximum: 1_000, timeoutMilliseconds: 50)
            for record in batch.records where record.offset >= reader.next {
                reader.next = record.offset + 1
                guard record.offset < reader.end else { break }
                reader.waiting.append(TopicSource.copy(record))
            }
            for event in batch.events {
                switch event {
                case .endOfPartition(_, let offset): reader.next = max(reader.next, offset)
                case .partitionError(_, let error), .error(let error):
                    guard error.isRetriable, !error.isFatal else {
                        throw ReplayError(.source, "\(reader.partition): \(error.message)")
                    }
                }
            }
            silent = batch.isEmpty ? silent + 1 : 0
            guard silent < 1_200 else {
                throw ReplayError(.source, "\(reader.partition): no record for 60 s")
            }
        }
    }

    /// A record's timestamp; nil when it has none, or one outside the years of events.
    private static func milliseconds(_ timestamp: Int64) -> Int64? {
        timestamp >= 0 && EventTime.millisecondRange.contains(timestamp) ? timestamp : nil
    }

    private static func copy(_ record: Record) -> SourceRecord {
        var headers: [(name: String, value: [UInt8]?)] = []
        var subject: [UInt8]?
        for header in record.headers {
            let name = String(decoding: header.name, as: UTF8.self)
            // The due time of an earlier replay says nothing about this one.
            guard name != Replayer.dueHeader else { continue }
            let value = header.value.map { [UInt8]($0) }
            if name == "ce_subject" { subject = value }
            headers.append((name, value))
        }
        let value = record.value.map { [UInt8]($0) }
        var copy = SourceRecord(
            key: record.key.map { [UInt8]($0) }, value: value, headers: headers,
            timeMilliseconds: TopicSource.milliseconds(record.timestamp))
        if let value, subject == nil {
            subject = EnvelopeScanner.find(in: value[...]).subject.map { Array(value[$0]) }
        }
        copy.subject = subject
        return copy
    }
}
