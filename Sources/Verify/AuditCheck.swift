import Workload

/// Checks the equations of the audit and compares it with the oracle's own counts.
struct AuditCheck {
    /// `TOPIC/PARTITION`.
    let partition: String
    let origin: Int64
    /// Whether the log still holds every record from the origin on.
    let isWhole: Bool

    func run(
        _ marks: [[String: String]], _ audits: [[String: String]], _ prefix: String,
        _ oracle: Oracle.Partition, _ report: inout VerificationReport
    ) {
        var own: Int64 = 0
        var hasLoss = false
        for shard in marks.indices {
            let start = oracleKeyStart(prefix, shard: shard, shards: marks.count)
            let key = Array("\(start)audit".utf8)
            let audit = LedgerReader.audit(of: partition, in: audits[shard])
            let mark = marks[shard][partition].flatMap { Int64($0) } ?? -1
            func expect(_ name: String, _ expected: Int64, _ found: Int64) {
                guard expected != found else { return }
                report.add(
                    .audit, key, member: Array("\(partition):\(name)".utf8),
                    expected: String(expected), found: String(found))
            }
            expect(
                "delivered+gaps+lost", mark - origin, audit.delivered + audit.gaps + audit.lost)
            hasLoss = hasLoss || audit.lost != 0
            own += audit.own
            guard isWhole else { continue }
            expect("delivered", oracle.delivered, audit.delivered)
            expect("accepted", oracle.audit[shard].accepted, audit.accepted)
            expect("duplicate", oracle.audit[shard].duplicate, audit.duplicate)
            expect("ignored", oracle.audit[shard].ignored, audit.ignored)
            expect("rejected", oracle.audit[shard].rejected, audit.rejected)
            expect("further", oracle.audit[shard].further, audit.further)
        }
        if !isWhole { report.skip(.auditOlderThanLog) }
        let delivered = LedgerReader.audit(of: partition, in: audits[0]).delivered
        // After a loss the shards have seen different parts of the log: there is no one right
        // number.
        guard own != delivered, !hasLoss else { return }
        report.add(
            .audit, Array("\(prefix){*}:audit".utf8),
            member: Array("\(partition):accepted+duplicate+ignored+rejected-further".utf8),
            expected: String(delivered), found: String(own))
    }
}
