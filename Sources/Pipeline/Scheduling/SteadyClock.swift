internal import Glibc
internal import Synchronization

/// Milliseconds that never go back, for intervals; and wall time, for freshness only.
enum SteadyClock {
    /// Milliseconds of the monotonic clock.
    static var milliseconds: Int64 { read(CLOCK_MONOTONIC) }
    /// Milliseconds since 1970.
    static var wallMilliseconds: Int64 { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// Gives the processor away for a while; only for waiting between attempts.
func pause(milliseconds: UInt32) { usleep(milliseconds * 1_000) }

/// Waits for so long, or until the end is asked for, which is looked for every `step` milliseconds.
func pause(milliseconds: Int64, step: UInt32, unless isStopping: borrowing Atomic<Bool>) {
    let end = SteadyClock.milliseconds + milliseconds
    while SteadyClock.milliseconds < end, !isStopping.load(ordering: .relaxed) {
        pause(milliseconds: step)
    }
}
