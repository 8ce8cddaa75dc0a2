/// Why a replay ended early.
public struct ReplayError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The side that failed.
    public enum Code: Sendable, Hashable {
        /// The file, or what stands in it.
        case source
        /// Kafka.
        case sink
        /// Somebody asked to stop.
        case stopped
    }

    /// The side that failed.
    public let code: Code
    /// Text for people.
    public let message: String

    /// An error with these parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
