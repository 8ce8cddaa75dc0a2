internal import Ledger

/// What Redis says of itself, as far as it concerns a lane.
package struct ServerHealth {
    /// Why numbers would be wrong; empty when it is fit.
    var problems: [String] = []
    /// Why nobody may go on counting, because keys were thrown away; nil when none were.
    var evictionProblem: String?
    /// Keys that it threw away, and in which run; nil when it does not say.
    var evictions: EvictionNote?
    var evictionText: (Int64) -> String = { "Redis has thrown away \($0) keys" }
    /// Whether it is a replica.
    var isReplica = false
    /// Its clock, in milliseconds since 1970; nil when it does not say.
    var clock: Int64?
    /// Name and version.
    var product = "Redis"
    /// What could not be checked.
    var unchecked: [String] = []
}

extension ServerHealth {
    /// What a check found.
    init(_ check: ServerCheck) {
        self.init(
            problems: check.fatalFindings, evictionProblem: check.evictionTrouble,
            evictions: check.evictions, evictionText: check.evictionText,
            isReplica: check.isReplica ?? false, clock: check.clockMilliseconds,
            product: check.product,
            unchecked: check.unchecked)
    }
}
