internal import Ledger

/// Where a partition's log and the ledger's marks stand, and what follows from it.
struct PartitionFacts {
    let name: LogPartition
    /// Log start and end; nil = Kafka did not say.
    var log: (low: Int64, high: Int64)?
    /// Why Kafka did not say.
    var problem: String?
    /// Milliseconds that records are kept; nil = for ever, or unknown.
    var retention: Int64?
    /// Where counting began; nil = it has not.
    var origin: Int64?
    /// Lowest and highest mark of all shards.
    var lowest: Int64?
    var highest: Int64?
    /// Timestamp of the last record before the lowest mark.
    var lowestTime: Int64?

    init(name: LogPartition) { self.name = name }

    /// Whether the log still holds everything that was counted.
    var reachesOrigin: Bool {
        guard let origin else { return true }
        return log.map { $0.low <= origin } ?? false
    }

    /// What is wrong, or one line that says where things stand; `window` is N of the dedupe window.
    func findings(window: Int64, now: Int64) -> [Finding] {
        guard let log else {
            return [
                finding(
                    .error, "log", "the log cannot be asked for: \(problem ?? "no answer")",
                    "look at the leader of this partition")
            ]
        }
        guard let origin, let lowest, let highest else {
            return [finding(.ok, "log", "not counted yet; the log holds \(log.low) to \(log.high)")]
        }
        if highest > log.high {
            return [
                finding(
                    .error, "log-end",
                    "the log ends at \(log.high), but \(highest) was counted: it was recreated or cut",
                    "a new topic or another --prefix; a cut log: restore a backup of that time")
            ]
        }
        if lowest < log.low {
            return [
                finding(
                    .error, "log-lost",
                    "\(log.low - lowest) offsets (\(lowest) to \(log.low)) are gone and not counted in "
                        + "every shard",
                    "restore Redis from a later backup, or start once with --on-loss continue")
            ]
        }
        let found = [warmUp(log.low, origin, lowest, window), margin(log.high, lowest, now)]
            .compactMap(\.self)
        return found.isEmpty ? [standing(log, origin, lowest)] : found
    }

    private func standing(
        _ log: (low: Int64, high: Int64), _ origin: Int64, _ lowest: Int64
    ) -> Finding {
        let reach =
            log.low <= origin
            ? "all of it can be read again"
            : "what lies before \(log.low) stands in Redis alone"
        return finding(
            .ok, "log",
            "counted from \(origin) to \(lowest), the log holds \(log.low) to \(log.high): \(reach)"
        )
    }

    private func warmUp(
        _ low: Int64, _ origin: Int64, _ lowest: Int64, _ window: Int64
    ) -> Finding? {
        guard low > max(origin, lowest - window) else { return nil }
        return finding(
            .warning, "log-warm-up",
            "the log holds \(lowest - low) of the \(window) offsets in which duplicates are looked for: "
                + "after a restart an event repeated from before counts twice",
            "longer retention, or a smaller --dedupe-window")
    }

    private func margin(_ high: Int64, _ lowest: Int64, _ now: Int64) -> Finding? {
        guard lowest < high, let retention, let lowestTime else { return nil }
        let left = lowestTime + retention - now
        guard left < retention / 4 else { return nil }
        return finding(
            .warning, "log-margin",
            "\(high - lowest) offsets are not counted in every shard, and the oldest is deleted "
                + (left > 0 ? "in \(TopicFacts.span(left))" : "any moment"),
            "let it catch up; until then raise retention.ms")
    }

    private func finding(
        _ grade: Finding.Grade, _ check: String, _ message: String, _ remedy: String? = nil
    ) -> Finding {
        let subject = "\(name.topic)/\(name.partition)"
        return Finding(grade, subject, check, "\(subject): \(message)", remedy: remedy)
    }
}
