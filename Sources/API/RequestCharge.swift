import HTTPServer
import Query

/// What one request uses of the limits, from its credential to its end; on one thread.
///
/// A request pays one unit before anything is read. What its reads cost beyond that is known only
/// later, and perhaps after they were sent (where the same request came before). So it is taken
/// even from an empty bucket; the credential's next requests are refused until the debt is paid
/// off.
final class RequestCharge: ReadAdmission {
    private let limits: RequestLimits
    private let badRequestStatus: Int
    /// The bucket of its credential; nil before that is known.
    private var bucket: [UInt8]?
    /// The organization whose gate let it in.
    private var organization: [UInt8]?
    /// Commands of all its plans so far.
    private var commands = 0
    /// Members that these have read so far.
    private var members = 0
    private var unitsPaid = 0
    private var refusal: Problem?

    init(_ limits: RequestLimits, badRequestStatus: Int) {
        self.limits = limits
        self.badRequestStatus = badRequestStatus
    }

    /// Begins a request with a well-formed key of this hash, be it valid or not.
    ///
    /// The bucket belongs to the hash, because one key can be written in a header in several ways.
    func begin(credential hash: [UInt8]) throws(Problem) {
        try payRequest([UInt8(ascii: "k")] + hash)
        if let organization = limits.perOrganization?.organization(ofCredential: hash) {
            try enter(organization)
        }
    }

    /// Begins a request with a verified token; each subject of each organization has a bucket.
    func begin(token claims: TokenVerifier.Claims) throws(Problem) {
        // No UTF-8 text contains the byte 255, so different pairs give different names.
        try payRequest([UInt8(ascii: "t")] + (claims.organization ?? []) + [255] + claims.subject)
    }

    private func payRequest(_ bucket: [UInt8]) throws(Problem) {
        self.bucket = bucket
        guard let limiter = limits.perCredential else { return }
        let decision = limiter.take(bucket, atNanoseconds: MonotonicTime.nanoseconds())
        if let problem = RequestCharge.problem(decision) { throw problem }
    }

    /// Counts it among the running requests of its organization, or throws 429 after a short wait.
    ///
    /// A request that is refused here does not get its unit back: it occupied a thread.
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

    /// Notes that the key of this hash is not valid.
    func refuse(credential hash: [UInt8]) { limits.perOrganization?.forget(credential: hash) }

    /// Charges the commands of one plan before they are sent.
    ///
    /// Units are for the sum of all plans, the limit is for each plan: a request whose plan is
    /// repeated because of newer events must not be refused for that.
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

    /// Charges the members that a plan has read.
    func found(members count: Int) {
        members += count
        charge()
    }

    /// Charges the events of a body: one more unit for each thousand.
    func took(events count: Int) {
        let units = count / 1_000
        guard units > 0, let bucket else { return }
        limits.perCredential?.charge(
            bucket, tokens: units, atNanoseconds: MonotonicTime.nanoseconds())
    }

    private func charge() {
        let units = RequestLimits.units(commands: commands, members: members)
        guard units > unitsPaid, let bucket else { return }
        limits.perCredential?.charge(
            bucket, tokens: units - unitsPaid, atNanoseconds: MonotonicTime.nanoseconds())
        unitsPaid = units
    }

    /// The problem to answer with.
    ///
    /// Where this class refused reads, that is the answer, not the error that followed from it. A
    /// request without a valid credential is charged to its address, which may make it a 429.
    func problem(_ problem: Problem, from address: RemoteAddress) -> Problem {
        if let refusal { return refusal }
        guard problem.status == 401, let limiter = limits.perAddress else { return problem }
        let decision = limiter.take(
            address.rateLimitKey, atNanoseconds: MonotonicTime.nanoseconds())
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
