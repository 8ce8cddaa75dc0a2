import Foundation
import Kafka
import Ledger
import Redis

/// `odometer reset-shard`: the way out of a torn shard.
extension Commands {
    private static let yes = Option(
        name: "yes", placeholder: "", value: .flag,
        help: "Do it without asking; needed where no terminal is.", source: .call)

    static let resetShard = Command(
        path: ["reset-shard"],
        summary: "Empty one shard and let it be counted again from its origin.",
        details: """
            For a shard that `odometer status` calls torn. All numbers of its organizations are deleted, its
            marks go back to where counting began, and whoever runs `odometer run` or `up` notices within
            5 s and reads the log again for this shard alone. Answers about these organizations are too low
            until that is done. Names, plans and keys stay.
            Refused (exit 4) where Kafka no longer holds everything from the origin on: then restore Redis
            from a backup. When it was cut off, run it again.
            """,
        operands: [Operand(name: "SHARD", help: "Number of the shard, 0 to 63.")],
        options: Options.kafka + Options.redisServer + [yes],
        examples: [
            ("reset-shard 7", "asks first"), ("reset-shard 7 --yes", "in a script"),
        ],
        run: runResetShard)

    private static func runResetShard(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let layout = try settings.keyLayout()
        guard let shard = Int(call.operands[0]), (0..<layout.shardCount).contains(shard) else {
            throw .usage("SHARD must be 0 to \(layout.shardCount - 1), not \(call.operands[0])")
        }
        let redis = try settings.redisConfiguration()
        let kafka = try settings.kafkaConfiguration(log: call.log)
        var connection: Connection
        do throws(RedisError) {
            connection = try Connection(redis)
        } catch {
            throw CommandFailure(error)
        }
        return try resetShard(shard, layout, kafka, &connection, settings.isOn(yes))
    }

    private static func resetShard(
        _ shard: Int, _ layout: KeyLayout, _ kafka: ClientConfiguration,
        _ connection: inout Connection, _ isAgreed: Bool
    ) throws(CommandFailure) -> ExitCode {
        do throws(LedgerError) {
            guard let record = try LedgerRecord.read(&connection, layout: layout),
                let text = record.contractText
            else { throw LedgerError(.corrupt, "no ledger under \(layout.prefix)") }
            let partitions = record.origins.keys.sorted()
            let marks = try Marks.read(
                &connection, layout: layout, partitions: partitions, shards: [shard])
            let reach = LogReach(kafka)
            let problems = reach.problems(record, partitions, marks[0])
            guard problems.isEmpty else {
                for line in problems { Output.line(line) }
                Output.failure(
                    "shard \(shard) cannot be counted again; restore Redis from a backup")
                return reach.isAway ? .failed : .refused
            }
            let state = marks[0].torn.map { "torn: \($0)" } ?? "not torn"
            Output.line("shard \(shard) of \(layout.prefix) is \(state)")
            guard isAgreed || isConfirmed(shard) else {
                Output.failure("nothing was changed; --yes goes on without asking")
                return .usage
            }
            try ShardReset.run(
                &connection, layout: layout, shard: shard,
                contract: ContractStamp(
                    number: record.contractNumber, digest: Contract.digest(of: Array(text.utf8))),
                origins: record.origins)
        } catch {
            throw CommandFailure(error.code == .otherLayout ? .refused : .failed, error.message)
        }
        Output.line(
            "shard \(shard) is empty and begins again; odometer status shows how far it has come")
        return .ok
    }

    /// Asks whoever sits at the terminal; nobody there is a no.
    private static func isConfirmed(_ shard: Int) -> Bool {
        guard isatty(STDIN_FILENO) == 1 else { return false }
        Output.text(
            "All its numbers are deleted and counted again. Type \(shard) to go on: ")
        return readLine() == String(shard)
    }
}

/// Whether Kafka still holds what a shard has counted.
private final class LogReach {
    private let kafka: ClientConfiguration
    /// Kafka could not be asked.
    private(set) var isAway = false

    init(_ kafka: ClientConfiguration) { self.kafka = kafka }

    /// Why the shard cannot be counted again, one line each; empty = it can.
    func problems(
        _ record: LedgerRecord, _ partitions: [LogPartition], _ marks: ShardMarks
    ) -> [String] {
        do throws(KafkaError) {
            let consumer = try Consumer(kafka)
            let cluster = consumer.clusterID(timeoutMilliseconds: 10_000)
            if let cluster, !record.birth.cluster.isEmpty, cluster != record.birth.cluster {
                return ["this is cluster \(cluster), and \(record.birth.cluster) was counted"]
            }
            var found: [String] = []
            for (index, partition) in partitions.enumerated() {
                let log = try consumer.watermarks(
                    of: TopicPartition(topic: partition.topic, partition: partition.partition),
                    timeoutMilliseconds: 10_000)
                let origin = record.origins[partition]?.offset ?? 0
                let mark = marks.marks[index].offset ?? 0
                let name = "\(partition.topic)/\(partition.partition)"
                if log.low > origin {
                    found.append(
                        "\(name): Kafka begins at \(log.low), counting began at \(origin): "
                            + "\(log.low - origin) offsets are gone")
                } else if log.high < mark {
                    found.append(
                        "\(name): the log ends at \(log.high), but \(mark) was counted: "
                            + "it is not the log that was counted")
                }
            }
            return found
        } catch {
            isAway = error.isRetriable
            return ["kafka: \(error.message)"]
        }
    }
}
