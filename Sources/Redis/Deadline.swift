internal import Glibc

/// A moment on the monotonic clock.
struct Deadline {
    private let milliseconds: Int64

    init(milliseconds: Int32) { self.milliseconds = Deadline.now() + Int64(milliseconds) }

    var remainingMilliseconds: Int32 { Int32(clamping: max(0, milliseconds - Deadline.now())) }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
