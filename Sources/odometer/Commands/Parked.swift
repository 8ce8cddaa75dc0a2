import Foundation
import Ledger
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
        let layout = try settings.keyLayout()
        let redis = try settings.redisConfiguration()
        do throws(LedgerError) {
            var connection = try connect(redis)
            guard let record = try LedgerRecord.read(&connection, layout: layout),
                let text = record.contractText
            else { throw LedgerError(.corrupt, "no ledger under \(layout.prefix)") }
            var list = try ParkedList.read(&connection, layout: layout)
            guard settings.isOn(apply) else {
                show(list, settings.isOn(Options.json))
                return .ok
            }
            guard list.count == 0 || settings.isOn(agreed) || isAgreed(list.count) else {
                Output.failure("nothing was changed; --yes goes on without asking")
                return .usage
            }
            let stamp = ContractStamp(
                number: record.contractNumber, digest: Contract.digest(of: Array(text.utf8)))
            for shard in Set(list.rows.map(\.shard)).sorted() {
                var cursor = ParkedCells.begin
                repeat {
                    _ = try ParkedCells.retry(
                        &connection, layout: layout, shard: shard, contract: stamp.text,
                        cursor: &cursor, latestSecond: ValueText.now() / 1_000 + 60)
                } while cursor != ParkedCells.begin
            }
            list = try ParkedList.read(&connection, layout: layout)
            show(list, settings.isOn(Options.json))
            return list.count == 0 ? .ok : .failed
        } catch {
            throw CommandFailure(.failed, error.message)
        }
    }

    private static func connect(
        _ redis: RedisConfiguration
    ) throws(LedgerError) -> Connection {
        do throws(RedisError) { return try Connection(redis) } catch { throw LedgerError(error) }
    }

    private static func show(_ list: ParkedList, _ isJSON: Bool) {
        guard isJSON else {
            list.print()
            if list.count == 0 { Output.line("nothing is parked") }
            return
        }
        let data = try? JSONSerialization.data(
            withJSONObject: ["count": list.count, "cells": list.rows.map(\.object)],
            options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
        Output.line(data.map { String(decoding: $0, as: UTF8.self) } ?? "{}")
    }

    /// Asks at the terminal; nobody there is a no.
    private static func isAgreed(_ count: Int) -> Bool {
        guard isatty(STDIN_FILENO) == 1 else { return false }
        Output.text("\(count) parked changes go into their cells. Type yes to go on: ")
        return readLine() == "yes"
    }
}
