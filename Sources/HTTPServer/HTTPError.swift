/// What went wrong at a door of this room.
public struct HTTPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Equatable, Sendable {
        /// A setting or a route pattern is outside its permitted range.
        case configuration
        /// The address could not be listened on.
        case listen
        /// The server runs already, or its threads could not be started.
        case start
        /// A request is malformed; the answer is 400.
        case badRequest
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence for people.
    public let message: String

    /// Makes an error from its parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message; the code is for programs.
    public var description: String { message }
}
