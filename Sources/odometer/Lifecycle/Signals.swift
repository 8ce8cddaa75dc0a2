import Foundation
import Synchronization

/// Signals of the process: blocked before any thread starts, taken by one thread.
enum Signals {
    /// A write to a connection that the other side closed must be an error, not our end.
    static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Blocks SIGTERM and SIGINT in this thread and all that it will start.
    static func blockStops() {
        var set = stopSet()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Starts the thread that takes SIGTERM and SIGINT.
    ///
    /// The first one calls `stop`, on that thread. A second one ends the process at once: safe,
    /// because a kill at any moment is.
    static func onStop(_ stop: @escaping @Sendable () -> Void) {
        Thread.detachNewThread {
            var set = stopSet()
            var number: Int32 = 0
            while sigwait(&set, &number) != 0 {}
            stop()
            while sigwait(&set, &number) != 0 {}
            _exit(128 + number)
        }
    }

    private static func stopSet() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        return set
    }
}

/// Ends the process when a stop takes longer than it may.
enum Watchdog {
    static func start(milliseconds: Int, log: Log) {
        Thread.detachNewThread {
            usleep(UInt32(clamping: milliseconds * 1_000))
            log.error(
                "the stop did not end in time; ending the process",
                ("milliseconds", LogValue(milliseconds)))
            _exit(ExitCode.defect.rawValue)
        }
    }
}

/// Something that several threads wait for and one sets, once.
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

    /// The value when it is set; nil when the time has passed first.
    func wait(milliseconds: Int? = nil) -> Value? {
        let deadline = milliseconds.map { DispatchTime.now() + .milliseconds($0) } ?? .distantFuture
        if semaphore.wait(timeout: deadline) == .success { semaphore.signal() }
        return value.withLock { $0 }
    }
}
