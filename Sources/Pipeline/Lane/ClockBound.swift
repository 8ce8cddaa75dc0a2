/// The latest time that Redis' clock may show: it expires keys by that clock.
struct ClockBound {
    /// How far it may be ahead of our clock, or of a time that records have confirmed.
    static let tolerance: Milliseconds = 60_000
    /// A time of Redis' clock that was right, and when that was on the steady clock.
    private var vouched: (clock: Milliseconds, at: Milliseconds)?

    /// Remembers a time of Redis' clock as right: our clock or records have confirmed it.
    mutating func vouch(for clock: Milliseconds, now: Milliseconds) { vouched = (clock, now) }

    /// The bound, in milliseconds since 1970, by what the steady clock and our wall clock show now.
    func latest(now: Milliseconds, wallMilliseconds: Int64) -> Milliseconds {
        let known = vouched.map { $0.clock + now - $0.at } ?? wallMilliseconds
        return max(wallMilliseconds, known) + Self.tolerance
    }
}
