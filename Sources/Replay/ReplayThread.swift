import Glibc
import Synchronization

/// A thread that does a piece of work again and again until it is told to stop.
final class ReplayThread: Sendable {
    private let shouldStop = Atomic<Bool>(false)
    private let handle = Mutex<pthread_t?>(nil)
    private let body: @Sendable () -> Void

    /// Starts it; `body` should take at most some hundred milliseconds.
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

    /// Lets it end and waits for that; a second call does nothing.
    func stop() {
        shouldStop.store(true, ordering: .releasing)
        let running = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let running { pthread_join(running, nil) }
    }
}
