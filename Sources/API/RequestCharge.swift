import HTTPServer
import Query

/// What one request uses of the limits, from its credential to its end; of one thread.
///
/// A request pays one unit before anything is read. What its reads cost beyond that is known later
/// (and is on its way by then, where the same request came before), so it is taken from the bucket
/// whatever that holds: the next requests of the credential wait until the debt has flowed in.
final class RequestCharge: ReadAdmission {
    private let limits: RequestLimits
    private let badRequestStatus: Int
    /// The bucket of its credential; nil before that is known.
    private var bucket: [UInt8]?
    /// The organization whose gate it has passed.
    private var organization: [UInt8]?
    /// Commands of all its plans so far.
    private var commands = 0
    /// What they have brought so far.
    private var members = 0
    private var unitsPaid = 0
    private var refusal: Problem?

    init(_ limits: RequestLimits, badRequestStatus: Int) {
        self.limits = limits
        self.badRequestStatus = badRequestStatus
    }

    /// Begins a request with a well-formed key of this hash; it need not be a valid one.
    ///
    /// The bucket is the hash's, not the header's: one key can be written there in many ways.
    func begin(credential hash: [UInt8]) throws(Problem) {
        try payRequest([UInt8(ascii: "k")] + hash)
        if let organization = limits.perOrganization?.organization(ofCredential: hash) {
            try enter(organization)
        }
    }

    /// Begins a request with a verified token: a bucket for each subject of each organization.
    func begin(token claims: TokenVerifier.Claims) throws(Problem) {
        // No text holds a byte of 255, so two pairs never look alike.
        try payRequest([UInt8(ascii: "t")] + (claims.organization ?? []) + [255] + claims.subject)
    }

    private func payRequest(_ bucket: [UInt8]) throws(Problem) {
        self.bucket = bucket
        guard let limiter = limits.perCredential else { return }
        let decision = limiter.take(bucket, at: MonotonicTime.nanoseconds())
        if let problem = RequestCharge.problem(decision) { throw problem }
    }

    /// Counts it among its organization's requests until its end, or says 429 after a short wait.
    ///
    /// A request that is refused here keeps the unit that it paid: it held a thread while it waited.
    func enter(_ organization: [UInt8], credential hash: [UInt8]? = nil) throws(Problem) {
        guard let gate = limits.perOrganization else { return }
        if let hash { gate.remember(organization, ofCredential: hash) }
        if self.organization == organization { return }
        leave()
        guard gate.enter(organization) else {
            throw Problem(
                429, "Too many requests of this organization at the same time",
                retryAfterSeconds: 1)
        }
        self.organization = organization
    }

    /// The key of this hash turned out not to be valid.
    func refuse(credential hash: [UInt8]) { limits.perOrganization?.forget(credential: hash) }

    /// Takes the commands of one plan into account, before they are sent.
    ///
    /// Units are for the sum of all plans, the bound is for each: a request whose plan is made again
    /// because of newer events must not be refused for that.
    func admit(commands count: Int) throws(QueryError) {
        guard count <= limits.mostCommands else {
            let problem = Problem(
                badRequestStatus,
                "The answer would need \(count) reads, at most \(limits.mostCommands) are made at "
                    + "once: ask for less time or for fewer things at once")
            refusal = problem
            throw QueryError(.refused, problem.message)
        }
        commands += count
        charge()
    }

    /// Takes into account how much a plan has brought.
    func found(members count: Int) {
        members += count
        charge()
    }

    private func charge() {
        let units = RequestLimits.units(commands: commands, members: members)
        guard units > unitsPaid, let bucket else { return }
        limits.perCredential?.charge(
            bucket, tokens: units - unitsPaid, at: MonotonicTime.nanoseconds())
        unitsPaid = units
    }

    /// What to answer where there is a problem: what was refused here goes before what followed
    /// from it, and a request without a valid credential is counted for its address.
    func problem(_ problem: Problem, from address: RemoteAddress) -> Problem {
        if let refusal { return refusal }
        guard problem.status == 401, let limiter = limits.perAddress else { return problem }
        let decision = limiter.take(address.rateLimitKey, at: MonotonicTime.nanoseconds())
        return RequestCharge.problem(decision) ?? problem
    }

    /// Ends the request.
    func end() { leave() }

    private func leave() {
        if let organization { limits.perOrganization?.leave(organization) }
        organization = nil
    }

    private static func problem(_ decision: RateLimiter.Decision) -> Problem? {
        guard case .refused(let seconds) = decision else { return nil }
        return Problem(429, "Too many requests", retryAfterSeconds: seconds)
    }
}
