import API
import Catalog
import Query
import Testing

/// Meters with decimals: their cells hold numbers times 10^scale.
@Suite struct DecimalAnswerTests {
    private static let catalog = """
        version: 1
        events: {e: {fields: {
          cost: {at: /data/cost, is: decimal, scale: 6}, fee: {at: /data/fee, is: decimal, scale: 0},
          shop: {at: /data/shop}, numbers: {at: /data/numbers}}}}
        meters:
          spent: {kind: sum, signed: true, windows: [all], on: [{event: e, amount: cost}]}
          by_shop: {kind: sum, windows: [all], by: [shop], on: [{event: e, amount: cost}]}
          top: {kind: ranking, windows: [all], by: [shop], on: [{event: e, amount: cost}]}
          dearest: {kind: extreme, keep: max, value: cost, windows: [all], on: [{event: e}]}
          last: {kind: extreme, keep: last, value: cost, windows: [all], on: [{event: e}]}
          sizes: {kind: histogram, value: cost, windows: [all], on: [{event: e}]}
          hours: {kind: grid, on: [{event: e, amount: cost}]}
          fees: {kind: sum, windows: [all], per: [numbers], on: [{event: e, amount: fee}]}
          events: {kind: count, windows: [all], on: [{event: e}]}
        """

    private func open() throws -> (TestService, [String: String]) {
        let service = try TestService(
            catalog: CatalogReader.check(files: [("a.yaml", Array(Self.catalog.utf8))]))
        let key = try service.key("o", ["operations"], role: .read)
        try service.add("o", "totals", ["spent": -9_007_199_254_740_993, "events": 7])
        try service.add("o", "by_shop:all", ["a": 1_500_000, "b": 1])
        try service.rank("o", "top:all", ["a": 9_007_199_254_740_991])
        let largest = "0\(UInt64(123_450) + (1 << 63))"
        try service.set("o", "totals", "dearest", largest)
        let last = try TestService.digits("2026-01-02T03:04:05Z") + ":" + largest
        try service.set("o", "totals", "last", last)
        try service.add("o", "sizes:all", ["5": 2])
        try service.add("o", "hours:grid:1", ["09": 2_500_000])
        try service.add("o", "numbers=text:totals", ["fees": 3])
        return (service, ["Authorization": "Bearer \(key)"])
    }

    /// A target and what the answer's data hold.
    private static let answers = [
        ("spent", #""value":-9007199254.740993"#),
        ("spent?numbers=text", #""value":"-9007199254.740993""#),
        (
            "by_shop",
            #""rows":[{"shop":"a","value":1.500000},{"shop":"b","value":0.000001}]"#
        ),
        ("by_shop?numbers=text&limit=1", #""rows":[{"shop":"a","value":"1.500000"}]"#),
        ("top", #""rows":[{"shop":"a","value":9007199254.740991}]"#),
        ("dearest", #""value":0.123450"#), ("last", #""value":0.123450"#),
        ("sizes", #""steps":[{"low":0.000005,"high":0.000006,"count":2}]"#),
        ("sizes?numbers=text", #""steps":[{"low":"0.000005","high":"0.000006","count":"2"}]"#),
        ("hours", #""cells":[{"dow":1,"hour":9,"count":2.500000}]"#),
        ("hours?numbers=text", #""cells":[{"dow":1,"hour":9,"count":"2.500000"}]"#),
        ("events", #""value":7"#), ("events?numbers=text", #""value":"7""#),
        // A dimension that has the parameter's name keeps it.
        ("fees?numbers=text", #""value":3"#),
    ]

    @Test func answersHaveAllDecimals() throws {
        let (service, headers) = try open()
        for (target, part) in Self.answers {
            let body = try service.get("/v1/meters/\(target)", headers).body
            #expect(body.contains(part), "\(target): \(body)")
        }
    }

    @Test func theListNamesTheScale() throws {
        let (service, headers) = try open()
        let body = try service.get("/v1/meters", headers).body
        #expect(
            body.contains(
                #""name":"spent","kind":"sum","windows":["all"],"by":[],"per":[[]],"scale":6}"#),
            "\(body)")
        #expect(
            body.contains(#""name":"events","kind":"count","windows":["all"],"by":[],"per":[[]]}"#))
    }

    @Test func anotherStyleOfNumbersIsRefused() throws {
        let (service, headers) = try open()
        for value in ["json", "", "Text"] {
            let answer = try service.get("/v1/meters/spent?numbers=\(value)", headers)
            #expect(answer.status == 400, "\(value)")
            #expect(answer.body.contains("numbers"), "\(answer.body)")
        }
    }

    /// A route of another document would show millionths as whole numbers.
    @Test func otherRoutesTakeNoDecimals() throws {
        let catalog = try CatalogReader.check(
            files: [
                (
                    "a.yaml",
                    Array(
                        """
                        version: 1
                        events: {e: {fields: {n: {at: /data/n, is: decimal, scale: 2}}}}
                        meters: {api_calls: {kind: count, windows: [quarter, day, month, all], on: [{event: e, amount: n}]}}
                        """.utf8)
                )
            ])
        let service = try TestService(catalog: catalog)
        let lines = service.api.missing.flatMap(\.lines)
        #expect(
            lines.contains { $0.contains("api_calls") && $0.contains("2 decimals") }, "\(lines)")
    }
}
