import HTTPServer
import Synchronization

/// Whether the process can do its work; checked at most once a second, however many requests ask.
///
/// Requests that ask during a check wait for its result, so a check must be short.
final class Readiness: Sendable {
    private struct Seen {
        var isReady: Bool
        /// When the check ended, by `MonotonicTime`.
        var endedNanoseconds: UInt64
    }

    /// How old an answer may be.
    static let age: Duration = .seconds(1)
    /// The longest that a check may take.
    static let patience: Duration = .milliseconds(500)
    private let seen = Mutex<Seen?>(nil)

    /// Whether it was ready at a check that ended at most a second ago; calls `look` when there was
    /// none.
    ///
    /// The age counts from a check's end, not its start: a check takes long when Redis hangs, and
    /// all requests that waited for it must share its result instead of checking one by one.
    func isReady(
        at nowNanoseconds: UInt64 = MonotonicTime.nanoseconds(),
        clock: () -> UInt64 = MonotonicTime.nanoseconds, look: () -> Bool
    ) -> Bool {
        seen.withLock { seen in
            let ageNanoseconds = UInt64(Readiness.age / .nanoseconds(1))
            // A request that waited for the lock came before the end of the check that is there
            // now.
            if let known = seen,
                known.endedNanoseconds > nowNanoseconds
                    || nowNanoseconds - known.endedNanoseconds < ageNanoseconds
            {
                return known.isReady
            }
            let isReady = look()
            seen = Seen(isReady: isReady, endedNanoseconds: clock())
            return isReady
        }
    }
}
