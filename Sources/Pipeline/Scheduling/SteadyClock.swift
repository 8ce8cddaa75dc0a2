internal import Glibc
internal import Synchronization

/// A time in milliseconds: a duration, or a moment of the steady clock.
///
/// A moment of another clock has a comment that says which.
typealias Milliseconds = Int64

/// The machine's clocks: one that never goes back, for durations, and the wall clock.
enum SteadyClock {
    /// The monotonic clock, which never goes back.
    static var milliseconds: Int64 { read(CLOCK_MONOTONIC) }
    /// Milliseconds since 1970.
    static var wallMilliseconds: Int64 { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// Sleeps; only for waiting between attempts.
func pause(milliseconds: UInt32) { usleep(milliseconds * 1_000) }

/// Waits for so long, or until `isStopping` is set, which is checked every `step` milliseconds.
func pause(milliseconds: Int64, step: UInt32, unless isStopping: borrowing Atomic<Bool>) {
    let end = SteadyClock.milliseconds + milliseconds
    while SteadyClock.milliseconds < end, !isStopping.load(ordering: .relaxed) {
        pause(milliseconds: step)
    }
}
