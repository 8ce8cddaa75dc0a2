import Foundation
import Kafka
import Ledger
import Printing
import Redis

/// `odometer reset-shard`: the way out of a torn shard.
extension Commands {
    private static let yes = Option(
        name: "yes", placeholder: "", value: .flag,
        help: "Do it without asking; needed where no terminal is.", source: .call)

    private static let acceptLoss = Option(
        name: "accept-loss", placeholder: "", value: .flag,
        help: "Count what Kafka still holds, and record the rest as lost.", source: .call)

    static let resetShard = Command(
        path: ["reset-shard"],
        summary: "Empty one shard and let it be counted again from its origin.",
        details: """
            For a shard that `odometer status` calls torn. All numbers of its organizations are deleted, its
            marks go back to where counting began, and every `odometer run` or `up` notices it within
            5 s and reads the log again for this shard alone. Answers about these organizations are too low
            until that is done. Names, plans and keys stay.
            Refused (exit 4) where Kafka no longer holds everything from the origin on: then restore Redis
            from a backup, or let --accept-loss count what is left: the offsets that are gone stay in the
            audit as `lost`. Refused as well where the log is not the one that was counted. When it was cut
            off, run it again.
            """,
        operands: [
            Operand(
                name: "SHARD",
                help: "Number of the shard, which status names where it is torn, or the tag in the "
                    + "names of its keys, like '{257}'.")
        ],
        options: Options.kafka + Options.redisServer + [acceptLoss, yes],
        examples: [
            ("reset-shard 7", "asks first"), ("reset-shard 7 --yes", "in a script"),
            (
                "reset-shard 7 --accept-loss",
                "where Kafka's retention is shorter than the ledger's life"
            ),
        ],
        run: runResetShard)

    private static func runResetShard(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let names = try settings.keyLayout()
        // Before any server is asked: what no ledger has.
        let counts = [KeyLayout.mostDecimalTags, KeyLayout.mostShards]
        guard
            counts.contains(where: {
                names.with(shardCount: $0).shard(named: call.operands[0]) != nil
            })
        else {
            throw .usage(
                "SHARD must be a number like 175 or a tag like {257}, not \(call.operands[0])")
        }
        let redis = try settings.redisConfiguration()
        let kafka = try settings.kafkaConfiguration(log: call.log)
        var connection: Connection
        do throws(RedisError) {
            connection = try Connection(redis)
        } catch {
            throw CommandFailure(error)
        }
        return try resetShard(
            call.operands[0], names, kafka, redis, &connection, isAgreed: settings.isOn(yes),
            isLossAccepted: settings.isOn(acceptLoss))
    }

    private static func resetShard(
        _ name: String, _ names: KeyLayout, _ kafka: ClientConfiguration,
        _ redis: RedisConfiguration, _ connection: inout Connection, isAgreed: Bool,
        isLossAccepted: Bool
    ) throws(CommandFailure) -> ExitCode {
        do throws(LedgerError) {
            guard let record = try LedgerRecord.read(&connection, layout: names),
                let text = record.contractText
            else { throw LedgerError(.corrupt, "no ledger under \(names.prefix)") }
            let layout = names.with(shardCount: record.shardCount)
            guard let shard = layout.shard(named: name) else {
                Output.failure(
                    "SHARD must be 0 to \(layout.shardCount - 1) or a tag up to "
                        + "{\(layout.tag(of: layout.shardCount - 1))}, not \(name)")
                return .usage
            }
            let partitions = record.origins.keys.sorted()
            let marks = try Marks.read(&connection, layout: layout, partitions: partitions)
            var reach = LogReach(kafka)
            reach.look(record, partitions, marks)
            for line in reach.refusals + reach.losses.map(\.text) { Output.line(line) }
            guard reach.refusals.isEmpty, reach.losses.isEmpty || isLossAccepted else {
                Output.failure(
                    reach.refusals.isEmpty
                        ? "shard \(shard) cannot be counted again as a whole; restore Redis from a "
                            + "backup, or count what is left with --accept-loss"
                        : "shard \(shard) cannot be counted again; restore Redis from a backup")
                return reach.isAway ? .failed : .refused
            }
            let state = marks[shard].torn.map { "torn: \($0)" } ?? "not torn"
            Output.line(
                "shard \(shard) of \(layout.prefix), {\(layout.tag(of: shard))}, is \(state)")
            guard isAgreed || isConfirmed(shard) else {
                Output.failure("nothing was changed; --yes goes on without asking")
                return .usage
            }
            try ShardReset.run(
                &connection, redis: redis, layout: layout, shard: shard,
                contract: ContractStamp(
                    number: record.contractNumber, digest: Contract.digest(of: Array(text.utf8))),
                origins: record.origins,
                starts: Dictionary(
                    uniqueKeysWithValues: reach.losses.map { ($0.partition, $0.start) }))
            Output.line(
                "shard \(shard) is empty and begins again; odometer status shows how far it has come"
            )
            return .ok
        } catch {
            let isRefused = error.code == .otherLayout || error.code == .unsuitableServer
            throw CommandFailure(isRefused ? .refused : .failed, error.message)
        }
    }

    /// Asks at the terminal; without a terminal the answer is no.
    private static func isConfirmed(_ shard: Int) -> Bool {
        guard isatty(STDIN_FILENO) == 1 else { return false }
        Output.text(
            "All its numbers are deleted and counted again. Type \(shard) to go on: ")
        return readLine() == String(shard)
    }
}
