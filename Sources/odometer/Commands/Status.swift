import Foundation
import HTTPServer
import Kafka
import Ledger
import Printing
import Redis

/// `odometer status`: how far counting is, from Redis and Kafka.
extension Commands {
    static let status = Command(
        path: ["status"],
        summary: "Show lag, freshness, origin, losses and shards that are behind.",
        details: """
            LAG is the number of offsets between the lowest mark of all shards and the log's end. FRESHNESS
            is how old the newest counted record is. BEHIND names shards whose newest record is half a minute
            older than the partition's. LOST was gone before it was counted, with --on-loss continue; GONE is
            gone now and not counted. What a running process on this machine has set aside or stopped, and
            why, comes from its --admin-listen. LAG is empty where a log ends below a mark: then a line
            below the table says so. In a cluster a last line has the masters with the number of shards of
            each; those of a master that is away are left out of the table, and a line says so.
            Exit code 1: there is no ledger, a shard is torn, set aside or cannot be read, a partition stands
            still, a log ends below a mark, records were lost, or changes are parked because their cells
            refused them.
            """,
        options: Options.kafka + [Options.topic] + Options.redisServer
            + [Options.adminListen, Options.json],
        examples: [
            ("status", "a table for people"), ("status --json", "the same for programs"),
        ],
        run: runStatus)

    private static func runStatus(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let redis = try settings.redisConfiguration()
        let layout = try settings.keyLayout()
        let kafka = try settings.kafkaConfiguration(log: call.log)
        let status: LedgerStatus?
        do throws(LedgerError) {
            status = try LedgerStatus.read(redis, layout: layout)
        } catch {
            if case .redis(let error) = error.code { throw CommandFailure(error) }
            throw CommandFailure(.failed, error.message)
        }
        guard let status else {
            throw CommandFailure(
                .failed, "no ledger under \(settings.required(Options.prefix)) in \(redis)")
        }
        let rows = StatusReport.rows(status, kafka: kafka, topics: settings.texts(Options.topic))
        let report = StatusReport(
            status: status, rows: rows, troubles: troubles(settings),
            nowMilliseconds: ValueText.now())
        if settings.isOn(Options.json) {
            try Output.json(report.object)
        } else {
            report.printTables(redis: redis.description)
        }
        return report.isSound ? .ok : .failed
    }
}

extension Commands {
    /// What is wrong with the process on this machine, or could not be checked; empty when none
    /// answers.
    private static func troubles(_ settings: Settings) -> [String] {
        let (host, port) = settings.address(Options.adminListen)
        let answer = HTTPProbe.get(host: host, port: port, path: "/troubles")
        guard let answer, answer.status == 200 else { return [] }
        let list = try? JSONSerialization.jsonObject(with: Data(answer.body.utf8))
        return list as? [String] ?? []
    }
}
