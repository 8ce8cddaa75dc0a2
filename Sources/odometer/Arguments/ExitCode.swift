/// The exit codes of the process; `odometer --help` lists them.
enum ExitCode: Int32, Sendable, CaseIterable {
    /// Done.
    case ok = 0
    /// Tried and failed, or the compared things differ.
    case failed = 1
    /// Wrong command line or configuration; nothing was tried.
    case usage = 2
    /// A deadline passed first.
    case timeout = 3
    /// Redis or Kafka hold data that this process must not change.
    case refused = 4
    /// Another process has moved the contract on; start again with its catalog.
    case superseded = 5
    /// A bug of ours, or a stop that did not end in time.
    case defect = 70
    /// The ledger was made again with another number of shards; a restart takes it.
    case restart = 75

    /// One line for the help text.
    var meaning: String {
        switch self {
        case .ok: "done"
        case .failed: "failed, or verify found a difference"
        case .usage: "wrong command line or configuration"
        case .timeout: "a deadline passed"
        case .refused:
            "refused (contract, eviction policy, access or version of Redis, a log that is gone)"
        case .superseded: "stopped because a newer contract took over"
        case .defect: "internal error, or the stop took too long"
        case .restart: "the ledger was made again with another number of shards: start again"
        }
    }
}
