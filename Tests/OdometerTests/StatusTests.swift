import Foundation
import Ledger
import Printing
import Testing

@testable import odometer

/// What `odometer status` says of one partition.
struct StatusTests {
    private func report(
        mark: Int64, highest: Int64, log: (low: Int64, high: Int64)?
    ) -> StatusReport {
        var partition = LedgerStatus.Partition()
        partition.origin = 0
        partition.lowest = mark
        partition.highest = highest
        var status = LedgerStatus()
        status.partitions["usage-events/0"] = partition
        return StatusReport(
            status: status,
            rows: [StatusReport.Row(name: "usage-events/0", partition: partition, log: log)],
            troubles: [], nowMilliseconds: 0)
    }

    @Test func aMarkBeyondTheEndOfTheLogIsNoLagOfZero() throws {
        let short = report(mark: 10, highest: 52, log: (0, 40))
        #expect(short.rows[0].lag == nil && short.rows[0].beyond == 12)
        #expect(!short.isSound)
        let json = try JSONSerialization.jsonObject(
            with: Data(JSONText.document(short.object).utf8))
        let partitions = (json as? [String: Any])?["partitions"] as? [[String: Any]]
        #expect(partitions?[0]["beyondEnd"] as? Int == 12)
        #expect(partitions?[0]["lag"] == nil)
        let whole = report(mark: 10, highest: 40, log: (0, 40))
        #expect(whole.rows[0].lag == 30 && whole.rows[0].beyond == nil)
        #expect(whole.isSound)
    }

    @Test func furtherEventsOfRecordsAreShown() throws {
        var partition = LedgerStatus.Partition()
        partition.audit = ["delivered": 3, "accepted": 7, "rejected": 1, "further": 5]
        let table = StatusReport(
            status: LedgerStatus(),
            rows: [StatusReport.Row(name: "usage-events/0", partition: partition, log: nil)],
            troubles: [], nowMilliseconds: 0
        ).partitionTable
        let row = Dictionary(uniqueKeysWithValues: zip(table[0], table[1]))
        #expect(row["ACCEPTED"] == "7" && row["REJECTED"] == "1" && row["FURTHER"] == "5")
        #expect(row["DUPLICATE"] == "0" && row["LOST"] == "0" && table[0].count == 14)
    }

    /// A program must not take a failure for an answer without members.
    @Test func whatJSONCannotSayEndsTheCommand() throws {
        #expect(try JSONText.document(["b": 1, "a": "/"]) == "{\n  \"a\" : \"/\",\n  \"b\" : 1\n}")
        let failure = #expect(throws: CommandFailure.self) {
            try JSONText.document(["rate": Double.nan])
        }
        #expect(failure?.code == .defect)
    }

    @Test func whatATerminalObeysIsEscaped() {
        let shown = DeadLetter.visible("a\u{1B}[2J\r\n\u{202E}é\u{9B}")
        #expect(shown == "a\\u{1b}[2J\\u{d}\\u{a}\\u{202e}é\\u{9b}")
    }
}
