/// What went wrong between us and Redis.
///
/// After every code but `server` the connection is dead: commands may or may not have been carried
/// out, and only a new connection can tell.
public struct RedisError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// The configuration is wrong; nothing was sent.
        case configuration
        /// No connection could be made.
        case connect
        /// The connection broke.
        case io
        /// No answer in time.
        case timeout
        /// What came was not an answer in Redis' protocol.
        case protocolViolation
        /// Redis answered with an error that begins with this word (ERR, WRONGTYPE, NOSCRIPT …).
        case server(String)
    }

    /// The kind of failure.
    public let code: Code
    /// Text for people; holds no password.
    public let message: String

    /// An error with these parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// An error that Redis answered; `code(ofText:)` gives its code.
    public init(serverText: String) {
        self.init(.server(RedisError.code(ofText: serverText)), serverText)
    }

    /// First word of Redis' own error, or nil where Redis did not answer.
    public var serverPrefix: String? {
        if case .server(let prefix) = code { prefix } else { nil }
    }

    /// Code and message in one line.
    public var description: String {
        switch code {
        case .configuration: "redis configuration: \(message)"
        case .connect: "redis connect: \(message)"
        case .io: "redis connection lost: \(message)"
        case .timeout: "redis timeout: \(message)"
        case .protocolViolation: "redis protocol: \(message)"
        case .server("MOVED"):
            "redis answered: \(message) (the address of a cluster begins with redis+cluster://)"
        case .server: "redis answered: \(message)"
        }
    }
}
