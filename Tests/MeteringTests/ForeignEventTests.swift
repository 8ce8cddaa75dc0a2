import Catalog
import Foundation
import Metering
import TestSupport
import Testing
import Workload

/// The catalog in the documents, unchanged, counts events of another shape.
@Suite struct ForeignEventTests {
    @Test func theDocumentsExampleCounts() throws {
        let document = try Checkout.text("schemas/catalog.md")
        let section = try #require(document.components(separatedBy: "## envelope\n").last)
        let blocks = section.components(separatedBy: "```yaml\n")
        let catalog = try Catalogs.read(
            try #require(blocks[1].components(separatedBy: "```").first))
        let event = try #require(
            section.split(separator: "`").map(String.init).first { $0.hasPrefix("{\"meta\"") })
        let twin = try Twin(catalog, span: 10)
        let texts = [
            event, event.replacing("\"7\"", with: "\"8\""), event,
            event.replacing("\"7\"", with: "7"), event.replacing("order.paid", with: "order.sent"),
            event.replacing("1250", with: "\"1250\""),
        ]
        for (offset, text) in texts.enumerated() {
            twin.take(
                [
                    LogRecord(
                        offset: Int64(offset), timestamp: 1_773_065_800_000, key: nil,
                        value: Array(text.utf8))
                ], oneByOne: true)
        }
        // accepted, duplicate, ignored, malformed, bad_field, late, future
        #expect(twin.program.counters.outcomes == [2, 1, 1, 1, 1, 0, 0])
        let cells = twin.content(of: "odo:1:{47}:acme:totals")?.cells
        #expect(
            cells == [Array("orders".utf8): .integer(2), Array("revenue".utf8): .integer(2_500)])
        let day = twin.content(of: "odo:1:{47}:acme:revenue:day:2026-03")?.cells
        #expect(day == [Array("09".utf8): .integer(2_500)])
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences.joined(separator: "\n"))")
    }
}
