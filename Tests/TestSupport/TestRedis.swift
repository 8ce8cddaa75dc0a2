import Foundation
import Glibc
package import Redis

/// A redis-server of one test, on a Unix socket in a directory of its
/// own; it ends with this object.
package final class TestRedis: @unchecked Sendable {
    // @unchecked: everything but `process` is constant, and `process`
    // changes only in `stop` and `start`.
    package let directory: String
    package let socket: String
    /// How to connect to it.
    package let configuration: RedisConfiguration
    /// The same as one of our `redis:` settings.
    package var url: String { "unix://" + socket }
    private let options: [String]
    private var process: pid_t = 0

    /// Starts a server with these further options, for example `["--maxmemory", "3mb"]`.
    package init(
        _ options: [String] = [], commandTimeoutMilliseconds: Int32 = 20_000
    ) throws {
        directory = NSTemporaryDirectory() + "odo-redis-" + UUID().uuidString.prefix(8)
        socket = directory + "/s"
        configuration = RedisConfiguration(
            address: .unixSocket(path: socket),
            commandTimeoutMilliseconds: commandTimeoutMilliseconds)
        self.options = options
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    package func connect() throws -> Connection { try Connection(configuration) }

    /// Starts the server, also after `stop`, and returns when it answers.
    package func start() throws {
        let words =
            [
                "redis-server", "--port", "0", "--unixsocket", socket, "--dir", directory,
                "--save", "", "--daemonize", "no", "--logfile", directory + "/log",
            ] + options
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The worker threads of a test run may block signals; the server must not inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let result = posix_spawnp(&process, "redis-server", nil, &attributes, &arguments, environ)
        guard result == 0 else { throw TestFailure("cannot start redis-server: \(result)") }
        let deadline = Date().addingTimeInterval(20)
        while Date() < deadline {
            if var connection = try? connect(), (try? connection.command("PING"))?.text == "PONG" {
                return
            }
            usleep(10_000)
        }
        throw TestFailure("redis-server did not answer in 20 s")
    }

    /// Kills the server as a crash would.
    package func stop() {
        guard process > 0 else { return }
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        process = 0
        unlink(socket)
    }

    /// Stops the server's process for a while, or lets it continue.
    package func freeze(_ isFrozen: Bool) { kill(process, isFrozen ? SIGSTOP : SIGCONT) }
}

extension ReplyValue {
    /// A flat list of names and values as a table: the fields of a
    /// hash, the scores of a sorted set.
    package var pairs: [String: String] {
        var content: [String: String] = [:]
        let elements = elements
        for index in stride(from: 0, to: elements.count, by: 2) {
            content[elements[index].text ?? ""] = elements[index + 1].text
        }
        return content
    }
}
