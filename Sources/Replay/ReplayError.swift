/// Why a replay ended early.
public struct ReplayError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The side that failed.
    public enum Code: Sendable, Hashable {
        /// The file or topic that is read, or its content.
        case source
        /// Kafka, Redis or the HTTP server on the receiving side.
        case sink
        /// The replay was stopped.
        case stopped
    }

    /// The side that failed.
    public let code: Code
    /// Text for people.
    public let message: String

    /// Makes an error of these parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
