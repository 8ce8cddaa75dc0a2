internal import Glibc

/// Threads that work off a log: they need the processors' time, but not at once (SCHED_BATCH).
///
/// Whoever wakes with work for a moment, Redis before all, is not interrupted by one of them that wakes after it; on
/// cores that are all busy a drain was 5 % faster (docs/decisions/0026). Where the process was started under another
/// policy than the usual one, that stays.
enum BatchScheduling {
    /// Linux' SCHED_BATCH, which the headers show to C programs of GNU's dialect only.
    private static let batch: Int32 = 3

    /// Makes this thread one of them.
    static func adopt() {
        if sched_getscheduler(0) == SCHED_OTHER { set(batch) }
    }

    /// Makes threads that `body` starts some of them, as those of a Kafka client: they inherit it from their maker.
    static func inherited<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard sched_getscheduler(0) == SCHED_OTHER else { return try body() }
        set(batch)
        defer { set(SCHED_OTHER) }
        return try body()
    }

    private static func set(_ policy: Int32) {
        var parameters = sched_param(sched_priority: 0)
        // It needs no right; where a sandbox refuses it, everything works as before.
        _ = sched_setscheduler(0, policy, &parameters)
    }
}
