internal import Ledger

/// What is known of a partition's log and marks, and the findings that follow from it.
struct PartitionFacts {
    let name: LogPartition
    /// Where the log begins and ends; nil when Kafka did not say.
    var log: (low: Int64, high: Int64)?
    /// The error because of which Kafka did not say.
    var errorText: String?
    /// How long records are kept; nil when for ever or unknown.
    var retention: Milliseconds?
    /// Where counting began; nil when it has not.
    var origin: Int64?
    /// Lowest and highest mark of all shards.
    var lowest: Int64?
    var highest: Int64?
    /// Timestamp of the last record before the lowest mark, since 1970.
    var lowestTime: Milliseconds?

    init(name: LogPartition) { self.name = name }

    /// Whether the log still holds everything that was counted.
    var reachesOrigin: Bool {
        guard let origin else { return true }
        return log.map { $0.low <= origin } ?? false
    }

    /// What is wrong, or one finding that says how far it is counted.
    ///
    /// - Parameters:
    ///   - window: N of the dedupe window.
    ///   - now: the wall clock, since 1970.
    func findings(window: Int64, now: Milliseconds) -> [Finding] {
        guard let log else {
            return [
                finding(
                    .error, "log", "the log cannot be asked for: \(errorText ?? "no answer")",
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
        return found.isEmpty ? [progress(log, origin, lowest)] : found
    }

    private func progress(
        _ log: (low: Int64, high: Int64), _ origin: Int64, _ lowest: Int64
    ) -> Finding {
        let reach =
            log.low <= origin
            ? "all of it can be read again"
            : "what lies before \(log.low) is in Redis alone"
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

    private func margin(_ high: Int64, _ lowest: Int64, _ now: Milliseconds) -> Finding? {
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
