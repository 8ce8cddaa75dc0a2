internal import Synchronization

/// One task at a time on a thread of its own, so that its caller never waits for it.
final class Background<Value: Sendable>: Sendable {
    private struct State {
        var isRunning = false
        var value: Value?
    }
    private let state = Mutex(State())

    /// Whether a task runs, or its value was not taken.
    var isBusy: Bool { state.withLock { $0.isRunning || $0.value != nil } }

    /// Begins a task; none may be under way.
    func start(_ body: @escaping @Sendable () -> Value) {
        state.withLock { $0.isRunning = true }
        let thread = WorkerThread { [self] in
            let value = body()
            state.withLock { state in
                state.isRunning = false
                state.value = value
            }
        }
        thread.detach()
    }

    /// The value of the task that has ended; nil when none has since the last call.
    func take() -> Value? {
        state.withLock { state in
            defer { state.value = nil }
            return state.value
        }
    }
}
