internal import Ledger

/// Why the machine cannot start or had to stop.
public struct PipelineError: Error, Sendable, CustomStringConvertible {
    /// What kind of obstacle.
    public enum Code: Sendable {
        /// The configuration or the catalog.
        case configuration
        /// Kafka or a topic.
        case kafka
        /// Redis cannot be reached or refuses.
        case redis
        /// Redis is not fit for exact numbers (eviction policy, version, access).
        case unfitServer
        /// The ledger stands under another contract.
        case contract
        /// A newer contract took over while we ran.
        case superseded
        /// Something that should not happen.
        case `internal`
    }
    /// What kind of obstacle.
    public let code: Code
    /// One sentence for people.
    public let message: String
    /// Whether it may pass by itself: Redis away or loading.
    let isPassing: Bool
    /// Whether the server is no master that works, so that its name is resolved again.
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
        default:
            self.init(
                .redis, error.message, isPassing: error.isRetriable,
                leavesServer: error.leavesServer)
        }
    }
}
