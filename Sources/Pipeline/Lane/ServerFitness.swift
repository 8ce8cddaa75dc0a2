internal import Ledger

/// What a lane remembers of its Redis server from check to check and across connections.
///
/// A value that asks Redis nothing.
struct ServerFitness {
    /// Whether Redis would lose or refuse cells; then nothing is committed.
    var isUnfit = false
    /// Why new keys cannot be made of dumps; nil when they can.
    var dumpRefusal: String?
    /// What could not be checked of the server.
    var unchecked: [String] = []
    /// What the check before said about evicted keys.
    private var evictions: EvictionNote?
    private var clockBound = ClockBound()

    /// Why numbers are wrong for good, because Redis has evicted keys; nil when it has not.
    ///
    /// The ledger notes evictions too, but the note itself may have been evicted.
    mutating func evictionFinding(_ health: ServerHealth) -> String? {
        defer { evictions = health.evictions ?? evictions }
        if let finding = health.evictionFinding { return finding }
        let lost = health.evictions?.lost(since: evictions) ?? 0
        return lost > 0 ? health.evictionText(lost) : nil
    }

    /// Whether Redis' clock is ahead of every clock that is known to be right.
    ///
    /// As long as it is not ahead of our own, `wallMilliseconds`, it is remembered as right: if our
    /// clock is set back later, Redis' clock does not seem to be ahead then.
    mutating func isAhead(_ clock: Milliseconds, now: Milliseconds, wallMilliseconds: Int64) -> Bool
    {
        guard clock > wallMilliseconds + ClockBound.tolerance else {
            vouch(for: clock, now: now)
            return false
        }
        return clock > latestClock(now: now, wallMilliseconds: wallMilliseconds)
    }

    /// Remembers that Redis' clock is right now.
    mutating func vouch(for clock: Milliseconds, now: Milliseconds) {
        clockBound.vouch(for: clock, now: now)
    }

    /// The latest time, in milliseconds since 1970, that Redis' clock may show when a commit runs.
    func latestClock(now: Milliseconds, wallMilliseconds: Int64) -> Milliseconds {
        clockBound.latest(now: now, wallMilliseconds: wallMilliseconds)
    }
}
