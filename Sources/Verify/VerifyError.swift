/// Why a verification or a plan could not be completed.
public struct VerifyError: Error, CustomStringConvertible, Sendable {
    /// What failed.
    public enum Code: String, Sendable {
        /// A catalog cannot be read.
        case catalog
        /// The topic cannot be read.
        case kafka
        /// The ledger cannot be read.
        case redis
        /// A schema of the records cannot be had.
        case schemas
        /// The ledger is not of the layout that this oracle reads.
        case layout
    }

    /// What failed.
    public let code: Code
    /// What happened, in one sentence.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code.rawValue): \(message)" }
}
