import Glibc
import Synchronization

/// A thread that repeats a piece of work until it is told to stop.
final class ReplayThread: Sendable {
    private let shouldStop = Atomic<Bool>(false)
    private let handle = Mutex<pthread_t?>(nil)
    private let body: @Sendable () -> Void

    /// Starts the thread; `body` should take at most a few hundred milliseconds.
    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        var made: pthread_t = 0
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &made, nil,
            { context in
                guard let context else { return nil }
                let thread = Unmanaged<ReplayThread>.fromOpaque(context).takeRetainedValue()
                while !thread.shouldStop.load(ordering: .acquiring) { thread.body() }
                return nil
            }, context.toOpaque())
        precondition(code == 0, "no thread: \(String(cString: strerror(code)))")
        handle.withLock { $0 = made }
    }

    /// Stops the thread and waits for its end; a second call does nothing.
    func stop() {
        shouldStop.store(true, ordering: .releasing)
        let running = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let running { pthread_join(running, nil) }
    }
}
