import Redis

/// Why nothing could be read.
public struct CellReadError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// Redis cannot be reached, or its answer is not as it must be.
        case unavailable
        /// Redis holds no ledger under this prefix and generation, or one of another layout.
        case ledgerAbsent
        /// The shard needs a rebuild; its numbers are not to be trusted.
        case torn
        /// The deadline has passed.
        case timeout
        /// A ranking has too many members to be read in one piece, and the caller refuses pieces.
        case tooLarge
    }

    /// The kind of failure.
    public let code: Code
    /// Text for people.
    public let message: String
    /// Whether to resolve the server's name again, because it cannot work as a master now.
    let leavesServer: Bool
    /// Whether the keys' slot of a cluster moves, so that they cannot be read together now.
    let isMoving: Bool

    /// An error with these parts.
    public init(_ code: Code, _ message: String) {
        self.init(code, message, leavesServer: false)
    }

    init(_ code: Code, _ message: String, leavesServer: Bool, isMoving: Bool = false) {
        self.code = code
        self.message = message
        self.leavesServer = leavesServer
        self.isMoving = isMoving
    }

    /// The message.
    public var description: String { message }
}

extension CellReadError {
    init(_ error: RedisError) {
        self.init(
            error.code == .timeout ? .timeout : .unavailable, error.description,
            leavesServer: error.leavesServer, isMoving: error.isRedirect)
    }
}
