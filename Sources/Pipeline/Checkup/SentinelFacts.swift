internal import Ledger
internal import Redis

/// What Sentinels say about the master and about themselves, for the checks.
enum SentinelFacts {
    /// Asks every Sentinel; nothing where the address names none.
    static func findings(_ configuration: RedisConfiguration) -> [Finding] {
        guard case .sentinels(let sentinels) = configuration.address else { return [] }
        return findings(sentinels.reports(configuration), name: sentinels.name)
    }

    /// Judges what they said about the master of this name.
    static func findings(_ reports: [Sentinels.Report], name: String) -> [Finding] {
        let answered = reports.filter { $0.master != nil }
        let failures = reports.compactMap { report in
            report.failure.map { "\(report.endpoint): \($0)" }
        }
        let masters = Set(answered.compactMap(\.master))
        var findings = [reach(reports.count, answered, failures, masters, name)]
        if masters.count > 1 {
            let opinions = answered.compactMap { report in
                report.master.map { "\(report.endpoint) names \($0)" }
            }
            findings.append(
                finding(
                    .error, "sentinel-agreement",
                    "the Sentinels disagree about \(name): \(opinions.joined(separator: ", "))",
                    "ask again after a minute; then SENTINEL RESET \(name) where one is wrong"))
        }
        findings += [election(answered, name), replicas(answered, name)].compactMap(\.self)
        return findings
    }

    private static func reach(
        _ count: Int, _ answered: [Sentinels.Report], _ failures: [String],
        _ masters: Set<Endpoint>, _ name: String
    ) -> Finding {
        let text = "\(answered.count) of \(count) Sentinels answer"
        guard let master = masters.first else {
            return finding(
                .error, "sentinel-reach",
                "\(text) about \(name) (\(failures.joined(separator: "; ")))",
                "start them, or correct --redis")
        }
        let known = answered.compactMap(\.known).max()
        let said =
            (masters.count == 1 ? " and name \(master) as \(name)" : "")
            + (known.map { "; \($0) know each other" } ?? "")
            + (answered.compactMap(\.quorum).first.map { ", quorum \($0)" } ?? "")
        guard failures.isEmpty else {
            return finding(
                .warning, "sentinel-reach", "\(text)\(said) (\(failures.joined(separator: "; ")))",
                "start the others, or correct --redis")
        }
        return finding(.ok, "sentinel-reach", text + said, nil)
    }

    /// Whether a failover can be decided, now and after the loss of one Sentinel.
    private static func election(_ answered: [Sentinels.Report], _ name: String) -> Finding? {
        if let obstacle = answered.compactMap(\.obstacle).first {
            return finding(
                .error, "sentinel-quorum", "no failover of \(name) can be decided: \(obstacle)",
                "start the missing Sentinels, or lower the quorum")
        }
        guard let known = answered.compactMap(\.known).max(), known < 3 else { return nil }
        return finding(
            .warning, "sentinel-quorum",
            "\(known) Sentinels watch \(name): after the loss of one no failover can be decided",
            "run three, each on a machine of its own")
    }

    private static func replicas(_ answered: [Sentinels.Report], _ name: String) -> Finding? {
        guard answered.compactMap(\.replicas).max() == 0 else { return nil }
        return finding(
            .warning, "sentinel-replicas", "\(name) has no replica that could take its place",
            "add one")
    }

    private static func finding(
        _ grade: Finding.Grade, _ check: String, _ message: String, _ remedy: String?
    ) -> Finding {
        Finding(grade, "redis", check, message, remedy: remedy)
    }
}
