internal import Glibc

/// A moment on the monotonic clock.
struct Deadline {
    private let endMilliseconds: Int64

    init(milliseconds: Int32) { endMilliseconds = Deadline.nowMilliseconds() + Int64(milliseconds) }

    var remainingMilliseconds: Int32 {
        Int32(clamping: max(0, endMilliseconds - Deadline.nowMilliseconds()))
    }

    private static func nowMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
