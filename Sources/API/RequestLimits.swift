public import HTTPServer

/// What clients may take from a service; nil = as much as they like.
public struct RequestLimits: Sendable {
    /// Requests without a valid credential of one address; a valid one costs the address nothing,
    /// because behind a proxy or a shared line many clients have one address.
    public var perAddress: RateLimiter?
    /// Units of one credential: a request is one, and every 2,000 commands to Redis are one more.
    public var perCredential: RateLimiter?
    /// Requests of one organization at the same time.
    public var perOrganization: OrganizationGate?
    /// Commands to Redis that one request may need; a request that needs more is refused.
    public var mostCommands: Int

    /// Commands for one more unit.
    ///
    /// 2,000 commands take Redis about 1.2 ms, so a credential with 100 units a second takes some 12
    /// percent of Redis' thread. A year of an organization's metrics needs about 900 commands, a
    /// summary of connections about 1,500: the requests of an ordinary page cost one unit each.
    public static let commandsPerUnit = 2_000

    /// The most commands of one request where nobody says another number.
    ///
    /// 20 projects and 366 days, the largest request that the parameters of the shapes permit, need
    /// about 18,000 commands. More than five times as many are not read in the second that an
    /// answer may take.
    public static let mostCommands = 100_000

    /// Limits of these kinds.
    public init(
        perAddress: RateLimiter? = nil, perCredential: RateLimiter? = nil,
        perOrganization: OrganizationGate? = nil, mostCommands: Int = RequestLimits.mostCommands
    ) {
        self.perAddress = perAddress
        self.perCredential = perCredential
        self.perOrganization = perOrganization
        self.mostCommands = mostCommands
    }
}
