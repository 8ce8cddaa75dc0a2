import Foundation
import TestSupport

/// The whole executable, as people call it.
enum Executable {
    /// How a call ended and what it wrote.
    struct Ended {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The executable beside the tests.
    private static let path = Checkout.url(".build/debug/odometer").path

    /// Starts it, behind `wrapper`, with its log in a pipe.
    static func start(
        _ words: [String], wrapper: [String] = []
    ) throws -> (process: Process, log: FileHandle) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        // Threads of tests block signals, and a process would inherit that.
        process.arguments = ["--default-signal=HUP,INT,TERM"] + wrapper + [path] + words
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("ODOMETER_") }
        let pipe = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return (process, pipe.fileHandleForReading)
    }

    /// Runs it to its end, at most two minutes, without variables of ours but these.
    static func run(
        _ words: [String], environment: [String: String] = [:],
        temporary: String = NSTemporaryDirectory()
    ) throws -> Ended {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["--kill-after=5", "120", path] + words
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("ODOMETER_") }
            .merging(environment) { $1 }
            .merging(["TMPDIR": temporary]) { $1 }
        // A file, because two pipes could fill while one is read.
        let errors = FileManager.default.temporaryDirectory
            .appendingPathComponent("odometer-errors-\(UUID().uuidString)")
        try Data().write(to: errors)
        defer { try? FileManager.default.removeItem(at: errors) }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Ended(
            status: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}
