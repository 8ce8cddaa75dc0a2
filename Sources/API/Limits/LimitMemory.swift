import HTTPServer
import Metering
import Query
import Synchronization

/// The limits of one organization, as they were read last.
final class KnownLimits: Sendable {
    /// The members that decide them, as JSON texts; nil where there is none.
    struct Texts: Sendable, Equatable {
        var own: [UInt8]?
        var billingDay: [UInt8]?
        var plan: [UInt8]?

        var byteCount: Int { [own, billingDay, plan].reduce(0) { $0 + ($1?.count ?? 0) } }
    }

    let texts: Texts
    /// Day of the month on which billing months begin, where a limit says no other.
    let billingDay: Int32
    private let own: [String: [UsageLimit]]
    private let plan: [String: [UsageLimit]]

    /// Throws where a member is no list of limits.
    init(_ texts: Texts) throws(UsageLimitError) {
        self.texts = texts
        let day = texts.billingDay.flatMap(JSONInteger.value) ?? 1
        billingDay = (1...31).contains(day) ? Int32(day) : 1
        own = try KnownLimits.byMeter(texts.own)
        plan = try KnownLimits.byMeter(texts.plan)
    }

    private static func byMeter(_ json: [UInt8]?) throws(UsageLimitError) -> [String: [UsageLimit]]
    {
        guard let json else { return [:] }
        return Dictionary(grouping: try UsageLimit.list(json), by: \.meter)
    }

    /// The limits of a meter: the organization's own, or else those of its plan.
    func limits(of meter: String) -> [UsageLimit] { own[meter] ?? plan[meter] ?? [] }
}

/// What is needed to answer checks while Redis is away: limits of organizations and valid
/// credentials, as Redis had them last.
///
/// Safe on every thread. Bounded: what would be too much makes it forget all. Nothing is used
/// without a question to Redis first, except for a second after Redis did not answer.
final class LimitMemory: Sendable {
    /// How long something is trusted that cannot be read again.
    static let life: Duration = .seconds(300)
    /// How long checks of an organization are answered without asking Redis after it was away.
    static let pause: Duration = .seconds(1)
    static let mostOrganizations = 16_384
    static let mostBytes = 16 << 20
    static let mostCredentials = 16_384

    private struct Entry {
        var limits: KnownLimits
        var readAt: ContinuousClock.Instant
        var awayUntil: ContinuousClock.Instant?
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        var byteCount = 0
        var credentials: [[UInt8]: (credential: Credential, readAt: ContinuousClock.Instant)] = [:]
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) { self.now = now }

    /// The limits that were read last, however long ago; nil: never.
    func limits(of organization: [UInt8]) -> KnownLimits? {
        state.withLock { $0.entries[organization]?.limits }
    }

    /// Notes limits that were just read.
    func learn(_ limits: KnownLimits, of organization: [UInt8]) {
        let now = self.now()
        state.withLock { state in
            if state.entries[organization]?.limits === limits {
                state.entries[organization]?.readAt = now
                state.entries[organization]?.awayUntil = nil
                return
            }
            let old = state.entries[organization]?.limits.texts.byteCount ?? 0
            var count = state.byteCount - old + limits.texts.byteCount
            if state.entries.count >= LimitMemory.mostOrganizations || count > LimitMemory.mostBytes
            {
                state.entries.removeAll()
                count = limits.texts.byteCount
            }
            state.byteCount = count
            state.entries[organization] = Entry(limits: limits, readAt: now)
        }
    }

    /// Notes a credential that was just found valid.
    func learn(_ credential: Credential) {
        let now = self.now()
        state.withLock { state in
            if state.credentials.count >= LimitMemory.mostCredentials {
                state.credentials.removeAll()
            }
            state.credentials[credential.hash] = (credential, now)
        }
    }

    /// Forgets a credential that is not valid.
    func forget(credential hash: [UInt8]) {
        _ = state.withLock { $0.credentials.removeValue(forKey: hash) }
    }

    /// The credential of this hash, where it was valid lately.
    func credential(_ hash: [UInt8]) -> Credential? {
        let now = self.now()
        return state.withLock { state in
            guard let known = state.credentials[hash], now - known.readAt < LimitMemory.life else {
                return nil
            }
            return known.credential
        }
    }

    /// The limits of an organization where they were read lately.
    func recentLimits(of organization: [UInt8]) -> KnownLimits? {
        let now = self.now()
        return state.withLock { state in
            guard let entry = state.entries[organization], now - entry.readAt < LimitMemory.life
            else { return nil }
            return entry.limits
        }
    }

    /// Notes that the organization's numbers could not be read.
    func noteAway(_ organization: [UInt8]) {
        let now = self.now()
        state.withLock { $0.entries[organization]?.awayUntil = now + LimitMemory.pause }
    }

    /// Whether they could not be read less than a second ago.
    func isAway(_ organization: [UInt8]) -> Bool {
        let now = self.now()
        return state.withLock { $0.entries[organization]?.awayUntil.map { now < $0 } ?? false }
    }
}
