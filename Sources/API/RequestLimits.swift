public import HTTPServer

/// The limits for clients of a service; nil: no limit.
public struct RequestLimits: Sendable {
    /// Requests of one address without a valid credential.
    ///
    /// Requests with a valid one are not counted here, because many clients may have one address:
    /// behind a proxy, or on a shared line.
    public var perAddress: RateLimiter?
    /// Units of one credential.
    ///
    /// A request costs one unit, and one more for every 2,000 commands to Redis or 4,000 members
    /// that they read.
    public var perCredential: RateLimiter?
    /// Requests of one organization at the same time.
    public var perOrganization: OrganizationGate?
    /// The most commands to Redis in one plan; a request with a larger plan is refused.
    public var mostCommands: Int

    /// The default of units a second for one credential.
    public static let unitsPerSecond = 100

    /// The default of requests a second without a valid credential for one address.
    public static let addressRequestsPerSecond = 100

    /// How many commands cost one more unit.
    ///
    /// 2,000 commands take Redis about 1.2 ms. A year of an organization's metrics needs about 900
    /// commands, a summary of connections about 1,500: where tables are small, the requests of an
    /// ordinary page cost one unit each.
    public static let commandsPerUnit = 2_000

    /// How many members of tables and rankings, beyond one for each command, cost one more unit.
    ///
    /// 4,000 members take Redis 1 to 2 ms. With commands and members counted, a credential with 100
    /// units a second takes some 12 to 20 percent of Redis' thread. Not counted is Redis' work for
    /// a number of distinct values (up to 27 µs for each sketch) and for adding up rankings.
    public static let membersPerUnit = 4_000

    /// The units that these commands and the members they read cost, beyond the request's own unit.
    static func units(commands: Int, members: Int) -> Int {
        let inMembers = commands * (membersPerUnit / commandsPerUnit)
        return (inMembers + max(0, members - commands)) / membersPerUnit
    }

    /// The default of `mostCommands`.
    ///
    /// It bounds the memory of a plan before it is sent; the time of a request is bounded by
    /// `APIService.timeLimit`. 20 projects and 366 days need about 18,000 commands. A summary of
    /// connections needs more for each group of the organization: more than 50,000 for 1,000
    /// groups.
    public static let mostCommands = 500_000

    /// These limits.
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
