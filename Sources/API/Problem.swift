/// A request that is not answered with 200: the status and what to tell the client.
///
/// Each dialect writes it in its own form.
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

    /// A problem of these parts.
    public init(
        _ status: Int, _ message: String, retryAfterSeconds: Int? = nil, allow: String? = nil
    ) {
        self.status = status
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
    }

    /// No valid credential; `secret` is the one that was given, nil for none.
    public static func unauthorized(_ message: String, secret: [UInt8]?) -> Problem {
        var problem = Problem(401, message)
        problem.isCredentialInvalid = secret != nil
        return problem
    }
    /// Redis is away, the ledger is absent, or the time has passed; never zeros.
    public static let unavailable = Problem(
        503, "The numbers cannot be read at the moment", retryAfterSeconds: 1)
    /// A fault of ours.
    public static let fault = Problem(500, "Internal Server Error")
}
