import HTTPServer
import Pipeline

/// The counting half of the process: lanes, dead letters and the mirror of the directory.
final class Counting: Sendable {
    private let supervisor: Supervisor
    private let log: Log

    /// Everything that is needed, without a thread yet.
    init(_ settings: Settings, parts: MachineParts, log: Log) throws(CommandFailure) {
        let configuration = try settings.pipelineConfiguration(parts, log: log)
        supervisor = Supervisor(configuration) { event in
            log.write(event.logLevel, event.message, [("event", .text(event.name))])
        }
        self.log = log
    }

    /// Why it cannot count now; nil = it can, also where it holds no partition.
    var hindrance: String? { supervisor.hindrance }

    /// What stands still and why, one line each; names keys of Redis, so not for the log.
    var troubles: [String] {
        let metrics = supervisor.metrics
        return metrics.shardsAside.map { "shard \($0.shard) is set aside: \($0.reason)" }
            + metrics.partitions.compactMap { partition in
                partition.stopped.map {
                    "\(partition.topic)/\(partition.partition) is stopped: \($0)"
                }
            }
    }

    /// What ended it for good; nil = it runs.
    var failure: CommandFailure? { supervisor.failure.map { CommandFailure($0) } }

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
        MetricsPage.write(supervisor.metrics, to: &text)
    }
}
