/// What the dead-letter topic did not take, so that the next letters are not refused first.
struct LetterLimits {
    /// The topic's limit may be raised: after this many milliseconds a large letter is tried whole again.
    private static let memory: Int64 = 600_000
    private var least = Int.max
    private var learnedAt: Int64 = 0
    /// Whether this machine's clock is too far from the brokers': then a letter has its record's time, which they
    /// took once.
    var isClockRefused = false

    /// Messages of this size or more were refused lately; in bytes, never 0.
    mutating func refusedSize(now: Int64) -> Int {
        if least < Int.max, now - learnedAt > Self.memory { least = Int.max }
        return least
    }

    /// A message of this size was refused by itself.
    mutating func refuse(size: Int, now: Int64) {
        guard size > 0, size < least else { return }
        least = size
        learnedAt = now
    }
}
