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

    /// A problem of these parts.
    public init(
        _ status: Int, _ message: String, retryAfterSeconds: Int? = nil, allow: String? = nil
    ) {
        self.status = status
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
    }

    /// No valid credential; dialects put their own text in.
    public static let unauthorized = Problem(401, "Unauthorized")
    /// Redis is away, the ledger is absent, or the time has passed; never zeros.
    public static let unavailable = Problem(
        503, "The numbers cannot be read at the moment", retryAfterSeconds: 1)
    /// A fault of ours.
    public static let fault = Problem(500, "Internal Server Error")
}
