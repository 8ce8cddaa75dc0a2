import Foundation
import Testing

@testable import odometer

/// What is built in is what stands in schemas.
struct EmbeddedTests {
    private let schemas = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("schemas")

    @Test func builtInDescriptionIsTheFile() throws {
        let text = try String(
            contentsOf: schemas.appendingPathComponent("openapi.yaml"), encoding: .utf8)
        #expect(OpenAPI.text == text, "run scripts/embed")
    }

    @Test func builtInMetersAreTheFiles() throws {
        let directory = schemas.appendingPathComponent("meters")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasSuffix(".yaml") }.sorted()
        #expect(ShippedMeters.files.map(\.name) == names)
        for file in ShippedMeters.files {
            let text = try String(
                contentsOf: directory.appendingPathComponent(file.name), encoding: .utf8)
            #expect(file.text == text, "run scripts/embed (\(file.name))")
        }
    }
}
