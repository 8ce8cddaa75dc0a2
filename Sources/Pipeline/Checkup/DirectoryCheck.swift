internal import Kafka
internal import Ledger
internal import Redis

extension Checkup {
    /// Compares the directory in Redis with its topic; no finding when it was never mirrored.
    static func directory(_ configuration: PipelineConfiguration) -> [Finding] {
        guard let topic = configuration.directoryTopic else { return [] }
        do {
            var connection = try LedgerFacts.connect(configuration)
            let state = try DirectoryStore(layout: configuration.layout, topic: topic).state(
                on: &connection)
            guard state.mark != nil || state.epoch > 0 else { return [] }
            let log = try DirectoryLog(configuration, topic: topic)
            let ends = try log.ends()
            return [finding(topic, state, try log.judge(state, ends: ends), end: ends.high)]
        } catch {
            return [
                Finding(
                    .warning, topic, "directory-log",
                    "\(topic): cannot be compared with what was mirrored: \(error)",
                    remedy: "see what is said of Redis and Kafka")
            ]
        }
    }

    /// The finding about the directory, by its state in Redis and the verdict about its log.
    static func finding(
        _ topic: String, _ state: DirectoryState, _ verdict: DirectoryLog.Verdict, end: Int64
    ) -> Finding {
        if case .other(let reason) = verdict {
            return Finding(
                .error, topic, "directory-log",
                "\(topic): is not the log that was mirrored (\(reason)): a key that is revoked in it may still "
                    + "open", remedy: "start odometer run or up, which mirrors all of it again")
        }
        guard let mark = state.mark else {
            return Finding(
                .error, topic, "directory-log",
                "\(topic): another log was found, and is not mirrored to its end yet",
                remedy: "start odometer run or up; where one runs, its /readyz says what is wrong"
            )
        }
        guard mark >= end else {
            return Finding(
                .warning, topic, "directory-log",
                "\(topic): ends at \(end), and Redis has it up to \(mark): what was changed since is not known there",
                remedy: "start odometer run or up; where one runs, its /readyz says what is wrong"
            )
        }
        return Finding(
            .ok, topic, "directory-log",
            "\(topic): mirrored up to offset \(mark)"
                + (state.epoch > 0 ? ", log number \(state.epoch) under this name" : ""))
    }
}
