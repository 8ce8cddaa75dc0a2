internal import Glibc
internal import Synchronization

/// A plain thread that can be waited for up to a deadline.
final class WorkerThread: @unchecked Sendable {
    // @unchecked: the handle is written once, before another thread can see the object.
    private var handle: pthread_t = 0
    private let hasEnded = Atomic<Bool>(false)
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        let context = Unmanaged.passRetained(self)
        pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                let thread = Unmanaged<WorkerThread>.fromOpaque(context).takeRetainedValue()
                thread.body()
                thread.hasEnded.store(true, ordering: .releasing)
                return nil
            }, context.toOpaque())
    }

    /// Lets the thread end by itself: nobody will wait for it.
    func detach() { pthread_detach(handle) }

    /// Waits for the thread's end; false when the deadline passes first.
    func join(deadline: Milliseconds) -> Bool {
        while !hasEnded.load(ordering: .acquiring) {
            guard SteadyClock.milliseconds < deadline else { return false }
            usleep(5_000)
        }
        pthread_join(handle, nil)
        return true
    }
}
