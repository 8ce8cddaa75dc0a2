import Glibc

/// A redis-server process of one test.
package final class ServerProcess: @unchecked Sendable {
    // @unchecked: `process` changes only in calls of one thread.
    private let arguments: [String]
    private var process: pid_t = 0

    /// A server with these arguments, not started.
    package init(_ arguments: [String]) { self.arguments = arguments }

    deinit { stop() }

    package func start() throws {
        let words = ["redis-server"] + arguments
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        // The worker threads of a test run may block signals; the server must not inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let result = posix_spawnp(&process, "redis-server", nil, &attributes, &pointers, environ)
        guard result == 0 else { throw TestFailure("cannot start redis-server: \(result)") }
    }

    /// Whether it has not ended by itself.
    package func isRunning() -> Bool {
        if process > 0, waitpid(process, nil, WNOHANG) != 0 { process = 0 }
        return process > 0
    }

    /// Kills the server as a crash would.
    package func stop() {
        guard process > 0 else { return }
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        process = 0
    }

    /// Stops the process for a while, or lets it continue.
    package func freeze(_ isFrozen: Bool) { kill(process, isFrozen ? SIGSTOP : SIGCONT) }
}
