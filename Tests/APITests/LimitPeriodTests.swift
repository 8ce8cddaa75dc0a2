import Query
import Testing
import Zones

/// Periods of limits, at instants that are known.
@Suite struct LimitPeriodTests {
    private func second(_ text: String) throws -> Int64 {
        try #require(TimeText.nanoseconds(rfc3339: text.utf8)) / 1_000_000_000
    }

    /// `START END` of the period that holds a time, by the zone's clocks.
    private func period(_ period: LimitPeriod, _ zone: String, _ text: String) throws -> String {
        let zone = try ZoneDatabase.system.zone(named: zone)
        let second = try second(text)
        let range = try #require(period.range(at: second, in: zone))
        #expect(range.start <= second && second < range.end)
        // Every second of it has the same period, and the next one begins where it ends.
        for inside in [range.start, range.end - 1] {
            #expect(period.range(at: inside, in: zone) == range)
        }
        #expect(period.range(at: range.end, in: zone)?.start == range.end)
        #expect(period.range(at: range.start - 1, in: zone)?.end == range.start)
        return "\(zone.text(range.start)) \(zone.text(range.end))"
    }

    @Test func daysOfClocksThatChange() throws {
        #expect(
            try period(.day, "Europe/Berlin", "2026-03-29T10:00:00Z")
                == "2026-03-29T00:00:00+01:00 2026-03-30T00:00:00+02:00")
        #expect(
            try period(.day, "Europe/Berlin", "2026-10-25T22:59:59Z")
                == "2026-10-25T00:00:00+02:00 2026-10-26T00:00:00+01:00")
        #expect(
            try period(.day, "UTC", "2026-03-29T00:00:00Z")
                == "2026-03-29T00:00:00Z 2026-03-30T00:00:00Z")
        // Clocks leave midnight out: the day begins at one.
        #expect(
            try period(.day, "Africa/Cairo", "2026-04-24T12:00:00Z")
                == "2026-04-24T01:00:00+03:00 2026-04-25T00:00:00+03:00")
        // Midnight comes twice: the day begins at the first one.
        #expect(
            try period(.day, "America/Havana", "2026-11-01T04:30:00Z")
                == "2026-11-01T00:00:00-04:00 2026-11-02T00:00:00-05:00")
        // 30 December 2011 was left out in Apia.
        #expect(
            try period(.day, "Pacific/Apia", "2011-12-30T10:00:00Z")
                == "2011-12-31T00:00:00+14:00 2012-01-01T00:00:00+14:00")
    }

    @Test func months() throws {
        #expect(
            try period(.month, "America/New_York", "2026-03-01T04:59:59Z")
                == "2026-02-01T00:00:00-05:00 2026-03-01T00:00:00-05:00")
        #expect(
            try period(.month, "America/New_York", "2026-03-09T00:00:00Z")
                == "2026-03-01T00:00:00-05:00 2026-04-01T00:00:00-04:00")
        #expect(
            try period(.month, "Asia/Kathmandu", "2025-12-31T18:15:00Z")
                == "2026-01-01T00:00:00+05:45 2026-02-01T00:00:00+05:45")
    }

    /// Months that are too short for the day begin their period on their last one.
    @Test func billingDays() throws {
        func utc(_ day: Int32, _ text: String) throws -> String {
            try period(.billing(day: day), "UTC", text + "T12:00:00Z")
                .replacing("T00:00:00Z", with: "")
        }
        #expect(try utc(1, "2026-03-09") == "2026-03-01 2026-04-01")
        #expect(try utc(9, "2026-03-09") == "2026-03-09 2026-04-09")
        #expect(try utc(10, "2026-03-09") == "2026-02-10 2026-03-10")
        #expect(try utc(31, "2026-02-27") == "2026-01-31 2026-02-28")
        #expect(try utc(31, "2026-02-28") == "2026-02-28 2026-03-31")
        #expect(try utc(31, "2026-03-30") == "2026-02-28 2026-03-31")
        #expect(try utc(31, "2026-04-30") == "2026-04-30 2026-05-31")
        #expect(try utc(30, "2028-02-29") == "2028-02-29 2028-03-30")
        #expect(try utc(29, "2028-02-28") == "2028-01-29 2028-02-29")
        #expect(try utc(29, "2027-02-28") == "2027-02-28 2027-03-29")
        #expect(try utc(31, "2026-01-01") == "2025-12-31 2026-01-31")
        #expect(
            try period(.billing(day: 31), "Europe/Berlin", "2026-03-30T21:59:59Z")
                == "2026-02-28T00:00:00+01:00 2026-03-31T00:00:00+02:00")
        #expect(
            try period(.billing(day: 29), "Europe/Berlin", "2026-03-29T00:30:00Z")
                == "2026-03-29T00:00:00+01:00 2026-04-29T00:00:00+02:00")
        #expect(try LimitPeriod.always.range(at: second("2026-03-09T00:00:00Z"), in: .utc) == nil)
    }
}
