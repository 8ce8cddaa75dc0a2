/// Reads single records of partitions, beside any other reader of them: a look at what a log holds now.
///
/// It has a client of its own and no group. One thread. A question is answered by what the leader of the
/// partition serves after it was asked, never by what was fetched before.
///
/// Partitions are read one after the other: a fetch brings whole batches, and those of one partition would
/// be in the way of the next one's record.
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
    /// What is asked next is last.
    private var questions: [(partition: TopicPartition, offset: Int64)] = []
    /// Whether the last question is being asked.
    private var isReading = false
    /// When the fetchers were woken last, in milliseconds.
    private var wokenAt: Int64 = 0
    /// Fetchers that have found their queue full sleep up to a second (2.0.2) unless they are woken.
    private static let wakePause: Int64 = 1

    /// A probe with this configuration; no broker is asked yet.
    public init(_ configuration: ClientConfiguration) throws(KafkaError) {
        var settings = ConsumerSettings(reportsEndOfPartition: true)
        settings.readsSingleRecords = true
        consumer = try Consumer(configuration, settings: settings)
    }

    /// Asks for the first record at or behind an offset of each partition; an earlier question is forgotten.
    public func ask(_ places: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        // A partition may not be assigned again before it was given up.
        if isReading { try consumer.unassign() }
        isReading = false
        questions = places.reversed().map { ($0.0, $0.offset) }
        try readNext()
    }

    /// Whether every question has its answer.
    public var isAnswered: Bool { questions.isEmpty }

    /// Gives the answers that come within this time; true once none is missing.
    ///
    /// An error of one partition's log is thrown; the rest may be asked again.
    public func receive(
        timeoutMilliseconds: Int32, _ body: (TopicPartition, Answer) -> Void
    ) throws(KafkaError) -> Bool {
        let deadline = monotonicMilliseconds() + Int64(timeoutMilliseconds)
        while let question = questions.last {
            let now = monotonicMilliseconds()
            if now - wokenAt >= Self.wakePause { wake(question.partition) }
            let patience = max(0, min(Self.wakePause, deadline - now))
            if try isAnswered(question, patience, body) {
                questions.removeLast()
                isReading = false
                try consumer.unassign()
                try readNext()
            } else if now >= deadline {
                return false
            }
        }
        return true
    }

    private func readNext() throws(KafkaError) {
        guard let question = questions.last else { return }
        try consumer.assign([(question.partition, offset: question.offset)])
        isReading = true
        wake(question.partition)
    }

    /// Any question to its leader wakes the fetcher of a partition.
    private func wake(_ partition: TopicPartition) {
        wokenAt = monotonicMilliseconds()
        guard Waker.isNeeded else { return }
        _ = try? consumer.offsets(
            forTime: Consumer.end, of: [partition], timeoutMilliseconds: 200)
    }

    private func isAnswered(
        _ question: (partition: TopicPartition, offset: Int64), _ patience: Int64,
        _ body: (TopicPartition, Answer) -> Void
    ) throws(KafkaError) -> Bool {
        let batch = consumer.nextBatch(maximum: 1, timeoutMilliseconds: Int32(patience))
        for record in batch.records where record.offset >= question.offset {
            body(question.partition, .record(record))
            return true
        }
        for event in batch.events {
            switch event {
            case .endOfPartition(question.partition, let offset):
                body(question.partition, .end(offset))
                return true
            case .partitionError(question.partition, let error):
                guard error.code == .autoOffsetReset || error.code == .offsetOutOfRange else {
                    throw error
                }
                body(question.partition, .outOfRange)
                return true
            case .error(let error): if error.isFatal { throw error }
            default: break
            }
        }
        return false
    }
}
