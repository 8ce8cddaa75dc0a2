internal import Kafka
internal import Ledger

/// The directory topic as a log, and whether it still is the log that was mirrored.
///
/// A topic that is deleted and created again under its name is another log with the same offsets,
/// and clients are not told. Three witnesses show it: the end of the log, which never goes back;
/// the last record that was mirrored, because another log has another record at its offset; and the
/// offset that was committed to Kafka, which is deleted with the topic. One thread.
final class DirectoryLog {
    /// Whether this log is the one that was mirrored.
    enum Verdict: Equatable {
        case same
        /// It is another one, by this reason.
        case other(String)
        /// Nobody can tell: the last record that was mirrored is gone, because compaction keeps
        /// only the last record of each key.
        case unknown
    }

    private let consumer: Consumer
    /// Reads the witness and nothing else.
    ///
    /// A client of its own: librdkafka 2.0.2 ends the process when a partition is assigned twice
    /// before the first assignment has begun, so each of the two clients is assigned seldom.
    private let witnessReader: Consumer
    private let partition: TopicPartition
    /// Whether `seek` was called.
    private(set) var isPlaced = false

    /// How long an answer of Kafka may take.
    private static let answerMilliseconds: Int32 = 5_000

    /// A log of the topic's only partition; the witness is read with a group of its own.
    init(_ configuration: PipelineConfiguration, topic: String) throws(KafkaError) {
        consumer = try Consumer(configuration.client)
        witnessReader = try Consumer(
            configuration.client,
            settings: ConsumerSettings(
                group: "\(configuration.group)-directory", reportsEndOfPartition: true))
        partition = TopicPartition(topic: topic, partition: 0)
    }

    /// Where the log begins and ends, as the broker says now.
    func ends() throws(KafkaError) -> (low: Int64, high: Int64) {
        try consumer.watermarks(of: partition, timeoutMilliseconds: Self.answerMilliseconds)
    }

    /// Reads on from `offset`; must not be called twice without reading in between.
    func seek(to offset: Int64) throws(KafkaError) {
        isPlaced = true
        try consumer.assign([(partition, offset: offset)])
    }

    /// The next records, waiting for them at most so long.
    func next(maximum: Int, timeoutMilliseconds: Int32) -> RecordBatch {
        consumer.nextBatch(maximum: maximum, timeoutMilliseconds: timeoutMilliseconds)
    }

    // MARK: Witnesses

    /// Whether the log is the one that was mirrored.
    func judge(
        _ state: DirectoryState, ends: (low: Int64, high: Int64)
    ) throws(KafkaError) -> Verdict {
        guard let mark = state.mark, mark > 0 else { return .same }
        guard mark <= ends.high else {
            return .other("the topic ends at \(ends.high), but \(mark) was mirrored")
        }
        guard let witness = state.witness, witness.offset >= ends.low else { return .unknown }
        return try compare(witness, mark: mark)
    }

    /// Reads the last record that was mirrored again, and compares it.
    private func compare(
        _ witness: Fingerprint, mark: Int64
    ) throws(KafkaError) -> Verdict {
        try witnessReader.assign([(partition, offset: witness.offset)])
        // The client is idle until the next comparison.
        defer { try? witnessReader.unassign() }
        let deadline = SteadyClock.milliseconds + Int64(Self.answerMilliseconds)
        while SteadyClock.milliseconds < deadline {
            let batch = witnessReader.nextBatch(maximum: 1, timeoutMilliseconds: 100)
            for record in batch.records where record.offset >= witness.offset {
                guard record.offset == witness.offset else { return .unknown }
                let found = Fingerprint(
                    offset: record.offset, timestamp: record.timestamp, key: record.key,
                    value: record.value)
                return found == witness
                    ? .same
                    : .other("offset \(witness.offset) holds another record than the one mirrored")
            }
            for event in batch.events {
                switch event {
                case .endOfPartition(_, let end):
                    return end < mark
                        ? .other("the topic ends at \(end), but \(mark) was mirrored") : .unknown
                case .partitionError(_, let error): throw error
                case .error(let error): if error.isFatal { throw error }
                }
            }
        }
        throw KafkaError(code: .timedOut, message: "Kafka does not answer")
    }

    /// Commits to Kafka how far the topic is mirrored; does not wait for the answer.
    func commit(_ state: DirectoryState) {
        guard let mark = state.mark else { return }
        // Without the right to commit this witness is missing; there are two others.
        try? witnessReader.commitHint([
            (partition, offset: mark, metadata: "epoch=\(state.epoch)")
        ])
    }

    /// Whether Kafka holds an offset that was committed; nil when it does not say.
    func hasCommit() -> Bool? {
        guard
            let found = try? witnessReader.committed(
                [partition], timeoutMilliseconds: Self.answerMilliseconds)
        else { return nil }
        return found[0] != nil
    }
}
