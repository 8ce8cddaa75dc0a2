internal import Kafka
internal import Ledger

/// The directory topic as a log, and the question whether it is the one that was mirrored.
///
/// A topic that is deleted and created again under its name is another log at the same offsets, and clients are not
/// told. Three witnesses tell: the log's end, which never shrinks; the last record that was mirrored, at whose
/// offset another log has another record; and the offset that was committed, which goes with the topic.
/// One thread.
final class DirectoryLog {
    /// Whether this log is the one that was mirrored.
    enum Verdict: Equatable {
        case same
        /// It is another one, with the reason.
        case other(String)
        /// The record that would tell is gone: a compacted topic keeps the last record of each key only.
        case unknown
    }

    private let consumer: Consumer
    /// Reads the witness and nothing else.
    ///
    /// A client of its own: 2.0.2 ends the process where a partition is assigned
    /// twice before the first assignment has begun, so each of the two is assigned seldom.
    private let witnessReader: Consumer
    private let partition: TopicPartition
    /// Whether `seek` was called.
    private(set) var isPlaced = false

    /// Milliseconds that an answer of Kafka may take.
    private static let patience: Int32 = 5_000

    /// A reader of the topic's only partition, and a witness with a group whose offsets nobody reads by.
    init(_ configuration: PipelineConfiguration, topic: String) throws(KafkaError) {
        consumer = try Consumer(configuration.client)
        witnessReader = try Consumer(
            configuration.client,
            settings: ConsumerSettings(
                group: "\(configuration.group)-directory", reportsEndOfPartition: true))
        partition = TopicPartition(topic: topic, partition: 0)
    }

    /// Begin and end of the log, as the broker says now.
    func ends() throws(KafkaError) -> (low: Int64, high: Int64) {
        try consumer.watermarks(of: partition, timeoutMilliseconds: Self.patience)
    }

    /// Reads on from `offset`; not twice without reading in between.
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

    /// Reads the last record that was mirrored once more.
    private func compare(
        _ witness: Fingerprint, mark: Int64
    ) throws(KafkaError) -> Verdict {
        try witnessReader.assign([(partition, offset: witness.offset)])
        // Idle until the next look.
        defer { try? witnessReader.unassign() }
        let deadline = SteadyClock.milliseconds + Int64(Self.patience)
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

    /// Tells Kafka how far the topic is mirrored; nothing waits for it.
    func commit(_ state: DirectoryState) {
        guard let mark = state.mark else { return }
        // Without the right to commit one witness is missing; the others are there.
        try? witnessReader.commitHint([
            (partition, offset: mark, metadata: "epoch=\(state.epoch)")
        ])
    }

    /// Whether Kafka holds an offset that was committed; nil = it does not say.
    func hasCommit() -> Bool? {
        guard
            let found = try? witnessReader.committed(
                [partition], timeoutMilliseconds: Self.patience)
        else { return nil }
        return found[0] != nil
    }
}
