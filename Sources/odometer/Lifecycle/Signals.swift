import Foundation

/// Signals of the process: blocked before any thread starts, taken by one thread.
enum Signals {
    /// Makes a write to a closed connection an error; by default it would end the process.
    static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all that it will start.
    static func blockStops() {
        var set = stopSet()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Starts the thread that takes SIGTERM, SIGINT and SIGHUP.
    ///
    /// The first one calls `stop`, on that thread. A second SIGTERM or SIGINT ends the process at
    /// once, which is safe, as a kill at any moment is. A second SIGHUP does nothing: when a
    /// terminal closes, the kernel and the shell may each send one.
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
        // nohup has it ignored; if it were blocked here, the thread would take it all the same.
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
