import Foundation
import Redis

/// A Redis of one's own on a unix socket in a temporary folder; it ends with its owner.
final class PrivateRedis {
    let configuration: RedisConfiguration
    private let process = Process()
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "odo-\(UInt32.random(in: 0...UInt32.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let socket = folder.appending(path: "redis.sock").path
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir",
            folder.path,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        configuration = RedisConfiguration(address: .unixSocket(path: socket))
        let deadline = ContinuousClock.now.advanced(by: .seconds(10))
        while true {
            if var connection = try? Connection(configuration),
                (try? connection.command("PING")) != nil
            {
                return
            }
            guard ContinuousClock.now < deadline else { throw CocoaError(.featureUnsupported) }
            usleep(10_000)
        }
    }

    deinit {
        // The threads of tests block SIGTERM, and the server has inherited that.
        kill(process.processIdentifier, SIGKILL)
        let deadline = ContinuousClock.now.advanced(by: .seconds(5))
        while process.isRunning, ContinuousClock.now < deadline { usleep(5_000) }
        try? FileManager.default.removeItem(at: folder)
    }
}
