import Testing
import Zones

@testable import Query

/// Buckets by the clocks of zones, at instants that are known.
@Suite struct ZoneCalendarTests {
    private func second(_ text: String) throws -> Int64 {
        try #require(TimeText.nanoseconds(rfc3339: text.utf8)) / 1_000_000_000
    }

    /// `LABEL START END` of each bucket, in UTC.
    private func buckets(
        _ zone: String, _ step: CalendarStep, _ from: String, _ to: String
    ) throws -> [String] {
        let calendar = ZoneCalendar(zone: try ZoneDatabase.system.zone(named: zone), step: step)
        let range = TimeRange(start: try second(from), end: try second(to))
        let found = try calendar.buckets(range, most: 2_000)
        // They join, and begin and end with the range.
        #expect(found.first?.start == range.start && found.last?.end == range.end)
        for (left, right) in zip(found, found.dropFirst()) { #expect(left.end == right.start) }
        return found.map {
            "\(step.label(ofLocal: $0.local) ?? "") \(TimeText.second($0.start)) "
                + TimeText.second($0.end)
        }
    }

    private func days(_ zone: String, _ from: String, _ to: String) throws -> [String] {
        try buckets(zone, .day, from, to)
    }

    @Test func daysOf23And25Hours() throws {
        #expect(
            try days("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z") == [
                "2026-03-29 2026-03-28T23:00:00Z 2026-03-29T22:00:00Z",
                "2026-03-30 2026-03-29T22:00:00Z 2026-03-30T22:00:00Z",
            ])
        #expect(
            try days("Europe/Berlin", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z") == [
                "2025-10-26 2025-10-25T22:00:00Z 2025-10-26T23:00:00Z"
            ])
    }

    /// The hour that comes twice is two buckets, with one label.
    @Test func hourThatComesTwice() throws {
        #expect(
            try buckets("Europe/Berlin", .hour, "2025-10-25T23:00:00Z", "2025-10-26T03:00:00Z") == [
                "2025-10-26T01:00 2025-10-25T23:00:00Z 2025-10-26T00:00:00Z",
                "2025-10-26T02:00 2025-10-26T00:00:00Z 2025-10-26T01:00:00Z",
                "2025-10-26T02:00 2025-10-26T01:00:00Z 2025-10-26T02:00:00Z",
                "2025-10-26T03:00 2025-10-26T02:00:00Z 2025-10-26T03:00:00Z",
            ])
    }

    /// Lord Howe's clocks change by 30 minutes.
    @Test func halfHours() throws {
        #expect(
            try buckets(
                "Australia/Lord_Howe", .hour, "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z") == [
                    "2026-04-05T01:00 2026-04-04T14:00:00Z 2026-04-04T15:00:00Z",
                    "2026-04-05T01:00 2026-04-04T15:00:00Z 2026-04-04T15:30:00Z",
                    "2026-04-05T02:00 2026-04-04T15:30:00Z 2026-04-04T16:30:00Z",
                ])
        #expect(
            try buckets(
                "Australia/Lord_Howe", .hour, "2025-10-04T14:30:00Z", "2025-10-04T17:00:00Z") == [
                    "2025-10-05T01:00 2025-10-04T14:30:00Z 2025-10-04T15:30:00Z",
                    "2025-10-05T02:00 2025-10-04T15:30:00Z 2025-10-04T16:00:00Z",
                    "2025-10-05T03:00 2025-10-04T16:00:00Z 2025-10-04T17:00:00Z",
                ])
    }

    @Test func offsetsOfQuarterHours() throws {
        #expect(
            try buckets("Asia/Kathmandu", .hour, "2026-03-08T18:15:00Z", "2026-03-08T19:15:00Z")
                == ["2026-03-09T00:00 2026-03-08T18:15:00Z 2026-03-08T19:15:00Z"])
        #expect(
            try days("Asia/Kolkata", "2026-03-08T18:30:00Z", "2026-03-09T18:30:00Z")
                == ["2026-03-09 2026-03-08T18:30:00Z 2026-03-09T18:30:00Z"])
    }

    /// Apia had no 30 December 2011.
    @Test func dateThatIsLeftOut() throws {
        #expect(
            try days("Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z") == [
                "2011-12-29 2011-12-29T10:00:00Z 2011-12-30T10:00:00Z",
                "2011-12-31 2011-12-30T10:00:00Z 2011-12-31T10:00:00Z",
            ])
    }

    /// Days that begin at 1 o'clock begin then, and not on the day before.
    @Test func midnightThatIsLeftOut() throws {
        for (zone, date, start, end) in [
            ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
            ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"),
            ("America/Santiago", "2025-09-07", "2025-09-07T04:00:00Z", "2025-09-08T03:00:00Z"),
            ("Atlantic/Azores", "2026-03-29", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"),
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        ] {
            #expect(try days(zone, start, end) == ["\(date) \(start) \(end)"], "\(zone)")
        }
    }

    /// A date begins at the first of two midnights; what clocks show once more of the day before
    /// belongs to it.
    @Test func midnightThatComesTwice() throws {
        for (zone, date, start, end) in [
            // 00:59 is followed by 00:00 of the same date.
            ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"),
            ("Atlantic/Azores", "2025-10-26", "2025-10-26T00:00:00Z", "2025-10-27T01:00:00Z"),
            // 23:59 is followed by 23:00 of the same date: midnight comes once.
            ("Africa/Cairo", "2025-10-30", "2025-10-29T21:00:00Z", "2025-10-30T22:00:00Z"),
            ("America/Santiago", "2026-04-04", "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"),
            // 00:00 is followed by 23:01 of the day before.
            ("America/St_Johns", "2005-10-30", "2005-10-30T02:30:00Z", "2005-10-31T03:30:00Z"),
        ] {
            #expect(try days(zone, start, end) == ["\(date) \(start) \(end)"], "\(zone)")
        }
    }

    /// Casey's clocks went from 00:01 to 03:01 on 4 October 2020.
    @Test func changeInsideAQuarterHour() throws {
        #expect(
            try days("Antarctica/Casey", "2020-10-03T16:00:00Z", "2020-10-04T13:00:00Z")
                == ["2020-10-04 2020-10-03T16:00:00Z 2020-10-04T13:00:00Z"])
        #expect(
            try buckets("Antarctica/Casey", .hour, "2020-10-03T15:00:00Z", "2020-10-03T18:00:00Z")
                == [
                    "2020-10-03T23:00 2020-10-03T15:00:00Z 2020-10-03T16:00:00Z",
                    "2020-10-04T00:00 2020-10-03T16:00:00Z 2020-10-03T16:01:00Z",
                    "2020-10-04T03:00 2020-10-03T16:01:00Z 2020-10-03T17:00:00Z",
                    "2020-10-04T04:00 2020-10-03T17:00:00Z 2020-10-03T18:00:00Z",
                ])
    }

    @Test func weeksOverNewYear() throws {
        let found = try buckets(
            "Europe/Berlin", .week, "2025-12-21T23:00:00Z", "2026-01-11T23:00:00Z")
        #expect(
            found == [
                "2025-W52 2025-12-21T23:00:00Z 2025-12-28T23:00:00Z",
                "2026-W01 2025-12-28T23:00:00Z 2026-01-04T23:00:00Z",
                "2026-W02 2026-01-04T23:00:00Z 2026-01-11T23:00:00Z",
            ])
        #expect(
            try buckets("UTC", .week, "2020-12-28T00:00:00Z", "2021-01-11T00:00:00Z") == [
                "2020-W53 2020-12-28T00:00:00Z 2021-01-04T00:00:00Z",
                "2021-W01 2021-01-04T00:00:00Z 2021-01-11T00:00:00Z",
            ])
    }

    @Test func partsOfSteps() throws {
        let calendar = ZoneCalendar(
            zone: try ZoneDatabase.system.zone(named: "Europe/Berlin"), step: .month)
        let range = TimeRange(
            start: try second("2026-01-15T00:00:00Z"), end: try second("2026-03-31T22:00:00Z"))
        let found = try calendar.buckets(range, most: 2_000)
        #expect(found.map(\.isPartial) == [true, false, false])
        #expect(throws: QuestionError.self) { try calendar.buckets(range, most: 2) }
    }

    /// Liberia was 44 minutes and 30 seconds behind until 1972.
    @Test func offsetsThatCutCells() throws {
        let zone = try ZoneDatabase.system.zone(named: "Africa/Monrovia")
        let calendar = ZoneCalendar(zone: zone, step: .day)
        let error = #expect(throws: QuestionError.self) {
            try calendar.buckets(
                TimeRange(
                    start: try second("1971-12-01T00:00:00Z"),
                    end: try second("1972-02-01T00:00:00Z")), most: 2_000)
        }
        #expect(
            error?.description
                == "zone Africa/Monrovia is -2670 seconds from UTC at 1971-12-01T00:00:00Z, which "
                + "is no multiple of 15 minutes; from 1972-01-07T00:44:30Z on it can be answered")
        #expect(
            try days("Africa/Monrovia", "1972-02-01T00:00:00Z", "1972-02-02T00:00:00Z").count == 1)
    }

    @Test func timesWithOffsets() throws {
        let berlin = try ZoneDatabase.system.zone(named: "Europe/Berlin")
        let johns = try ZoneDatabase.system.zone(named: "America/St_Johns")
        #expect(berlin.text(0) == "1970-01-01T01:00:00+01:00")
        #expect(johns.text(0) == "1969-12-31T20:30:00-03:30")
        #expect(Zone.utc.text(0) == "1970-01-01T00:00:00Z")
    }
}
