import Foundation
import Testing

/// The whole executable, as `make demo` runs it.
struct DemoTests {
    @Test func theDemonstrationAnswersEveryRouteAndLeavesNothing() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("demo-test-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let ended = try Executable.run(
            [
                "demo", "--events", "2000", "--seconds", "1", "--listen", "127.0.0.1:0",
                "--admin-listen", "127.0.0.1:0",
            ], temporary: folder.path)
        let text = ended.output + ended.errors
        #expect(ended.status == 0, "\(text)")
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
        #expect(try Executable.run(words).status == code)
    }
}
