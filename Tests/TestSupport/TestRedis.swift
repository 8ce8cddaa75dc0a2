import Foundation
import Glibc
package import Redis

/// A redis-server of one test, on a Unix socket in a directory of its
/// own; it ends with this object.
package final class TestRedis: Sendable {
    package let directory: String
    package let socket: String
    /// How to connect to it.
    package let configuration: RedisConfiguration
    /// The same as one of our `redis:` settings.
    package var url: String { "unix://" + socket }
    private let process: ServerProcess

    /// Starts a server with these further options, for example `["--maxmemory", "3mb"]`.
    package init(
        _ options: [String] = [], commandTimeoutMilliseconds: Int32 = 20_000
    ) throws {
        directory = NSTemporaryDirectory() + "odo-redis-" + UUID().uuidString.prefix(8)
        socket = directory + "/s"
        configuration = RedisConfiguration(
            address: .unixSocket(path: socket),
            commandTimeoutMilliseconds: commandTimeoutMilliseconds)
        process = ServerProcess(
            [
                "--port", "0", "--unixsocket", socket, "--dir", directory, "--save", "",
                "--daemonize", "no", "--logfile", directory + "/log",
            ] + options)
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
        try process.start()
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
        process.stop()
        unlink(socket)
    }

    /// Stops the server's process for a while, or lets it continue.
    package func freeze(_ isFrozen: Bool) { process.freeze(isFrozen) }
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
