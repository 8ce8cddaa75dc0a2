internal import Glibc

/// Scheduling for threads that work off a log: they need much processor time, but not at once
/// (SCHED_BATCH).
///
/// A batch thread that wakes up does not interrupt another program that is running, such as Redis;
/// on cores that are all busy a drain was 5 % faster (docs/decisions/0026). A process that was
/// started under another policy than the usual one keeps it.
enum BatchScheduling {
    /// Linux' SCHED_BATCH, which Swift does not see: the headers define it for GNU's C only.
    private static let batch: Int32 = 3

    /// Makes this thread a batch thread.
    static func adopt() {
        if sched_getscheduler(0) == SCHED_OTHER { set(batch) }
    }

    /// Makes the threads that `body` starts batch threads, such as those of a Kafka client: a
    /// thread inherits its policy from the one that starts it.
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
        // No right is needed; if a sandbox refuses it, everything works as before.
        _ = sched_setscheduler(0, policy, &parameters)
    }
}
