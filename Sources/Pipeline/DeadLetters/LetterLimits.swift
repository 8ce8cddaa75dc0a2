/// What the dead-letter topic has refused, so that later letters are sent in a form that it takes.
struct LetterLimits {
    /// After so long a large letter is tried whole again: the topic's limit may have been raised.
    private static let memory: Milliseconds = 600_000
    private var leastRefusedBytes = Int.max
    private var learnedAt: Milliseconds = 0
    /// Whether brokers have refused this machine's time, because their clocks differ too much.
    ///
    /// Then a letter has its record's timestamp, which a broker has accepted once.
    var isClockRefused = false

    /// Messages of so many bytes or more were refused lately; never 0, `Int.max` when none were.
    mutating func refusedBytes(now: Milliseconds) -> Int {
        if leastRefusedBytes < Int.max, now - learnedAt > Self.memory {
            leastRefusedBytes = Int.max
        }
        return leastRefusedBytes
    }

    /// Notes that a message of so many bytes, sent alone, was refused because of its size.
    mutating func refuse(bytes: Int, now: Milliseconds) {
        guard bytes > 0, bytes < leastRefusedBytes else { return }
        leastRefusedBytes = bytes
        learnedAt = now
    }
}
