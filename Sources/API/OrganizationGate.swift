import Synchronization

/// Lets so many requests of one organization in at the same time; safe to use from every thread.
public final class OrganizationGate: Sendable {
    private struct State {
        var inside: [[UInt8]: Int] = [:]
        /// The organization of each credential that was found valid, by its hash.
        var organizations: [[UInt8]: [UInt8]] = [:]
    }

    private static let mostRemembered = 4_096
    private let most: Int
    private let state = Mutex(State())

    /// A gate for `most` requests of each organization, at least 1.
    public init(most: Int) { self.most = max(1, most) }

    /// Requests of an organization that are inside now.
    public func count(of organization: [UInt8]) -> Int {
        state.withLock { $0.inside[organization] ?? 0 }
    }

    /// Whether one more is let in; each that is has to `leave`.
    func enter(_ organization: [UInt8]) -> Bool {
        state.withLock { state in
            let count = state.inside[organization] ?? 0
            guard count < most else { return false }
            state.inside[organization] = count + 1
            return true
        }
    }

    func leave(_ organization: [UInt8]) {
        state.withLock { state in
            let count = state.inside[organization] ?? 0
            state.inside[organization] = count > 1 ? count - 1 : nil
        }
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
