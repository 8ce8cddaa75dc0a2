import HTTPServer
import Pipeline

/// The counting half of the process: lanes, dead letters and the mirror of the directory.
final class Counting: Sendable {
    private let supervisor: Supervisor
    private let log: Log

    /// Prepares everything; no thread runs yet.
    init(_ settings: Settings, parts: MachineParts, log: Log) throws(CommandFailure) {
        let configuration = try settings.pipelineConfiguration(parts, log: log)
        supervisor = Supervisor(configuration) { event in
            let fields: [Log.Field] = [("event", .text(event.name))]
            if let subject = event.subject {
                log.seldom(about: subject, event.logLevel, event.message, fields)
            } else {
                log.write(event.logLevel, event.message, fields)
            }
        }
        self.log = log
    }

    /// Why it cannot count now; nil when it can, also while it holds no partition.
    var trouble: String? { supervisor.trouble }

    /// What is wrong or could not be checked, and why, one line each.
    ///
    /// The lines name keys of Redis, so they do not go to the log.
    var troubles: [String] {
        let metrics = supervisor.metrics
        var lines = metrics.unchecked.map { "unchecked: \($0)" }
        lines += metrics.shardsAside.map { "shard \($0.shard) is set aside: \($0.reason)" }
        lines += metrics.shardsMoving.sorted { $0.shard < $1.shard }.map {
            "shard \($0.shard) waits for its node: \($0.reason), since \($0.milliseconds / 1_000) s"
        }
        lines += metrics.parked.sorted { $0.key < $1.key }.map {
            "shard \($0.key) has \($0.value) parked cells; odometer parked lists them"
        }
        lines += metrics.partitions.compactMap(\.trouble)
        let others = metrics.blockingTroubles + [supervisor.directoryTrouble].compactMap(\.self)
        for line in others where !lines.contains(line) { lines.append(line) }
        // What is not known of a lane or a shard: a start that waits, a lane that does not answer.
        if let trouble, !metrics.partitionAndShardTroubles.contains(trouble),
            !lines.contains(trouble)
        {
            lines.append(trouble)
        }
        return lines
    }

    /// What ended it for good; nil while it runs.
    var failure: CommandFailure? { supervisor.finalError.map { CommandFailure($0) } }

    func start() throws(CommandFailure) {
        do throws(PipelineError) {
            try supervisor.start()
        } catch {
            throw CommandFailure(error)
        }
        if !supervisor.isWaiting { log.info("counting") }
    }

    /// Commits what is folded and ends the lanes.
    func stop(milliseconds: Int64) {
        if !supervisor.stop(deadlineMilliseconds: milliseconds) {
            log.warning("a lane did not end in time; what it had not committed is read again")
        }
    }

    func write(to text: inout PrometheusText) {
        MetricsPage.writeState(
            isReady: supervisor.isReady, isMirrored: supervisor.directoryTrouble == nil,
            refusedRecords: supervisor.refusedDirectoryRecords, to: &text)
        MetricsPage.write(supervisor.metrics, to: &text)
    }
}
