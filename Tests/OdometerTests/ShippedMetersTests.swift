import Foundation
import Testing

@testable import odometer

/// What is built in is what stands in schemas/meters.
struct ShippedMetersTests {
    @Test func builtInMetersAreTheFiles() throws {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("schemas/meters")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasSuffix(".yaml") }.sorted()
        #expect(ShippedMeters.files.map(\.name) == names)
        for file in ShippedMeters.files {
            let text = try String(
                contentsOf: directory.appendingPathComponent(file.name), encoding: .utf8)
            #expect(file.text == text, "run scripts/embed-meters (\(file.name))")
        }
    }
}
