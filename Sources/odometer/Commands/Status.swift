import Foundation
import Kafka
import Ledger
import Redis

/// `odometer status`: where the counting stands, from Redis and Kafka.
extension Commands {
    static let status = Command(
        path: ["status"],
        summary: "Show lag, freshness, origin, losses and shards that stand behind.",
        details: """
            LAG is the number of offsets between the lowest mark of all shards and the log's end. FRESHNESS
            is how old the newest counted record is. BEHIND names shards whose newest record is half a minute
            older than the partition's. LOST was gone before it was counted, with --on-loss continue; GONE is
            gone now and not counted. What a running process on this machine has set aside or stopped, and
            why, comes from its --admin-listen. LAG is empty where a log ends below a mark: then a line
            below the table says so.
            Exit code 1: there is no ledger, a shard is torn or set aside, a partition stands still, a log
            ends below a mark, records were lost, or changes are parked because their cells refused them.
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
        do throws(RedisError) {
            status = try LedgerStatus.read(redis, layout: layout)
        } catch {
            throw CommandFailure(error)
        }
        guard let status else {
            throw CommandFailure(
                .failed, "no ledger under \(settings.required(Options.prefix)) in \(redis)")
        }
        let rows = StatusReport.rows(status, kafka: kafka, topics: settings.texts(Options.topic))
        let report = StatusReport(
            status: status, rows: rows, troubles: troubles(settings), now: ValueText.now())
        if settings.isOn(Options.json) {
            try Output.json(report.object)
        } else {
            report.printTables(redis: redis.description)
        }
        return report.isSound ? .ok : .failed
    }
}

extension Commands {
    /// What the process on this machine says, where one runs.
    private static func troubles(_ settings: Settings) -> [String] {
        let (host, port) = settings.address(Options.adminListen)
        let answer = HTTPProbe.get(host: host, port: port, path: "/troubles")
        guard let answer, answer.status == 200 else { return [] }
        let list = try? JSONSerialization.jsonObject(with: Data(answer.body.utf8))
        return list as? [String] ?? []
    }
}

/// What `odometer status` found, as a table or as JSON.
struct StatusReport {
    /// One partition.
    struct Row {
        let name: String
        let partition: LedgerStatus.Partition
        /// Log start and end; nil where Kafka did not answer.
        let log: (low: Int64, high: Int64)?

        var lag: Int64? {
            guard let high = log?.high, let mark = partition.lowest ?? partition.origin else {
                return nil
            }
            return beyond == nil ? max(0, high - mark) : nil
        }

        /// How far the highest mark lies beyond the log's end: the log was recreated or cut.
        var beyond: Int64? {
            guard let high = log?.high, let mark = partition.highest, mark > high else {
                return nil
            }
            return mark - high
        }

        /// Offsets that some shard has not counted and Kafka no longer holds.
        var gone: Int64? {
            guard let low = log?.low, let mark = partition.lowest else { return nil }
            return max(0, low - mark)
        }
    }

    let status: LedgerStatus
    let rows: [Row]
    /// What stands still in the process on this machine.
    let troubles: [String]
    let now: Int64

    var isSound: Bool {
        status.torn.isEmpty && troubles.allSatisfy { $0.hasPrefix("unchecked: ") }
            && status.parked.count == 0
            && rows.allSatisfy {
                ($0.partition.audit["lost"] ?? 0) == 0 && ($0.gone ?? 0) == 0 && $0.beyond == nil
            }
    }

    /// All partitions of the ledger, and those of the topics that it does not know yet.
    static func rows(
        _ status: LedgerStatus, kafka: ClientConfiguration, topics: [String]
    ) -> [Row] {
        var partitions = status.partitions
        var logs: [String: (low: Int64, high: Int64)] = [:]
        // Kafka away leaves the columns empty: what Redis says is worth showing all the same.
        if let consumer = try? Consumer(kafka, settings: ConsumerSettings(), onRebalance: { _ in })
        {
            for topic in topics {
                guard
                    let count = try? consumer.partitionCount(of: topic, timeoutMilliseconds: 5_000)
                else { continue }
                for number in 0..<count {
                    let partition = TopicPartition(topic: topic, partition: Int32(number))
                    partitions[partition.description] =
                        partitions[partition.description] ?? LedgerStatus.Partition()
                    logs[partition.description] = try? consumer.watermarks(
                        of: partition, timeoutMilliseconds: 5_000)
                }
            }
        }
        return partitions.keys.sorted(by: inOrder).map { name in
            Row(name: name, partition: partitions[name] ?? .init(), log: logs[name])
        }
    }

    /// By topic, then by number: `a/2` before `a/10`.
    private static func inOrder(_ first: String, _ second: String) -> Bool {
        let (left, right) = (first.split(separator: "/"), second.split(separator: "/"))
        guard left.first == right.first, let leftNumber = left.last.flatMap({ Int($0) }),
            let rightNumber = right.last.flatMap({ Int($0) })
        else { return first < second }
        return leftNumber < rightNumber
    }

    func printTables(redis: String) {
        let ledger = status.ledger
        Output.table([
            ["ledger", redis],
            ["server", status.server ?? "?"],
            ["layout", ledger["layout"] ?? "?"],
            ["shards", ledger["shards"] ?? "?"],
            ["contract", ledger["contract_number"] ?? "?"],
            ["group", ledger["group"] ?? "?"],
            ["cluster", ledger["cluster"] ?? "?"],
        ])
        var table = [
            [
                "PARTITION", "ORIGIN", "LOG", "MARK", "LAG", "FRESHNESS", "ACCEPTED", "DUPLICATE",
                "IGNORED", "REJECTED", "LOST", "GONE", "BEHIND",
            ]
        ]
        for row in rows {
            let partition = row.partition
            let audit = ["accepted", "duplicate", "ignored", "rejected", "lost"].map {
                number(partition.audit[$0] ?? 0)
            }
            table.append(
                [
                    row.name, number(partition.origin),
                    row.log.map { "\($0.low)…\($0.high)" } ?? "?", number(partition.lowest),
                    number(row.lag), freshness(partition),
                ] + audit + [number(row.gone), behind(partition)])
        }
        Output.line("")
        Output.table(table)
        for row in rows {
            guard let log = row.log, let beyond = row.beyond else { continue }
            Output.line(
                "\(row.name): the log ends at \(log.high), but \(log.high + beyond) was counted: "
                    + "the topic was recreated or cut")
        }
        for (shard, reason) in status.torn.sorted(by: { $0.key < $1.key }) {
            Output.line("shard \(shard) needs a rebuild: \(reason)")
        }
        status.parked.print()
        for line in troubles { Output.line(line) }
        for (field, value) in status.ledger.sorted(by: { $0.key < $1.key })
        where field.hasPrefix("directory:") {
            let topic = field.dropFirst("directory:".count)
            let epoch = status.ledger["directory_epoch:\(topic)"].map { ", log number \($0)" } ?? ""
            Output.line("directory \(topic): next offset \(value)\(epoch)")
        }
    }

    /// What programs read.
    var object: [String: Any] {
        let partitions: [[String: Any]] = rows.map { row in
            var object: [String: Any] = ["partition": row.name, "behind": row.partition.behind]
            object["origin"] = row.partition.origin
            object["mark"] = row.partition.lowest
            object["logStart"] = row.log?.low
            object["logEnd"] = row.log?.high
            object["lag"] = row.lag
            object["gone"] = row.gone
            object["beyondEnd"] = row.beyond
            object["newestRecord"] = row.partition.newest >= 0 ? row.partition.newest : nil
            object["freshnessMilliseconds"] =
                row.partition.newest >= 0 ? max(0, now - row.partition.newest) : nil
            for (name, count) in row.partition.audit { object[name] = count }
            return object
        }
        let torn = status.torn.map { ["shard": $0.key, "reason": $0.value] as [String: Any] }
        // Not the contract's text: it holds the key that decides which ids are alike.
        let shown = ["layout", "shards", "hash", "created", "group", "cluster", "contract_number"]
        let ledger = status.ledger.filter {
            shown.contains($0.key) || $0.key.hasPrefix("directory:")
                || $0.key.hasPrefix("directory_epoch:")
        }
        return [
            "ledger": ledger, "server": status.server ?? "", "partitions": partitions,
            "torn": torn, "troubles": troubles,
            "parked": ["count": status.parked.count, "cells": status.parked.rows.map(\.object)],
        ]
    }

    private func number(_ value: Int64?) -> String { value.map { String($0) } ?? "-" }

    private func freshness(_ partition: LedgerStatus.Partition) -> String {
        guard partition.newest >= 0 else { return "-" }
        let seconds = max(0, now - partition.newest) / 1_000
        if seconds < 120 { return "\(seconds)s" }
        return seconds < 7_200 ? "\(seconds / 60)m" : "\(seconds / 3_600)h"
    }

    private func behind(_ partition: LedgerStatus.Partition) -> String {
        let shards = partition.behind
        return shards.isEmpty ? "-" : shards.map { String($0) }.joined(separator: ",")
    }
}
