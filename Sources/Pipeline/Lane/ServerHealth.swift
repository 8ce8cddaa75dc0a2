internal import Ledger

/// What a check of Redis found that concerns a lane.
package struct ServerHealth: Sendable {
    /// Why numbers would be wrong, one sentence each; empty when the server is fit.
    var findings: [String] = []
    /// Why nobody may go on counting, because Redis has evicted keys; nil when it has not.
    var evictionFinding: String?
    /// How many keys it has evicted, and in which run; nil when it does not say.
    var evictions: EvictionNote?
    /// The sentence about so many evicted keys.
    var evictionText: @Sendable (Int64) -> String = { "Redis has thrown away \($0) keys" }
    /// Whether it is a replica.
    var isReplica = false
    /// What its clock shows, in milliseconds since 1970; nil when it does not say.
    var clock: Milliseconds?
    /// Name and version of the server.
    var product = "Redis"
    /// Why new keys cannot be made of dumps; nil when they can.
    var dumpRefusal: String?
    /// What could not be checked of it.
    var unchecked: [String] = []
}

extension ServerHealth {
    /// The part of a check that concerns a lane.
    init(_ check: ServerCheck) {
        self.init(
            findings: check.fatalFindings, evictionFinding: check.evictionTrouble,
            evictions: check.evictions, evictionText: check.evictionText,
            isReplica: check.isReplica ?? false, clock: check.clockMilliseconds,
            product: check.product, dumpRefusal: check.dumpRefusal,
            unchecked: check.unchecked)
    }
}

extension ServerHealth {
    /// What several checks of one ledger's masters say together: the worst of each.
    ///
    /// A master that says that it is a replica is left out, unless all of them do: another one has
    /// its slots, and the next map says which.
    init(_ checks: ServerChecks) {
        let masters = checks.all.filter { $0.isReplica != true }
        guard let first = masters.first ?? checks.all.first else {
            self.init()
            return
        }
        self.init(first)
        guard checks.all.count > 1 else { return }
        let ledger = ServerChecks(masters.isEmpty ? checks.all : masters, of: checks)
        findings = ledger.fatalFindings
        evictionFinding = ledger.all.lazy.compactMap(\.evictionTrouble).first
        evictions = ledger.evictions
        clock = ledger.all.compactMap(\.clockMilliseconds).max()
        product = ledger.product
        dumpRefusal = ledger.all.lazy.compactMap(\.dumpRefusal).first
        unchecked = ledger.unchecked
    }
}
