import HTTPServer

/// Lets so many requests of one organization in at the same time; safe to use from every thread.
///
/// A request that finds no place waits for one for a moment, because most requests take about a
/// millisecond: a page that sends more of them at once than there are places gets all its answers.
public final class OrganizationGate: Sendable {
    private struct State: ~Copyable {
        var inside: [[UInt8]: Int] = [:]
        /// Requests that wait, by organization, the first one first.
        var waiting: [[UInt8]: [Int]] = [:]
        /// Requests that were given a place while they waited, and have not taken it yet.
        var admitted: Set<Int> = []
        var lastTicket = 0
        /// The organization of each credential that was found valid, by its hash.
        var organizations: [[UInt8]: [UInt8]] = [:]
    }

    private static let mostRemembered = 4_096
    private let most: Int
    private let patience: UInt64
    private let state = WaitableState(State())

    /// A gate for `most` requests of each organization, at least 1; each waits for a place for
    /// `patience` at most.
    public init(most: Int, patience: Duration = .milliseconds(50)) {
        self.most = max(1, most)
        self.patience = UInt64(max(.zero, patience) / .nanoseconds(1))
    }

    /// Requests of an organization that are inside now.
    public func count(of organization: [UInt8]) -> Int {
        state.withLock { $0.inside[organization] ?? 0 }
    }

    /// Requests of an organization that wait for a place now.
    func waitingCount(of organization: [UInt8]) -> Int {
        state.withLock { $0.waiting[organization]?.count ?? 0 }
    }

    /// Whether one more is let in, perhaps after a wait; each that is has to `leave`.
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
        return state.wait(until: MonotonicTime.nanoseconds() + patience) { state in
            state.admitted.remove(ticket) != nil
        } otherwise: { state in
            state.waiting[organization]?.removeAll { $0 == ticket }
            if state.waiting[organization]?.isEmpty ?? false { state.waiting[organization] = nil }
        }
    }

    /// Gives the place to the request that waits longest, if one does.
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

    /// The organization that a credential belonged to when it was last used here.
    ///
    /// It may have changed since, so it opens nothing: it only says at which gate to ask before
    /// Redis is asked.
    func organization(ofCredential hash: [UInt8]) -> [UInt8]? {
        state.withLock { $0.organizations[hash] }
    }

    /// A credential is no longer valid: it takes nobody's place any more.
    func forget(credential hash: [UInt8]) {
        _ = state.withLock { $0.organizations.removeValue(forKey: hash) }
    }

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
