internal import Ledger
internal import Redis

/// Why the machine cannot start or had to stop.
public struct PipelineError: Error, Sendable, CustomStringConvertible {
    /// What the error is about.
    public enum Code: Sendable {
        /// The configuration or the catalog.
        case configuration
        /// Kafka cannot be reached or refuses, or a topic is missing.
        case kafka
        /// Redis cannot be reached or refuses.
        case redis
        /// Redis is not fit for exact numbers (eviction policy, version, access).
        case unfitServer
        /// The ledger is under another contract.
        case contract
        /// Another process has moved the ledger to another contract while this one ran.
        case superseded
        /// The ledger was made again with another number of shards: a restart takes it.
        case otherShards
        /// A fault in this program.
        case `internal`
    }
    /// What the error is about.
    public let code: Code
    /// One sentence for people.
    public let message: String
    /// Whether it may pass by itself, as when Redis is away or loading.
    let isPassing: Bool
    /// Whether the server is no working master, so that its name has to be resolved again.
    let leavesServer: Bool
    /// The message.
    public var description: String { message }

    init(
        _ code: Code, _ message: String, isPassing: Bool = false, leavesServer: Bool = false
    ) {
        self.code = code
        self.message = message
        self.isPassing = isPassing
        self.leavesServer = leavesServer
    }

    init(_ error: LedgerError) {
        switch error.code {
        case .unsuitableServer: self.init(.unfitServer, error.message)
        case .contractDiffers, .otherLayout: self.init(.contract, error.message)
        case .contractMovedOn: self.init(.superseded, error.message)
        case .otherShards: self.init(.otherShards, error.message)
        // A right may be given at any time; a command that the server does not have stays away.
        case .redis(let redis) where redis.isForbidden && redis.serverPrefix != "NOPERM":
            self.init(.unfitServer, error.message)
        default:
            self.init(
                .redis, error.message, isPassing: error.isRetriable,
                leavesServer: error.leavesServer)
        }
    }
}
