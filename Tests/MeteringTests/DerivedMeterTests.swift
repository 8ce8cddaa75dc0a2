import Catalog
import Metering
import Testing
import Verify
import Workload

/// Meters that are answered from others: what a catalog may say, and that they count nothing.
@Suite struct DerivedMeterTests {
    private static let stored = """
        version: 1
        events: {e: {fields: {n: {at: /data/n, is: integer}, user: {at: /data/user}, m: {at: /data/m, is: integer, required: true}}}}
        meters:
          sums: {kind: sum, windows: [day, all], on: [{event: e, amount: n}]}
          counts: {kind: count, windows: [day], on: [{event: e}]}
          minutes: {kind: count, windows: [minute], on: [{event: e}]}
          users: {kind: count, windows: [day], per: [user], on: [{event: e}]}
          level: {kind: level, windows: [day], on: [{event: e}]}
        """

    private func check(_ meters: String...) throws(CatalogError) -> MeterCatalog {
        let text = ([Self.stored] + meters.map { "  \($0)" }).joined(separator: "\n")
        return try CatalogReader.check(files: [(name: "own.yaml", text: Array(text.utf8))])
    }

    private func entries(_ catalog: MeterCatalog) throws -> [String] {
        try Program(
            catalog: catalog, shardCount: 1, dedupeKey: (1, 2), futureBoundMilliseconds: 0
        ).contractEntries.map { "\($0.name) \($0.digest)" }
    }

    @Test func aRatioIsNoPartOfTheContract() throws {
        let catalog = try check("average: {kind: ratio, of: sums, to: counts}")
        #expect(catalog.derived("average")?.form == .ratio(of: "sums", to: "counts"))
        #expect(catalog.meter("average") == nil)
        #expect(try entries(catalog) == entries(check()))
    }

    @Test func aUniqueIsATableAndADistinctMeter() throws {
        let catalog = try check(
            "buyers: {kind: unique, of: user, exact: 7, windows: [day, all], on: [{event: e}]}")
        let spelled = try check(
            "buyers_values: {kind: count, by: [user], windows: [day, all], most: {by: 7}, retention: {day: 400d}, on: [{event: e}]}",
            "buyers_estimate: {kind: distinct, of: user, windows: [day, all], on: [{event: e}]}")
        #expect(
            catalog.derived("buyers")?.form
                == .unique(values: "buyers_values", estimate: "buyers_estimate"))
        #expect(try entries(catalog) == entries(spelled))
    }

    private static let wrong = [
        ("r: {kind: ratio, of: sums}", "meters.r", "must be {kind: ratio, of: METER, to: METER}"),
        ("r: {kind: ratio, of: sums, to: nothing}", "meters.r.to", "there is no meter 'nothing'"),
        ("r: {kind: ratio, of: level, to: counts}", "meters.r.of", "'level' is a level"),
        ("r: {kind: ratio, of: sums, to: minutes}", "meters.r", "no window in common"),
        ("r: {kind: ratio, of: counts, to: users}", "meters.r", "no scope ('per') in common"),
        (
            "r: {kind: ratio, of: counts, to: sums, windows: [day]}", "meters.r.windows",
            "unknown key"
        ),
        ("R: {kind: ratio, of: counts, to: sums}", "meters.R", "a name is a letter"),
        (
            "sums_part: {kind: ratio, of: sums_part, to: sums}", "meters.sums_part.of",
            "has no cells"
        ),
        ("u: {kind: unique, windows: [day], on: [{event: e}]}", "meters.u", "needs 'of'"),
        (
            "u: {kind: unique, of: n, windows: [day], on: [{event: e}]}", "meters.u.of",
            "may be absent"
        ),
        (
            "u: {kind: unique, of: user, exact: 0, windows: [day], on: [{event: e}]}",
            "meters.u.exact", "from 1 to 100000"
        ),
        ("u: {kind: unique, of: user, on: [{event: e}]}", "meters.u", "at least one window"),
        (
            "u: {kind: unique, of: user, windows: [day], on: [{event: e, amount: n}]}", "meters.u",
            "no attribute 'amount'"
        ),
        ("u: {kind: average, of: sums}", "meters.u.kind", "must be one of count, sum"),
    ]

    @Test(arguments: wrong) func whatIsWrongIsNamed(
        _ meter: String, _ field: String, _ word: String
    ) {
        let error = #expect(throws: CatalogError.self) { try check(meter) }
        #expect(error?.file == "own.yaml" && error?.line == 9 && error?.field == field, "\(meter)")
        #expect(error?.message.contains(word) == true, "\(String(describing: error))")
    }

    @Test func namesAreThereOnce() throws {
        let unique = "sums: {kind: unique, of: user, windows: [day], on: [{event: e}]}"
        let error = #expect(throws: CatalogError.self) {
            try CatalogReader.read(files: [
                ("a.yaml", Array(Self.stored.utf8)),
                ("b.yaml", Array("version: 1\nmeters: {\(unique)}".utf8)),
            ])
        }
        #expect(error?.message.contains("in another file too") == true)
        #expect(throws: CatalogError.self) {
            try check(
                "u_values: {kind: count, windows: [day], on: [{event: e}]}",
                "u: {kind: unique, of: user, windows: [day], on: [{event: e}]}")
        }
    }

    /// A required number is always there, so both meters of a unique count it.
    @Test func aNumberIsCountedAlike() throws {
        let catalog = try check("u: {kind: unique, of: m, windows: [day], on: [{event: e}]}")
        #expect(catalog.meter("u_values")?.retention == [.day: .seconds(400 * 86_400)])
    }

    /// The oracle's own reader knows both, and makes the same cells of a unique.
    @Test func theOracleReadsThem() throws {
        let text =
            Self.stored + """

                  average: {kind: ratio, of: sums, to: counts}
                  u: {kind: unique, of: user, exact: 2, windows: [day], per: [organization, user], on: [{event: e}]}
                """
        let catalog = try CatalogText.read([("own.yaml", text)])
        let mine = OracleCatalog(
            try CatalogReader.check(files: [(name: "own.yaml", text: Array(text.utf8))]))
        func shown(_ meters: [OracleMeter]) -> [String] {
            meters.map { meter in
                let retention = meter.windows.map {
                    "\($0) \(String(describing: meter.retention[$0]))"
                }
                return "\(meter.name) \(meter.kind) \(meter.by) \(meter.scopes) "
                    + "\(meter.mostMembers ?? 0) \(meter.mostScopes ?? 0) \(retention) \(meter.of ?? "")"
            }
        }
        #expect(catalog.meters.map(\.name).suffix(2) == ["u_values", "u_estimate"])
        #expect(shown(Array(catalog.meters.suffix(2))) == shown(Array(mine.meters.suffix(2))))
    }
}
