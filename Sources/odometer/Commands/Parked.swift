import Foundation
import Ledger
import Printing
import Redis

/// `odometer parked`: changes that single cells refused, and the way back.
extension Commands {
    private static let apply = Option(
        name: "apply", placeholder: "", value: .flag,
        help: "Put what is parked into the cells that take it now.", source: .call)
    private static let agreed = Option(
        name: "yes", placeholder: "", value: .flag,
        help: "Do it without asking; needed where no terminal is.", source: .call)

    static let parked = Command(
        path: ["parked"],
        summary: "List changes that cells refused; with --apply put them back.",
        details: """
            A cell that cannot take a change (another type, not an integer, beyond 2^63 or, as a score,
            2^53) is left out, and the change is parked beside the marks. The right number is cell + parked.
            WHY says what the cell lacks now. Repair it: DEL a key of another type, HSET a number.
            --apply puts every parked change into its cell where that takes it, beside running lanes; the
            rest stays parked. Lanes do the same by themselves once a minute.
            Exit code 1 with --apply: something is still parked.
            """,
        options: Options.redisServer + [apply, agreed, Options.json],
        examples: [
            ("parked", "a table for people"), ("parked --apply --yes", "in a script"),
        ],
        run: runParked)

    private static func runParked(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let names = try settings.keyLayout()
        let redis = try settings.redisConfiguration()
        let list: ParkedList
        do throws(LedgerError) {
            var connection = try connect(redis)
            guard let record = try LedgerRecord.read(&connection, layout: names),
                let text = record.contractText
            else { throw LedgerError(.corrupt, "no ledger under \(names.prefix)") }
            let layout = names.with(shardCount: record.shardCount)
            var found = try ParkedList.read(&connection, layout: layout)
            if settings.isOn(apply) {
                guard found.count == 0 || settings.isOn(agreed) || isAgreed(found.count) else {
                    Output.failure("nothing was changed; --yes goes on without asking")
                    return .usage
                }
                let stamp = ContractStamp(
                    number: record.contractNumber, digest: Contract.digest(of: Array(text.utf8)))
                try retry(found, stamp, layout, &connection)
                found = try ParkedList.read(&connection, layout: layout)
            }
            list = found
        } catch {
            throw CommandFailure(.failed, error.message)
        }
        try show(list, settings.isOn(Options.json))
        return settings.isOn(apply) && list.count > 0 ? .failed : .ok
    }

    /// Tries the cells of every shard that has one in the list.
    private static func retry(
        _ list: ParkedList, _ stamp: ContractStamp, _ layout: KeyLayout,
        _ connection: inout Connection
    ) throws(LedgerError) {
        for shard in Set(list.rows.map(\.shard)).sorted() {
            var cursor = ParkedCells.begin
            repeat {
                _ = try ParkedCells.retry(
                    &connection, layout: layout, shard: shard, contract: stamp.text,
                    cursor: &cursor, latestSecond: ValueText.now() / 1_000 + 60)
            } while cursor != ParkedCells.begin
        }
    }

    private static func connect(
        _ redis: RedisConfiguration
    ) throws(LedgerError) -> Connection {
        do throws(RedisError) { return try Connection(redis) } catch { throw LedgerError(error) }
    }

    private static func show(_ list: ParkedList, _ isJSON: Bool) throws(CommandFailure) {
        guard isJSON else {
            list.print()
            if list.count == 0 { Output.line("nothing is parked") }
            return
        }
        try Output.json(["count": list.count, "cells": list.rows.map(\.object)])
    }

    /// Asks at the terminal; without a terminal the answer is no.
    private static func isAgreed(_ count: Int) -> Bool {
        guard isatty(STDIN_FILENO) == 1 else { return false }
        Output.text("\(count) parked changes go into their cells. Type yes to go on: ")
        return readLine() == "yes"
    }
}

extension ParkedList {
    /// Prints a table, and how many more there are.
    func print() {
        guard count > 0 else { return }
        let table = rows.map { row in
            [
                String(row.shard), String(decoding: row.cell.key, as: UTF8.self),
                String(decoding: row.cell.member, as: UTF8.self),
                String(decoding: row.cell.value, as: UTF8.self),
                row.reason ?? "its cell takes it now",
            ]
        }
        Output.table([["SHARD", "PARKED CELL", "FIELD", "CHANGE", "WHY"]] + table)
        if count > rows.count { Output.line("and \(count - rows.count) more parked cells") }
    }
}

extension ParkedList.Row {
    /// What a program reads.
    var object: [String: Any] {
        var object: [String: Any] = [
            "shard": shard, "kind": "\(cell.kind)",
            "key": String(decoding: cell.key, as: UTF8.self),
            "field": String(decoding: cell.member, as: UTF8.self),
            "parked": String(decoding: cell.value, as: UTF8.self),
        ]
        object["reason"] = reason
        object["expires"] = cell.expirySecond
        return object
    }
}
