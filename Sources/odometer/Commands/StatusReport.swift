import Kafka
import Ledger
import Printing

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
    /// What is wrong with the process on this machine, or could not be checked.
    let troubles: [String]
    let nowMilliseconds: Int64

    var isSound: Bool {
        status.torn.isEmpty && status.unread.isEmpty
            && troubles.allSatisfy { $0.hasPrefix("unchecked: ") }
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
        // Without Kafka its columns stay empty, and what Redis says is shown all the same.
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
        Output.line("")
        Output.table(partitionTable)
        for row in rows {
            guard let log = row.log, let beyond = row.beyond else { continue }
            Output.line(
                "\(row.name): the log ends at \(log.high), but \(log.high + beyond) was counted: "
                    + "the topic was recreated or cut")
        }
        for (shard, reason) in status.torn.sorted(by: { $0.key < $1.key }) {
            Output.line("shard \(shard) needs a rebuild: \(reason)")
        }
        for (reason, shards) in unread {
            Output.line("\(shards.count) shards cannot be read: \(reason)")
        }
        if !status.masters.isEmpty {
            let masters = status.masters.map { "\($0.name) (\($0.shards))" }
            Output.line("masters, with their shards: \(masters.joined(separator: ", "))")
        }
        status.parked.print()
        for line in troubles { Output.line(line) }
        for (member, value) in status.ledger.sorted(by: { $0.key < $1.key })
        where member.hasPrefix("directory:") {
            let topic = member.dropFirst("directory:".count)
            let epoch = status.ledger["directory_epoch:\(topic)"].map { ", log number \($0)" } ?? ""
            Output.line("directory \(topic): next offset \(value)\(epoch)")
        }
    }

    /// One line for each partition, below a line of titles.
    ///
    /// What was accepted, duplicate, ignored and rejected are events; without the further ones of
    /// their records they are records.
    var partitionTable: [[String]] {
        let counted = ["accepted", "duplicate", "ignored", "rejected", "further", "lost"]
        let titles = ["PARTITION", "ORIGIN", "LOG", "MARK", "LAG", "FRESHNESS"]
        let lines = rows.map { row in
            let partition = row.partition
            let place = [
                row.name, number(partition.origin),
                row.log.map { "\($0.low)…\($0.high)" } ?? "?", number(partition.lowest),
                number(row.lag), freshness(partition),
            ]
            return place + counted.map { number(partition.audit[$0] ?? 0) }
                + [number(row.gone), behind(partition)]
        }
        return [titles + counted.map { $0.uppercased() } + ["GONE", "BEHIND"]] + lines
    }

    /// Shards that could not be read, by the reason.
    private var unread: [(reason: String, shards: [Int])] {
        Dictionary(grouping: status.unread.keys) { status.unread[$0] ?? "" }
            .map { (reason: $0.key, shards: $0.value.sorted()) }
            .sorted { ($0.shards.first ?? 0) < ($1.shards.first ?? 0) }
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
            let newest = row.partition.newestMilliseconds
            object["newestRecord"] = newest >= 0 ? newest : nil
            object["freshnessMilliseconds"] =
                newest >= 0 ? max(0, nowMilliseconds - newest) : nil
            for (name, count) in row.partition.audit { object[name] = count }
            return object
        }
        let torn = status.torn.map { ["shard": $0.key, "reason": $0.value] as [String: Any] }
        // Not the contract's text: it holds the key of the dedupe hash.
        let shown = ["layout", "shards", "hash", "created", "group", "cluster", "contract_number"]
        let ledger = status.ledger.filter {
            shown.contains($0.key) || $0.key.hasPrefix("directory:")
                || $0.key.hasPrefix("directory_epoch:")
        }
        var object: [String: Any] = [
            "ledger": ledger, "server": status.server ?? "", "partitions": partitions,
            "torn": torn, "troubles": troubles,
            "parked": ["count": status.parked.count, "cells": status.parked.rows.map(\.object)],
        ]
        if !status.masters.isEmpty {
            object["masters"] = status.masters.map { ["master": $0.name, "shards": $0.shards] }
            object["unread"] = unread.map {
                ["reason": $0.reason, "shards": $0.shards] as [String: Any]
            }
        }
        return object
    }

    private func number(_ value: Int64?) -> String { value.map { String($0) } ?? "-" }

    private func freshness(_ partition: LedgerStatus.Partition) -> String {
        guard partition.newestMilliseconds >= 0 else { return "-" }
        let seconds = max(0, nowMilliseconds - partition.newestMilliseconds) / 1_000
        if seconds < 120 { return "\(seconds)s" }
        return seconds < 7_200 ? "\(seconds / 60)m" : "\(seconds / 3_600)h"
    }

    private func behind(_ partition: LedgerStatus.Partition) -> String {
        let shards = partition.behind
        return shards.isEmpty ? "-" : shards.map { String($0) }.joined(separator: ",")
    }
}
