public import HTTPServer

/// What clients may take from a service; nil: no limit.
public struct RequestLimits: Sendable {
    /// Requests without a valid credential of one address; a valid one costs the address nothing,
    /// because behind a proxy or a shared line many clients have one address.
    public var perAddress: RateLimiter?
    /// Units of one credential: a request is one, and every 2,000 commands to Redis or
    /// 4,000 members that they bring are one more.
    public var perCredential: RateLimiter?
    /// Requests of one organization at the same time.
    public var perOrganization: OrganizationGate?
    /// Commands to Redis that one plan of a request may have; a request with a larger one is refused.
    public var mostCommands: Int

    /// Units a second of one credential, unless another number is set.
    public static let unitsPerSecond = 100

    /// Requests a second without a valid credential of one address, unless another number is set.
    public static let addressRequestsPerSecond = 100

    /// Commands for one more unit.
    ///
    /// 2,000 commands take Redis about 1.2 ms. A year of an organization's metrics needs about 900
    /// commands, a summary of connections about 1,500: where tables are small, the requests of an
    /// ordinary page cost one unit each.
    public static let commandsPerUnit = 2_000

    /// Members of tables and rankings, beyond one for each command, for one more unit.
    ///
    /// 4,000 members take Redis 1 to 2 ms. With both, a credential with 100 units a second takes some
    /// 12 to 20 percent of Redis' thread. Not counted is what Redis does for a number of different
    /// values (up to 27 µs for each sketch) and for the sets that a sum of rankings is made of.
    public static let membersPerUnit = 4_000

    /// Units of so many commands that brought so many members, without the one of each request.
    static func units(commands: Int, members: Int) -> Int {
        let inMembers = commands * (membersPerUnit / commandsPerUnit)
        return (inMembers + max(0, members - commands)) / membersPerUnit
    }

    /// The most commands of one plan where nobody says another number.
    ///
    /// It bounds the memory that a plan takes before it is sent. The time of a request is bounded by
    /// the second that an answer may take. 20 projects and 366 days need about 18,000 commands; a
    /// summary of connections grows with the groups of the organization: more than 50,000
    /// with 1,000 groups.
    public static let mostCommands = 500_000

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
