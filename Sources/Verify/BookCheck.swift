public import Redis
import Workload

/// Checks the books of a ledger, which are its marks and its audit, without the log and also while
/// it counts.
///
/// In every shard, records delivered, skipped as gaps and lost must add up to mark − origin. Over
/// all shards, the outcomes without further events of a record must add up to the number of
/// records delivered. Shards do not commit at the same moment, so the sum must lie between the
/// shard that is furthest behind and the one that is furthest ahead; when all marks are equal, it
/// must be exact.
public struct BookCheck: ~Copyable {
    private var ledger: LedgerReader
    private var report = VerificationReport()

    /// Reads the books of the ledger under this prefix and checks them.
    public static func run(
        _ redis: RedisConfiguration, prefix: String, generation: Int
    ) throws(VerifyError) -> VerificationReport {
        var check = BookCheck(
            ledger: try LedgerReader(redis, prefix: prefix, generation: generation))
        return try check.run()
    }

    private init(ledger: consuming LedgerReader) { self.ledger = ledger }

    private mutating func run() throws(VerifyError) -> VerificationReport {
        guard let description = try ledger.ledger() else {
            throw VerifyError(.redis, "there is no ledger under \(ledger.prefix)")
        }
        let books = try ledger.books()
        for (shard, book) in books.enumerated() {
            if let reason = book.marks["!torn"], !reason.isEmpty {
                report.add(
                    .audit, key(shard), member: Array("!torn".utf8), expected: "", found: reason)
            }
            report.parked += book.marks["!parked"].flatMap { Int($0) } ?? 0
            // Both are made in one step; a ledger of an earlier version has neither.
            let births = (marks: book.marks["!birth"], audit: book.audit["!birth"])
            if births.marks != births.audit {
                report.add(
                    .audit, key(shard), member: Array("!birth".utf8),
                    expected: births.marks ?? "", found: births.audit ?? "")
            }
            let begun = book.marks["!begun"] ?? "0"
            let done = book.marks["!done"] ?? "0"
            guard begun != done else { continue }
            report.add(
                .audit, key(shard), member: Array("!done".utf8), expected: begun, found: done)
        }
        var sums = LedgerReader.Audit()
        for (member, value) in description.sorted(by: { $0.key < $1.key })
        where member.hasPrefix("origin:") {
            let origin = value.split(separator: " ").first.flatMap { Int64($0) } ?? 0
            checkPartition(String(member.dropFirst("origin:".count)), origin, books, &sums)
        }
        report.outcomes = [
            ("accepted", sums.accepted), ("duplicate", sums.duplicate),
            ("ignored", sums.ignored), ("rejected", sums.rejected), ("lost", sums.lost),
        ]
        if sums.further > 0 { report.outcomes.append(("further", sums.further)) }
        report.records = sums.delivered
        return report
    }

    private mutating func checkPartition(
        _ partition: String, _ origin: Int64,
        _ books: [(marks: [String: String], audit: [String: String])],
        _ sums: inout LedgerReader.Audit
    ) {
        var own: Int64 = 0
        var lost: Int64 = 0
        var delivered: (lowest: Int64, highest: Int64) = (.max, 0)
        for (shard, book) in books.enumerated() {
            let audit = LedgerReader.audit(of: partition, in: book.audit)
            // A partition without marks has no audit yet either.
            let mark = book.marks[partition].flatMap { Int64($0) } ?? origin
            expect(
                shard, "\(partition):delivered+gaps+lost", mark - origin,
                audit.delivered + audit.gaps + audit.lost)
            own += audit.own
            sums.accepted += audit.accepted
            sums.duplicate += audit.duplicate
            sums.ignored += audit.ignored
            sums.rejected += audit.rejected
            sums.further += audit.further
            lost = max(lost, audit.lost)
            delivered.lowest = min(delivered.lowest, audit.delivered)
            delivered.highest = max(delivered.highest, audit.delivered)
        }
        sums.delivered += delivered.highest
        sums.lost += lost
        // After a loss the shards have seen different parts of the log: there is no one right
        // number.
        guard lost == 0 else { return report.skip(.countedWithLoss) }
        report.sums += 1
        guard !(delivered.lowest...max(delivered.lowest, delivered.highest)).contains(own) else {
            return
        }
        let expected =
            delivered.lowest == delivered.highest
            ? "\(delivered.lowest)" : "\(delivered.lowest) to \(delivered.highest)"
        report.add(
            .audit, Array("\(ledger.prefix){*}:audit".utf8),
            member: Array("\(partition):accepted+duplicate+ignored+rejected-further".utf8),
            expected: expected, found: String(own))
    }

    private mutating func expect(
        _ shard: Int, _ name: String, _ expected: Int64, _ found: Int64
    ) {
        report.sums += 1
        guard expected != found else { return }
        report.add(
            .audit, key(shard), member: Array(name.utf8), expected: String(expected),
            found: String(found))
    }

    private func key(_ shard: Int) -> [UInt8] {
        Array("\(ledger.start(of: shard))audit".utf8)
    }
}
