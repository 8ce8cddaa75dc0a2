import Glibc

/// A value behind a lock; threads can wait until it meets a condition.
///
/// `Mutex` has no such wait. Safe to use from every thread: `value` is used under the lock only.
final class WaitableState<Value: ~Copyable>: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: consuming Value) {
        self.value = value
        // None of these can fail on Linux with these arguments.
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(change, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(change)
        pthread_mutex_destroy(lock)
        change.deallocate()
        lock.deallocate()
    }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body(&value)
    }

    /// Lets all waiting threads check the value again.
    func wakeAll() { pthread_cond_broadcast(change) }

    /// Waits until `isDone` returns true; returns its last result.
    ///
    /// At this moment of `MonotonicTime` it calls `otherwise` and waits no longer.
    func wait(
        untilNanoseconds end: UInt64, _ isDone: (inout Value) -> Bool,
        otherwise: (inout Value) -> Void
    ) -> Bool {
        var moment = timespec(
            tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while true {
            if isDone(&value) { return true }
            guard pthread_cond_timedwait(change, lock, &moment) == 0 else {
                if isDone(&value) { return true }
                otherwise(&value)
                return false
            }
        }
    }
}
