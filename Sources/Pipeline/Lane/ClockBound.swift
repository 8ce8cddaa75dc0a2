/// How late Redis' clock may be when it expires keys by it.
struct ClockBound {
    /// By how much it may be ahead of our clock, or of one that records vouched for.
    static let tolerance: Int64 = 60_000
    /// A time of Redis that was known to be right, and when that was on the steady clock.
    private var vouched: (clock: Int64, at: Int64)?

    /// This time of Redis is right: our clock or records said so.
    mutating func vouch(for clock: Int64, now: Int64) { vouched = (clock, now) }

    /// The latest time, in milliseconds since 1970, at a moment of the steady and our wall clock.
    func latest(now: Int64, wallMilliseconds: Int64) -> Int64 {
        let known = vouched.map { $0.clock + now - $0.at } ?? wallMilliseconds
        return max(wallMilliseconds, known) + Self.tolerance
    }
}
