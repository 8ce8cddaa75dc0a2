internal import Ledger

/// What a lane knows of its Redis server, from one look to the next and across connections.
///
/// A value without Redis; all times are milliseconds.
struct ServerFitness {
    /// Redis would lose or refuse cells: nothing is committed.
    var isUnfit = false
    /// What could not be checked of the server.
    var unchecked: [String] = []
    /// Keys that Redis had thrown away at the look before.
    private var evictions: EvictionNote?
    private var clockBound = ClockBound()

    /// Why numbers are wrong for good, because keys were thrown away; nil when none were.
    ///
    /// The ledger has a note of them; what is remembered here counts too, for the ledger may be
    /// among the keys that went.
    mutating func evictionProblem(_ health: ServerHealth) -> String? {
        defer { evictions = health.evictions ?? evictions }
        if let problem = health.evictionProblem { return problem }
        let lost = health.evictions?.lost(since: evictions) ?? 0
        return lost > 0 ? health.evictionText(lost) : nil
    }

    /// Whether Redis' clock is ahead of every time that is known to be right.
    ///
    /// One that is not ahead of ours, the `wallMilliseconds`, is remembered as right: should ours
    /// be put back later, Redis' is known.
    mutating func isAhead(_ clock: Int64, now: Int64, wallMilliseconds: Int64) -> Bool {
        guard clock > wallMilliseconds + ClockBound.tolerance else {
            vouch(for: clock, now: now)
            return false
        }
        return clock > latestClock(now: now, wallMilliseconds: wallMilliseconds)
    }

    /// This time of Redis is right.
    mutating func vouch(for clock: Int64, now: Int64) { clockBound.vouch(for: clock, now: now) }

    /// The latest time, in milliseconds since 1970, that Redis' clock may show when a commit runs.
    func latestClock(now: Int64, wallMilliseconds: Int64) -> Int64 {
        clockBound.latest(now: now, wallMilliseconds: wallMilliseconds)
    }
}
