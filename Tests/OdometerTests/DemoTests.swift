import Foundation
import Testing

/// The whole executable, as `make demo` runs it.
struct DemoTests {
    /// The executable beside this test.
    private static let executable = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(".build/debug/odometer").path

    @Test func theDemonstrationAnswersEveryRouteAndLeavesNothing() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("demo-test-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (status, output) = try run(
            [
                "demo", "--events", "2000", "--seconds", "1", "--listen", "127.0.0.1:0",
                "--admin-listen", "127.0.0.1:0",
            ], temporary: folder.path)
        let text = String(decoding: output, as: UTF8.self)
        #expect(status == 0, "\(text)")
        let answers = text.split(separator: "\n").filter { $0.hasPrefix("  HTTP ") }
        #expect(answers.count == 11)
        #expect(answers.allSatisfy { $0 == "  HTTP 200" }, "\(text)")
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("  curl -s ") }.count == 11)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(left.filter { $0.hasPrefix("odometer-demo") } == [])
    }

    @Test(
        arguments: [
            (["--version"], 0), (["--help"], 0), (["nonsense"], 2), (["check", "--lanes", "x"], 2),
            (["check"], 0), (["status", "--redis", "unix:///nonexistent/socket"], 1),
            (["serve", "--listen", "300.0.0.1:1"], 2),
        ] as [([String], Int32)])
    func exitCodesAreAsDocumented(_ words: [String], _ code: Int32) throws {
        let (status, _) = try run(words, temporary: NSTemporaryDirectory())
        #expect(status == code)
    }

    /// Runs the executable to its end, at most two minutes.
    private func run(_ words: [String], temporary: String) throws -> (Int32, Data) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["--kill-after=5", "120", DemoTests.executable] + words
        var environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("ODOMETER_")
        }
        environment["TMPDIR"] = temporary
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }
}
