import Catalog
import Ledger
import Metering
import Testing
import Zones

@testable import Query

/// From a question and a meter's declaration to cells, buckets and edges; without Redis.
@Suite struct QuestionPlanTests {
    private static let catalog = """
        version: 1
        events:
          sale: {fields: {shop: {at: /data/shop}, country: {at: /data/country}, cents: {at: /data/cents, is: integer, required: true}}}
        meters:
          fine: {kind: sum, windows: [minute, quarter, day, month, all], "on": [{event: sale, amount: cents}]}
          quarters: {kind: count, windows: [quarter, day], "on": [{event: sale}]}
          days: {kind: count, windows: [day, month], "on": [{event: sale}]}
          ever: {kind: count, windows: [all], "on": [{event: sale}]}
          table: {kind: count, windows: [day], by: [country], per: [organization, shop], "on": [{event: sale}]}
          shops: {kind: count, windows: [day], per: [shop, [shop, country]], "on": [{event: sale}]}
          hours: {kind: grid, "on": [{event: sale}]}
          sizes: {kind: histogram, value: cents, windows: [day], "on": [{event: sale}]}
        """
    private let engine: QueryEngine

    init() throws {
        let now = try #require(TimeText.nanoseconds(rfc3339: "2026-03-09T14:07:31Z".utf8))
        engine = QueryEngine(
            catalog: try CatalogReader.read(files: [("own.yaml", Array(Self.catalog.utf8))]),
            layout: KeyLayout(),
            clock: WallClock { now })
    }

    private func second(_ text: String) throws -> Int64 {
        try #require(TimeText.nanoseconds(rfc3339: text.utf8)) / 1_000_000_000
    }

    private func ask(
        _ meter: String, _ from: String? = nil, _ to: String? = nil, _ step: CalendarStep = .none,
        _ zone: String = "UTC"
    ) throws -> MeterAsk {
        MeterAsk(
            meter: meter, from: try from.map(second), to: try to.map(second), step: step,
            zone: try ZoneDatabase.system.zone(named: zone))
    }

    private func plan(
        _ meter: String, _ from: String? = nil, _ to: String? = nil, _ step: CalendarStep = .none,
        _ zone: String = "UTC"
    ) throws -> QuestionPlan { try engine.plan(try ask(meter, from, to, step, zone)) }

    private func refusal(_ body: () throws -> QuestionPlan) throws -> String {
        try #require(#expect(throws: QuestionError.self) { try body() }).description
    }

    private func cells(_ coverage: Coverage) -> [String] {
        coverage.pieces.map { "\($0.window.name) \($0.numbers.count)" }
    }

    @Test func longestCellsInTheMiddle() throws {
        let plan = try plan("fine", "2026-03-08T23:58:00Z", "2026-03-09T14:07:00Z")
        #expect(plan.clips.isEmpty)
        #expect(cells(plan.coverages[0]) == ["minute 2", "quarter 56", "minute 7"])
        let months = try self.plan("fine", "2026-01-31T00:00:00Z", "2026-03-02T00:00:00Z")
        #expect(cells(months.coverages[0]) == ["day 1", "month 1", "day 1"])
    }

    /// A thousand values for ten years of days are refused before any key is written.
    @Test func cellsAreBounded() throws {
        var ask = try ask("shops", "2016-01-01T00:00:00Z", "2026-01-01T00:00:00Z", .month)
        let values = (0..<1_000).map { Array("shop \($0)".utf8) }
        ask.filters = [DimensionFilter("shop", Array(values.prefix(100)))]
        #expect(try engine.plan(ask).cells == 100 * 3_653)
        ask.filters = [DimensionFilter("shop", values)]
        #expect(try refusal { try engine.plan(ask) }.contains("would need 3653000 cells"))
    }

    /// A start inside a cell moves to the next edge; an end inside a cell that is not over moves
    /// to its end, one inside an older cell back.
    @Test func edges() throws {
        let plan = try plan("quarters", "2026-03-08T10:07:00Z", "2026-03-09T14:07:00Z")
        #expect(plan.clips.map(\.isStart) == [true, false])
        #expect(plan.range?.start == (try second("2026-03-08T10:15:00Z")))
        #expect(plan.range?.end == (try second("2026-03-09T14:15:00Z")))
        let past = try self.plan("quarters", "2026-03-08T10:00:00Z", "2026-03-08T14:07:00Z")
        #expect(past.clips.map(\.answered) == [try second("2026-03-08T14:00:00Z")])
        let today = try self.plan("days", "2026-03-01T00:00:00Z", "2026-03-09T14:07:00Z", .day)
        #expect(today.buckets.count == 9)
        #expect(today.buckets.last?.isPartial == false)
        #expect(today.clips.map(\.answered) == [try second("2026-03-10T00:00:00Z")])
        // Two days of which no whole cell is inside are left out.
        let few = try self.plan("days", "2026-03-01T10:00:00Z", "2026-03-05T12:00:00Z", .day)
        #expect(few.buckets.count == 3)
        #expect(few.clips.count == 2)
    }

