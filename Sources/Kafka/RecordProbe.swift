/// Reads single records, to see what a log holds now; other consumers are not affected.
///
/// It has a client of its own, without a group, for one thread. An answer always comes from a fetch
/// that began after the question was asked.
///
/// Partitions are read one after the other: a fetch brings whole batches, and those of one
/// partition would delay the record of the next.
public final class RecordProbe {
    /// What a partition holds at or after the offset that was asked for.
    public enum Answer {
        /// The first record there; its bytes are valid until `body` returns.
        case record(Record)
        /// No record; readers of the log have reached its end at this offset.
        case end(Int64)
        /// The offset is before the log's start or after its end.
        case outOfRange
    }

    private let consumer: Consumer
    /// Questions without an answer, the current one last.
    private var questions: [(partition: TopicPartition, offset: Int64)] = []
    /// Whether the last question is being asked.
    private var isReading = false
    /// When the fetchers were last woken.
    private var wokenAtMilliseconds: Int64 = 0
    /// How often the fetchers are woken.
    ///
    /// A fetcher that has found its queue full sleeps up to a second (2.0.2) unless it is woken.
    private static let wakePauseMilliseconds: Int64 = 1

    /// A probe with this configuration; no broker is asked yet.
    public init(_ configuration: ClientConfiguration) throws(KafkaError) {
        var settings = ConsumerSettings(reportsEndOfPartition: true)
        settings.readsSingleRecords = true
        consumer = try Consumer(configuration, settings: settings)
    }

    /// Asks for the first record of each partition at or after an offset; earlier questions are
    /// dropped.
    public func ask(_ offsets: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        // A partition must be unassigned before it is assigned again.
        if isReading { try consumer.unassign() }
        isReading = false
        questions = offsets.reversed().map { ($0.0, $0.offset) }
        try readNext()
    }

    /// Whether every question has its answer.
    public var isAnswered: Bool { questions.isEmpty }

    /// Calls `body` with the answers that come within this time; true once all questions have one.
    ///
    /// Throws an error of a partition's log; the questions stay and can be asked again.
    public func receive(
        timeoutMilliseconds: Int32, _ body: (TopicPartition, Answer) -> Void
    ) throws(KafkaError) -> Bool {
        let deadline = monotonicMilliseconds() + Int64(timeoutMilliseconds)
        while let question = questions.last {
            let now = monotonicMilliseconds()
            let pause = Self.wakePauseMilliseconds
            if now - wokenAtMilliseconds >= pause { wake(question.partition) }
            let timeout = Int32(max(0, min(pause, deadline - now)))
            if try isAnswered(question, timeoutMilliseconds: timeout, body) {
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

    /// Wakes the fetcher of a partition, with a request to its leader.
    private func wake(_ partition: TopicPartition) {
        wokenAtMilliseconds = monotonicMilliseconds()
        guard Waker.isNeeded else { return }
        _ = try? consumer.offsets(
            forTime: Consumer.end, of: [partition], timeoutMilliseconds: 200)
    }

    private func isAnswered(
        _ question: (partition: TopicPartition, offset: Int64), timeoutMilliseconds: Int32,
        _ body: (TopicPartition, Answer) -> Void
    ) throws(KafkaError) -> Bool {
        let batch = consumer.nextBatch(maximum: 1, timeoutMilliseconds: timeoutMilliseconds)
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
