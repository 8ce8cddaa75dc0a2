internal import Glibc
internal import Synchronization

/// One task at a time on another thread, which lives as long as this object: `start` and `take`
/// never wait for a task.
final class Background<Value: Sendable>: Sendable {
    private let queue = Queue<Value>()

    /// Starts the thread; throws where the system gives none.
    init() throws(ThreadRefusal) {
        try WorkerThread { [queue] in queue.work() }.detach()
    }

    // A task that runs is left to end by itself.
    deinit { queue.end() }

    /// Whether a task runs, or its value was not taken.
    var isBusy: Bool { queue.state.withLock { $0.isRunning || $0.value != nil } }

    /// Begins a task; none may be under way.
    func start(_ body: @escaping @Sendable () -> Value) { queue.put(body) }

    /// The value of the task that has ended; nil when none has since the last call.
    func take() -> Value? {
        queue.state.withLock { state in
            defer { state.value = nil }
            return state.value
        }
    }
}

/// What a `Background` and its thread share.
private final class Queue<Value: Sendable>: @unchecked Sendable {
    // @unchecked: the semaphore is made for several threads, and all else is behind the mutex.
    struct State {
        var task: (@Sendable () -> Value)?
        var isRunning = false
        var value: Value?
        var isOver = false
    }
    let state = Mutex(State())
    private let hasNews = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(hasNews, 0, 0) }

    deinit {
        sem_destroy(hasNews)
        hasNews.deallocate()
    }

    func put(_ body: @escaping @Sendable () -> Value) {
        state.withLock { state in
            state.task = body
            state.isRunning = true
        }
        sem_post(hasNews)
    }

    func end() {
        state.withLock { $0.isOver = true }
        sem_post(hasNews)
    }

    /// Runs tasks until `end` is called.
    func work() {
        while true {
            // A signal may end the wait too early: then there is no task.
            sem_wait(hasNews)
            let (task, isOver) = state.withLock { state in
                defer { state.task = nil }
                return (state.task, state.isOver)
            }
            if isOver { return }
            guard let task else { continue }
            let value = task()
            state.withLock { state in
                state.isRunning = false
                state.value = value
            }
        }
    }
}