    @Test func ranges() throws {
        #expect(try plan("fine").range == nil)
        #expect(try plan("fine").coverages == [.allTime])
        let days = try plan("fine", nil, nil, .day, "Asia/Tokyo")
        #expect(days.buckets.count == 30)
        #expect(days.range?.end == (try second("2026-03-09T15:00:00Z")))
        #expect(days.clips.isEmpty)
        let quarters = try plan("quarters")
        #expect(quarters.range?.start == (try second("2026-02-07T00:00:00Z")))
        #expect(quarters.range?.end == (try second("2026-03-09T14:15:00Z")))
        #expect(
            try refusal { try plan("fine", "2026-03-09T00:00:00Z", "2026-03-09T00:00:00Z") }
                == "from is not before to")
    }

    @Test func whatTheMeterLacks() throws {
        let zones = try refusal {
            try plan("days", "2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z", .day, "Europe/Berlin")
        }
        #expect(
            zones == "days keeps the windows day, month, and the time from 2026-03-01T23:00:00Z to "
                + "2026-03-02T23:00:00Z is no whole number of them: ask for longer windows or UTC, "
                + "or add quarter to its windows in the catalog")
        let old = try refusal {
            try plan("quarters", "2025-11-01T00:00:00Z", "2025-11-03T00:00:00Z", .hour)
        }
        #expect(
            old == "quarters keeps the window quarter only from 2025-12-07T14:00:00Z on, and the "
                + "time from 2025-11-01T00:00:00Z to 2025-11-01T01:00:00Z needs it: ask for longer "
                + "windows or UTC there, or raise its retention in the catalog")
        #expect(
            try refusal { try plan("ever", "2025-11-01T00:00:00Z") }
                == "ever keeps only the window all: ask without from, to, window and compare, or "
                + "add day or quarter to its windows in the catalog")
        #expect(try refusal { try plan("hours") }.hasPrefix("hours is a grid: "))
        #expect(
            try refusal { try plan("days", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z") }
                .hasPrefix("days keeps the windows day, month, and the time"))
    }

    @Test func setsOfCells() throws {
        var ask = try ask("table", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
        ask.by = ["country"]
        #expect(try engine.plan(ask).sources[0].choice.parts.map(\.scope.dimensions.count) == [0])
        ask.filters = [DimensionFilter("shop", [[0x61], [0x62], [0x61]])]
        #expect(
            try engine.plan(ask).sources[0].choice.parts.map { $0.scope.dimensions.map(\.value) }
                == [[[0x61]], [[0x62]]])
        ask.by = ["shop"]
        ask.filters.append(DimensionFilter("shop", [[0x62]], isExcluding: true))
        #expect(try engine.plan(ask).sources[0].choice.parts.map(\.values) == [[[0x61]]])
        ask.filters = []
        #expect(
            try refusal { try engine.plan(ask) }
                == "table keeps cells per the organization; per shop: give a filter with the "
                + "values of shop, or add it to the meter's by in the catalog")
        ask.meter = "shops"
        ask.by = ["country"]
        ask.filters = [DimensionFilter("country", [[0x61]])]
        #expect(
            try refusal { try engine.plan(ask) }
                == "shops keeps cells per shop; per shop and country: give a filter with the "
                + "values of shop, or add it to the meter's by in the catalog")
        ask.by = ["cuntry"]
        #expect(try refusal { try engine.plan(ask) }.hasPrefix("shops has no dimension cuntry"))
        ask.meter = "days"
        #expect(try refusal { try engine.plan(ask) }.contains("(it has none)"))
    }

    /// Local times a year before, or as many whole months.
    @Test func comparisons() throws {
        var ask = try ask(
            "quarters", "2026-02-28T23:00:00Z", "2026-03-03T23:00:00Z", .day, "Europe/Berlin")
        ask.compare = .previous
        let days = try engine.plan(ask)
        #expect(days.compared.first?.start == (try second("2026-02-25T23:00:00Z")))
        #expect(days.compared.last?.end == (try second("2026-02-28T23:00:00Z")))
        ask = try self.ask("days", "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z", .month)
        ask.compare = .previous
        #expect(
            try engine.plan(ask).compared.map(\.text) == [
                "2025-11-01T00:00:00Z/2025-12-01T00:00:00Z",
                "2025-12-01T00:00:00Z/2026-01-01T00:00:00Z",
            ])
        ask = try self.ask("days", "2024-02-28T00:00:00Z", "2024-03-02T00:00:00Z", .day)
        ask.compare = .year
        #expect(
            try engine.plan(ask).compared.map(\.text) == [
                "2023-02-28T00:00:00Z/2023-03-01T00:00:00Z",
                "2023-03-01T00:00:00Z/2023-03-01T00:00:00Z",
                "2023-03-01T00:00:00Z/2023-03-02T00:00:00Z",
            ])
    }

    /// Where clocks change inside a quarter-hour and there are no minutes, both hours say so.
    @Test func sharedQuarterHour() throws {
        let now = try #require(TimeText.nanoseconds(rfc3339: "2020-10-05T00:00:00Z".utf8))
        let engine = QueryEngine(
            catalog: try CatalogReader.read(files: [("own.yaml", Array(Self.catalog.utf8))]),
            layout: KeyLayout(),
            clock: WallClock { now })
        let (from, to) = ("2020-10-03T15:00:00Z", "2020-10-03T18:00:00Z")
        let shared = try engine.plan(ask("quarters", from, to, .hour, "Antarctica/Casey"))
        #expect(shared.buckets.map(\.isExact) == [true, false, false, true])
        #expect(shared.buckets[1].end == (try second("2020-10-03T16:15:00Z")))
        // Minutes of that time are no longer kept.
        let late = try engine.plan(ask("fine", from, to, .hour, "Antarctica/Casey"))
        #expect(late.buckets.map(\.isExact) == [true, false, false, true])
    }
}
