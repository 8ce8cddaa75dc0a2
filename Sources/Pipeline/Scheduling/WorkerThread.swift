internal import Glibc
internal import Synchronization

/// The system gives no more threads, or no memory for a stack.
struct ThreadRefusal: Error {
    /// As `errno` has it.
    let code: Int32
    /// One sentence for people.
    var message: String { "the system gives no thread: \(String(cString: strerror(code)))" }
}

/// A plain thread that can be waited for up to a deadline.
final class WorkerThread: @unchecked Sendable {
    // @unchecked: the handle is written once, before another thread can see the object.
    private var handle: pthread_t = 0
    private let hasEnded = Atomic<Bool>(false)
    private let body: @Sendable () -> Void

    /// Starts it; throws where the system gives no thread.
    ///
    /// `stackBytes`: how much memory its stack may take; nil: what is usual.
    init(
        stackBytes: Int? = nil, _ body: @escaping @Sendable () -> Void
    ) throws(ThreadRefusal) {
        self.body = body
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        pthread_attr_init(attributes)
        defer {
            pthread_attr_destroy(attributes)
            attributes.deallocate()
        }
        if let stackBytes { pthread_attr_setstacksize(attributes, stackBytes) }
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &handle, attributes,
            { context in
                guard let context else { return nil }
                let thread = Unmanaged<WorkerThread>.fromOpaque(context).takeRetainedValue()
                thread.body()
                thread.hasEnded.store(true, ordering: .releasing)
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw ThreadRefusal(code: code)
        }
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
