/// An error of the HTTP server, or of a request or route that it reads.
public struct HTTPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of error.
    public enum Code: Equatable, Sendable {
        /// A setting or a route pattern is outside its permitted range.
        case configuration
        /// The server cannot listen on its address.
        case listen
        /// The server runs already, or its threads could not be started.
        case start
        /// A request is malformed; the answer is 400.
        case badRequest
    }

    /// The kind of error.
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
