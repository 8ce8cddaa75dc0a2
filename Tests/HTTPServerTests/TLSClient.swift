import Foundation
import TestSupport

/// A client of another library: the program openssl, which sends a text and collects the answer.
final class TLSClient: @unchecked Sendable {
    // Sendable: `process` is used by one test, and everything else is constant.
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    /// Connects; `options` are those of `openssl s_client`.
    init(_ port: Int, trusting authority: String, _ options: [String] = []) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(port)"]
            + ["-CAfile", authority, "-verify_return_error", "-verify_hostname", "localhost"]
            + options
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { if process.isRunning { process.terminate() } }

    func send(_ text: String) { input.fileHandleForWriting.write(Data(text.utf8)) }

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
