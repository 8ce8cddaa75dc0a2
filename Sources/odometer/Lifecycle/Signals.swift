import Foundation
import Synchronization

/// Signals of the process: blocked before any thread starts, taken by one thread.
enum Signals {
    /// A write to a connection that the other side closed must be an error, not our end.
    static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all that it will start.
    static func blockStops() {
        var set = stopSet()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Starts the thread that takes SIGTERM, SIGINT and SIGHUP.
    ///
    /// The first one calls `stop`, on that thread. A second SIGTERM or SIGINT ends the process at once:
    /// safe, because a kill at any moment is. A second SIGHUP does not: where a terminal goes away, the
    /// kernel and the shell may each send one.
    static func onStop(_ stop: @escaping @Sendable () -> Void) {
        Thread.detachNewThread {
            var set = stopSet()
            var number: Int32 = 0
            while sigwait(&set, &number) != 0 {}
            stop()
            repeat {
                while sigwait(&set, &number) != 0 {}
            } while number == SIGHUP
            _exit(128 + number)
        }
    }

    private static func stopSet() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        // Ignored is what nohup makes of it; a blocked signal would be taken all the same.
        if !isIgnored(SIGHUP) { sigaddset(&set, SIGHUP) }
        return set
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        // SIG_IGN is the address 1, which no function has.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
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
