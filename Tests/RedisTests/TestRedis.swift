import Foundation
import Glibc
import Redis

/// A private redis-server on a unix socket in a directory of its own; ended when it is let go.
final class TestRedis: @unchecked Sendable {
    // @unchecked: everything but `process` is constant, and `process`
    // changes only in `stop` and `start`.
    let directory: String
    let socket: String
    private let options: [String]
    private var process: pid_t = 0

    /// Starts a server with these further options, for example `["--maxmemory", "3mb"]`.
    init(_ options: [String] = []) throws {
        directory = NSTemporaryDirectory() + "odo-redis-" + UUID().uuidString.prefix(8)
        socket = directory + "/s"
        self.options = options
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    var configuration: RedisConfiguration {
        RedisConfiguration(address: .unixSocket(path: socket), commandTimeoutMilliseconds: 20_000)
    }

    func connect() throws -> Connection { try Connection(configuration) }

    /// Starts the server (again) and returns when it answers.
    func start() throws {
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
        guard result == 0 else {
            throw TestRedisError(text: "cannot start redis-server: \(result)")
        }
        let deadline = Date().addingTimeInterval(20)
        while Date() < deadline {
            if var connection = try? connect(), (try? connection.command("PING"))?.text == "PONG" {
                return
            }
            usleep(10_000)
        }
        throw TestRedisError(text: "redis-server did not answer in 20 s")
    }

    /// Kills the server as a crash would.
    func stop() {
        guard process > 0 else { return }
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        process = 0
        unlink(socket)
    }

    /// Lets the server stand still, or go on.
    func freeze(_ isFrozen: Bool) { kill(process, isFrozen ? SIGSTOP : SIGCONT) }
}

struct TestRedisError: Error {
    let text: String
}

extension ReplyValue {
    /// The elements two by two: fields or members and what stands beside them.
    var pairs: [String: String] {
        var content: [String: String] = [:]
        let elements = elements
        for index in stride(from: 0, to: elements.count, by: 2) {
            content[elements[index].text ?? ""] = elements[index + 1].text
        }
        return content
    }
}
