import HTTPServer
import Synchronization

/// Whether the process can do its work, for everybody who asks: looked at once a second at most,
/// however many ask.
///
/// Those who ask while somebody looks wait for what that one finds, so a look has to be short.
final class Readiness: Sendable {
    private struct Seen {
        var isReady: Bool
        /// When the look ended, in nanoseconds of `MonotonicTime`.
        var at: UInt64
    }

    /// How old an answer may be.
    static let age: Duration = .seconds(1)
    /// The longest that a look may take.
    static let patience: Duration = .milliseconds(500)
    private let seen = Mutex<Seen?>(nil)

    /// Whether it was ready at a look that ended at most a second before `now`; `look` is called
    /// where nobody knows.
    ///
    /// From the end, not from the begin: a look may take its time where Redis hangs, and all who
    /// waited for it, however long, are to share what it found instead of looking one by one.
    func isReady(
        at now: UInt64 = MonotonicTime.nanoseconds(),
        clock: () -> UInt64 = MonotonicTime.nanoseconds, look: () -> Bool
    ) -> Bool {
        seen.withLock { seen in
            let limit = UInt64(Readiness.age / .nanoseconds(1))
            // Who waited for the lock came before the end of the look that is there now.
            if let known = seen, known.at > now || now - known.at < limit { return known.isReady }
            let isReady = look()
            seen = Seen(isReady: isReady, at: clock())
            return isReady
        }
    }
}
