/// An answer other than 200: the status and the message for the client.
///
/// Each dialect writes its body in its own form.
public struct Problem: Error, Sendable, Hashable {
    /// The status code.
    public var status: Int
    /// Text for the client; names a bad parameter, never another organization.
    public var message: String
    /// Seconds for `Retry-After`; nil sends none.
    public var retryAfterSeconds: Int?
    /// Methods for `Allow`; nil sends none.
    public var allow: String?
    /// Whether a 401 is about a credential that was given, not about one that is missing.
    public var isCredentialInvalid = false
    /// The part of the request that is wrong, where one is.
    public var invalidParameter: InvalidParameter?

    /// A problem of these parts.
    public init(
        _ status: Int, _ message: String, retryAfterSeconds: Int? = nil, allow: String? = nil
    ) {
        self.status = status
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
    }

    /// 401: there is no valid credential; `secret` is what the client gave, nil: nothing.
    public static func unauthorized(_ message: String, secret: [UInt8]?) -> Problem {
        var problem = Problem(401, message)
        problem.isCredentialInvalid = secret != nil
        return problem
    }
    /// 503: Redis is away, there is no ledger, or it took too long; never an answer with zeros.
    public static let unavailable = Problem(
        503, "The numbers cannot be read at the moment", retryAfterSeconds: 1)
    /// 500: an error of the server.
    public static let fault = Problem(500, "Internal Server Error")
}
