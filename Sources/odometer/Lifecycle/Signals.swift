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
    /// The first SIGTERM or SIGINT calls `stop`, on that thread. A second one ends the process at
    /// once, which is safe, as a kill at any moment is. SIGHUP calls `reload`; without one, or
    /// where standard input is a terminal, which then closes, it calls `stop`. A second SIGHUP does
    /// nothing then: the kernel and the shell may each send one.
    static func onStop(
        _ stop: @escaping @Sendable () -> Void, reload: (@Sendable () -> Void)? = nil
    ) {
        let stopsAtHangUp = reload == nil || isatty(STDIN_FILENO) != 0
        Thread.detachNewThread {
            var set = stopSet()
            var number: Int32 = 0
            var isStopping = false
            while true {
                while sigwait(&set, &number) != 0 {}
                if number == SIGHUP, !stopsAtHangUp || isStopping {
                    if !isStopping { reload?() }
                } else if isStopping {
                    _exit(128 + number)
                } else {
                    isStopping = true
                    stop()
                }
            }
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
