internal import Ledger

/// Why there is no answer.
public struct QueryError: Error, Sendable, CustomStringConvertible {
    /// The kind of error.
    public enum Code: Sendable, Hashable {
        /// Redis is away, slow, or holds no ledger that can be trusted: try again.
        case unavailable
        /// The catalog has no such meter.
        case unknownMeter
        /// `ReadAdmission` refused the reads.
        case refused
        /// A ranking has too many members to be read in one piece, and the caller wants no other
        /// way.
        case tooLarge
        /// The organizations of a question need more cells than one question may read.
        case tooManyCells
    }

    /// The kind of error.
    public let code: Code
    /// Text for people.
    public let message: String

    /// An error with these parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    static let tooManyRankings = QueryError(
        .unavailable, "too many large rankings are read at a time")

    init(_ error: CellReadError) {
        self.init(error.code == .tooLarge ? .tooLarge : .unavailable, error.message)
    }

    /// The message.
    public var description: String { message }
}
