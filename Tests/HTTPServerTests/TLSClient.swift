import Foundation
import Glibc
import TestSupport

/// A client of another library: the program openssl, which sends a text and collects the answer.
final class TLSClient: @unchecked Sendable {
    // Sendable: `process` is used by one test, and everything else is constant.
    private let process = Process()
    // A socket, not a pipe: writing to one whose reader has ended need not raise a signal.
    private let input: Int32
    private let output = Pipe()

    /// Connects; `options` are those of `openssl s_client`.
    init(_ port: Int, trusting authority: String, _ options: [String] = []) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(port)"]
            + ["-CAfile", authority, "-verify_return_error", "-verify_hostname", "localhost"]
            + options
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0 else {
            throw TestFailure("no pair of sockets")
        }
        input = ends[0]
        process.standardInput = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        close(input)
        if process.isRunning { process.terminate() }
    }

    /// Sends as much as a client takes that has not ended.
    func send(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// What is there to read now; waits for the first byte.
    func piece() -> String {
        String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    }

    /// Everything until the server closes the connection.
    func all() -> String {
        String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }
}

/// One answer over a connection of its own; empty where the handshake fails.
func tlsAnswer(
    _ port: Int, trusting authority: String, _ request: String, _ options: [String] = []
) throws -> String {
    let client = try TLSClient(port, trusting: authority, options)
    client.send(request)
    return client.all()
}
