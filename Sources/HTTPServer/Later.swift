internal import Synchronization

/// A value that comes later, from another thread; it has one reader.
public final class Later<Value: Sendable>: Sendable {
    private struct State {
        var make: (@Sendable () -> Value)?
        var wake: (@Sendable () -> Void)?
        var isComplete = false
    }

    private let state = Mutex(State())

    /// Nothing yet.
    public init() {}

    /// Sets how the value is made; the first call counts.
    ///
    /// The closure runs on the thread that asks for `value`, not here.
    public func complete(_ make: @escaping @Sendable () -> Value) {
        let wake = state.withLock { state -> (@Sendable () -> Void)? in
            guard !state.isComplete else { return nil }
            state.isComplete = true
            state.make = make
            defer { state.wake = nil }
            return state.wake
        }
        wake?()
    }

    /// Calls the closure once `value` is there: now, or on the thread that completes it.
    public func whenComplete(_ wake: @escaping @Sendable () -> Void) {
        let isComplete = state.withLock { state in
            if !state.isComplete { state.wake = wake }
            return state.isComplete
        }
        if isComplete { wake() }
    }

    /// The value, made now; nil before it is complete and after the first call.
    public func take() -> Value? {
        let make = state.withLock { state in
            defer { state.make = nil }
            return state.make
        }
        return make?()
    }
}
