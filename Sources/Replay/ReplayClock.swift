import Glibc

/// The time since a replay's start, on the monotonic clock and in microseconds, and the wall
/// clock's time at the start.
public struct ReplayClock: Sendable {
    private let start: Int64
    /// Microseconds since 1970 at the start.
    public let wallStart: Int64

    /// Starts the clock.
    public init() {
        start = ReplayClock.read(CLOCK_MONOTONIC)
        wallStart = ReplayClock.read(CLOCK_REALTIME)
    }

    /// Microseconds since the start.
    public var now: Int64 { ReplayClock.read(CLOCK_MONOTONIC) - start }

    /// Sleeps until this many microseconds have passed since the start, or until a signal comes.
    func sleep(until moment: Int64) {
        let absolute = start + moment
        var time = timespec(
            tv_sec: Int(absolute / 1_000_000), tv_nsec: Int(absolute % 1_000_000) * 1_000)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
