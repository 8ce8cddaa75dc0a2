import Foundation
import Glibc
import Redis

/// A redis-server of a test's own, on a unix socket in a directory of its own; ended when let go.
final class PrivateRedis {
    let directory: String
    private var process: pid_t = 0

    var configuration: RedisConfiguration {
        RedisConfiguration(address: .unixSocket(path: directory + "/s"))
    }

    init() throws {
        directory = NSTemporaryDirectory() + "odo-api-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    func start() throws {
        let words = [
            "redis-server", "--port", "0", "--unixsocket", directory + "/s", "--dir", directory,
            "--save", "", "--daemonize", "no", "--logfile", directory + "/log",
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The threads of a test run may block signals; the server must not inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        guard posix_spawnp(&process, "redis-server", nil, &attributes, &arguments, environ) == 0
        else { throw TestFailure("cannot start redis-server") }
        let deadline = Date().addingTimeInterval(20)
        while Date() < deadline {
            if var connection = try? Connection(configuration),
                (try? connection.command("PING"))?.text == "PONG"
            {
                return
            }
            usleep(10_000)
        }
        throw TestFailure("redis-server did not answer in 20 s")
    }

    /// Kills the server as a crash would.
    func stop() {
        guard process > 0 else { return }
        kill(process, SIGCONT)
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        process = 0
        unlink(directory + "/s")
    }

    /// Lets the server stand still, or go on.
    func freeze(_ isFrozen: Bool) { kill(process, isFrozen ? SIGSTOP : SIGCONT) }
}

struct TestFailure: Error {
    let text: String
    init(_ text: String) { self.text = text }
}
