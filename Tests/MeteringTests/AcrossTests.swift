import Catalog
import Foundation
import Ledger
import Testing

@testable import Metering

/// `across` in a catalog: what is refused, what the contract says, and that no id reaches the cells
/// of all organizations.
@Suite struct AcrossTests {
    private func refusal(_ meter: String) -> String? {
        let text = """
            version: 1
            events: {e: {fields: {t: {at: /t}, subject: {at: /s}, l: {at: /l, each: true}}}}
            meters:
              m: {\(meter), on: [{event: e}]}
            """
        do throws(CatalogError) {
            _ = try CatalogReader.check(files: [(name: "a.yaml", text: Array(text.utf8))])
            return nil
        } catch {
            return error.description
        }
    }

    @Test func whatCannotBeCountedOverAllIsRefusedWithItsPlace() throws {
        for (meter, word) in [
            ("kind: grid, across: true", "a grid is not counted over organizations"),
            ("kind: count, windows: [day], by: [subject], across: true", "named 'subject'"),
            ("kind: count, windows: [day], per: [[t, subject]], across: true", "named 'subject'"),
            ("kind: count, windows: [day], across: perhaps", "across"),
        ] {
            let found = try #require(refusal(meter), "\(meter)")
            #expect(found.hasPrefix("a.yaml:4") && found.contains(word), "\(meter): \(found)")
        }
        // The cells of an event are bounded, and those over all organizations are among them.
        let many =
            "kind: count, windows: [minute, quarter, day], by: [l.key], per: [organization, t]"
        #expect(refusal(many) == nil)
        #expect(try #require(refusal(many + ", across: true")).contains("at most 256"))
        for kind in [
            "count", "level", "extreme, keep: last, value: t", "distinct, of: t",
            "ranking, by: [t]",
            "histogram, value: time", "extreme, keep: min, value: time, by: [t]",
        ] {
            let found = refusal("kind: \(kind), windows: [day], across: true")
            #expect(found == nil, "\(kind): \(found ?? "")")
        }
        #expect(refusal("kind: grid, across: false") == nil)
    }

    /// Ledgers of builds that knew no such meters are taken over as they are.
    @Test func theContractOfTheMeterAloneSaysSo() throws {
        func digests(_ across: String) throws -> [String: String] {
            let text = """
                version: 1
                events: {e: {}}
                meters:
                  a: {kind: count, windows: [day]\(across), on: [{event: e}]}
                  b: {kind: count, windows: [day], on: [{event: e}]}
                """
            let program = try Program(
                catalog: Catalogs.read(text), shardCount: 1, dedupeKey: (1, 2),
                futureBoundMilliseconds: 0)
            return Dictionary(
                program.contractEntries.map { ($0.name, $0.digest) },
                uniquingKeysWith: { first, _ in first })
        }
        let found = [
            try digests(""), try digests(", across: false"), try digests(", across: true"),
        ]
        #expect(found[0] == found[1])
        #expect(found[0]["meter:a"] != found[2]["meter:a"])
        #expect(found[0]["meter:b"] == found[2]["meter:b"])
    }

    @Test func noIdIsWrittenLikeAReservedName() {
        for name in [Across.all, Across.list] {
            #expect(KeyLayout.unescape(name) == nil)
            var escaped: [UInt8] = []
            KeyLayout.escape(name, into: &escaped)
            #expect(escaped != name)
        }
    }

    /// A list is kept as long as the cell that is kept longest.
    @Test func listsLiveAsLongAsTheLastCell() throws {
        func windows(_ windows: String) throws -> String {
            let text = """
                version: 1
                events: {e: {}}
                meters:
                  a: {kind: count, across: true, windows: \(windows), on: [{event: e}]}
                """
            return Across.listRetention(of: try Catalogs.read(text).meters[0])
                .map { "\($0.window.name) \($0.retention)" }.joined(separator: ", ")
        }
        #expect(try windows("[minute], retention: {minute: 1h}") == "month seconds(3600)")
        #expect(
            try windows("[minute, quarter], retention: {minute: 1h, quarter: 2d}")
                == "month seconds(172800)")
        #expect(try windows("[minute, day]") == "month forever")
        #expect(try windows("[minute, all]") == "month forever, all forever")
    }
}
