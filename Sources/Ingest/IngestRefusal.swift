/// Why a whole body of events is refused; nothing of it was sent.
public struct IngestRefusal: Error, Sendable, Hashable {
    /// The kind of reason.
    public enum Code: Sendable, Hashable {
        /// The body is not what its media type says.
        case malformed
        /// The body, or what it expands to, is too long, or it has too many events.
        case tooLarge
        /// Its media type or its coding is none of those that are read.
        case unsupported
    }

    /// The kind of reason.
    public let code: Code
    /// One clause for people; holds nothing of the body.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// How much one body may hold.
public enum IngestLimits {
    /// Events of one body.
    public static let events = 10_000
    /// Bytes of one body, as it is sent and as it is after unpacking.
    public static let bodyBytes = 8 << 20
    /// Bytes of one event.
    ///
    /// Kafka's clients send records up to 1,000,000 bytes unless they are told otherwise; the rest
    /// is for the key, the header and the frame of the batch.
    public static let eventBytes = 998_000
}
