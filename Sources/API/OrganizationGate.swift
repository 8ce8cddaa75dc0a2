import HTTPServer

/// Limits how many requests of one organization run at the same time; safe on every thread.
///
/// A request beyond the limit waits for a moment, because most requests take about a millisecond: a
/// page that sends more requests at once than the limit still gets all its answers.
public final class OrganizationGate: Sendable {
    private struct State: ~Copyable {
        var inside: [[UInt8]: Int] = [:]
        /// Tickets of requests that wait, by organization, oldest first.
        var waiting: [[UInt8]: [Int]] = [:]
        /// Tickets of requests that were let in while they waited and have not noticed it yet.
        var admitted: Set<Int> = []
        var lastTicket = 0
        /// The organization of each credential that was found valid, by the credential's hash.
        var organizations: [[UInt8]: [UInt8]] = [:]
    }

    private static let mostRemembered = 4_096
    private let most: Int
    private let waitNanoseconds: UInt64
    private let state = WaitableState(State())

    /// A gate for at most `most` requests of each organization at a time, at least 1.
    ///
    /// A request beyond that waits for at most `wait`.
    public init(most: Int, wait: Duration = .milliseconds(50)) {
        self.most = max(1, most)
        waitNanoseconds = UInt64(max(.zero, wait) / .nanoseconds(1))
    }

    /// How many requests of an organization run now.
    public func count(of organization: [UInt8]) -> Int {
        state.withLock { $0.inside[organization] ?? 0 }
    }

    /// How many requests of an organization wait now.
    func waitingCount(of organization: [UInt8]) -> Int {
        state.withLock { $0.waiting[organization]?.count ?? 0 }
    }

    /// Whether one more request is let in, perhaps after a wait; if so, it must `leave`.
    func enter(_ organization: [UInt8]) -> Bool {
        let ticket = state.withLock { state -> Int? in
            let count = state.inside[organization] ?? 0
            if count < most {
                state.inside[organization] = count + 1
                return nil
            }
            state.lastTicket += 1
            state.waiting[organization, default: []].append(state.lastTicket)
            return state.lastTicket
        }
        guard let ticket else { return true }
        return state.wait(untilNanoseconds: MonotonicTime.nanoseconds() + waitNanoseconds) {
            state in
            state.admitted.remove(ticket) != nil
        } otherwise: { state in
            state.waiting[organization]?.removeAll { $0 == ticket }
            if state.waiting[organization]?.isEmpty ?? false { state.waiting[organization] = nil }
        }
    }

    /// Ends a request, and lets in the one of its organization that waits longest.
    func leave(_ organization: [UInt8]) {
        let isPassedOn = state.withLock { state in
            if let ticket = state.waiting[organization]?.first {
                state.waiting[organization]?.removeFirst()
                if state.waiting[organization]?.isEmpty ?? false {
                    state.waiting[organization] = nil
                }
                state.admitted.insert(ticket)
                return true
            }
            let count = state.inside[organization] ?? 0
            state.inside[organization] = count > 1 ? count - 1 : nil
            return false
        }
        if isPassedOn { state.wakeAll() }
    }

    /// The organization that a credential belonged to when it was last used here; nil: not known.
    ///
    /// It may have changed since, so it decides nothing but where a request is counted before its
    /// credential is read from Redis.
    func organization(ofCredential hash: [UInt8]) -> [UInt8]? {
        state.withLock { $0.organizations[hash] }
    }

    /// Forgets the organization of a credential that is no longer valid.
    func forget(credential hash: [UInt8]) {
        _ = state.withLock { $0.organizations.removeValue(forKey: hash) }
    }

    /// Remembers the organization of a valid credential.
    func remember(_ organization: [UInt8], ofCredential hash: [UInt8]) {
        state.withLock { state in
            if state.organizations[hash] == organization { return }
            if state.organizations.count >= OrganizationGate.mostRemembered {
                state.organizations.removeAll()
            }
            state.organizations[hash] = organization
        }
    }
}
