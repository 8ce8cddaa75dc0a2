import Dispatch
import Synchronization

/// A value that one thread sets, once, and that several threads wait for.
final class Latch<Value: Sendable>: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let value = Mutex<Value?>(nil)

    /// Sets the value, unless it was set before.
    func set(_ newValue: Value) {
        let isFirst = value.withLock { value in
            defer { if value == nil { value = newValue } }
            return value == nil
        }
        if isFirst { semaphore.signal() }
    }

    /// The value once it is set; nil when the time has passed before; without a time waits forever.
    func wait(milliseconds: Int? = nil) -> Value? {
        let deadline = milliseconds.map { DispatchTime.now() + .milliseconds($0) } ?? .distantFuture
        if semaphore.wait(timeout: deadline) == .success { semaphore.signal() }
        return value.withLock { $0 }
    }
}
