import Kafka
import Ledger

/// Whether Kafka still holds what a ledger has counted.
struct LogReach {
    /// A log that begins after the origin of its counting.
    struct Loss {
        var partition: LogPartition
        var origin: Int64
        /// The first offset that is left.
        var start: Int64

        var text: String {
            "\(partition.name): Kafka begins at \(start), counting began at \(origin): "
                + "\(start - origin) offsets are gone"
        }
    }

    private let kafka: ClientConfiguration
    /// Why nothing can be counted again, one line each.
    private(set) var refusals: [String] = []
    /// Logs whose first counted offsets are gone.
    private(set) var losses: [Loss] = []
    /// Kafka could not be asked.
    private(set) var isAway = false

    init(_ kafka: ClientConfiguration) { self.kafka = kafka }

    /// Asks Kafka; `marks`: those of all shards, with the fingerprint of a record of each log.
    mutating func look(
        _ record: LedgerRecord, _ partitions: [LogPartition], _ marks: [ShardMarks]
    ) {
        do throws(KafkaError) {
            let consumer = try Consumer(kafka)
            let cluster = consumer.clusterID(timeoutMilliseconds: 10_000)
            if let cluster, !record.birth.cluster.isEmpty, cluster != record.birth.cluster {
                refusals.append(
                    "this is cluster \(cluster), and \(record.birth.cluster) was counted")
                return
            }
            var witnesses: [TopicPartition: Fingerprint] = [:]
            for (index, partition) in partitions.enumerated() {
                let logPartition = TopicPartition(
                    topic: partition.topic, partition: partition.partition)
                let log = try consumer.watermarks(of: logPartition, timeoutMilliseconds: 10_000)
                let origin = record.origins[partition]?.offset ?? 0
                let counted = marks.compactMap { $0.marks[index].offset }.max() ?? 0
                if log.high < counted {
                    refusals.append(
                        "\(partition.name): the log ends at \(log.high), but \(counted) was counted: "
                            + "it is not the log that was counted")
                } else if log.low > origin {
                    losses.append(Loss(partition: partition, origin: origin, start: log.low))
                }
                witnesses[logPartition] =
                    marks.compactMap { $0.marks[index].fingerprint }.max { $0.offset < $1.offset }
            }
            try compare(witnesses)
        } catch {
            isAway = error.isRetriable
            refusals.append("kafka: \(error.message)")
        }
    }

    /// Reads the newest counted record of each log again and compares it with its fingerprint.
    private mutating func compare(
        _ witnesses: [TopicPartition: Fingerprint]
    ) throws(KafkaError) {
        let probe = try RecordProbe(kafka)
        try probe.ask(witnesses.sorted { $0.key < $1.key }.map { ($0.key, $0.value.offset) })
        var others: [TopicPartition] = []
        for _ in 0..<100 {
            let isDone = try probe.receive(timeoutMilliseconds: 100) { partition, answer in
                guard case .record(let found) = answer, let witness = witnesses[partition],
                    found.offset == witness.offset
                else { return }
                let seen = Fingerprint(
                    offset: found.offset, timestamp: found.timestamp, key: found.key,
                    value: found.value)
                if seen != witness { others.append(partition) }
            }
            if isDone {
                refusals += others.map {
                    "\($0): another record is where one was counted: it is not the log that was counted"
                }
                return
            }
        }
        isAway = true
        refusals.append("kafka: no answer about what the log holds")
    }
}
