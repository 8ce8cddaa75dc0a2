import Glibc

/// The clock for durations: it never goes back, and has no meaning outside this process.
public enum MonotonicTime {
    /// Nanoseconds since some moment before the process began.
    public static func nanoseconds() -> UInt64 {
        var time = timespec()
        // Cannot fail: the clock exists on every Linux and the pointer is ours.
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
