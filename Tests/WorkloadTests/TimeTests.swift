import Testing

@testable import Workload

@Suite struct TimeTests {
    private func time(_ text: String) -> Int64? {
        Array(text.utf8).withUnsafeBytes { TimeText.nanoseconds($0) }
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-03-09T14:15:16Z", 1_773_065_716_000_000_000),
            ("2026-03-09t14:15:16.5z", 1_773_065_716_500_000_000),
            ("2026-03-09T14:15:16.123456789Z", 1_773_065_716_123_456_789),
            ("2026-03-09T19:45:16+05:30", 1_773_065_716_000_000_000),
            ("2026-03-08T14:16:16-23:59", 1_773_065_716_000_000_000),
            ("2026-03-09T14:15:16-00:00", 1_773_065_716_000_000_000),
            ("1969-12-31T23:59:59.999999999Z", -1),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
            ("2024-02-29T12:00:00Z", 1_709_208_000_000_000_000),
            ("1700-01-01T00:00:00Z", -8_520_336_000_000_000_000),
            ("2200-12-31T23:59:59Z", 7_289_654_399_000_000_000),
        ] as [(String, Int64)])
    func readable(_ text: String, _ nanoseconds: Int64) {
        #expect(time(text) == nanoseconds)
    }

    @Test(arguments: [
        "", "2026-03-09", "2026-03-09T14:15:16", "2026-03-09 14:15:16Z", "2026-3-9T14:15:16Z",
        "2026-03-09T14:15Z", "2026-03-09T24:00:00Z", "2026-03-09T14:60:00Z", "2026-03-09T14:15:61Z",
        "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "1699-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "2026-03-09T14:15:16.Z",
        "2026-03-09T14:15:16.1234567890Z", "2026-03-09T14:15:16.5", "2026-03-09T14:15:16+0530",
        "2026-03-09T14:15:16+24:00", "2026-03-09T14:15:16+01:60", "2026-03-09T14:15:16+01",
        "2026-03-09T14:15:16Zx", "2026-03-09T14:15:16Z ", " 2026-03-09T14:15:16Z",
        "20260309T141516Z",
        "2026-03-09T14:15:16,5Z", "2026-03-09T1a:15:16Z", "+2026-03-09T14:15:16Z",
    ])
    func unreadable(_ text: String) {
        #expect(time(text) == nil)
    }

    @Test func datesAndDaysAreInverse() {
        for days in stride(from: Int64(-100_000), to: 90_000, by: 1) {
            let date = CivilDate(days: days)
            #expect(date.days == days)
        }
        #expect(CivilDate(days: 0) == CivilDate(year: 1970, month: 1, day: 1))
        #expect(CivilDate(days: 20_521) == CivilDate(year: 2026, month: 3, day: 9))
    }

    @Test func labelsHaveAStart() {
        for (label, start) in [
            ("2026", 1_767_225_600_000), ("2026-03", 1_772_323_200_000),
            ("2026-03-09", 1_773_014_400_000), ("2026-03-09T14", 1_773_064_800_000),
            ("2026-03-09T1415", 1_773_065_700_000),
        ] as [(String, Int64)] { #expect(oracleLabelStartMilliseconds(label.utf8) == start) }
        for label in ["", "all", "202", "2026-3", "2026-13", "2026-03-09X14", "2026-03-09T14:15"] {
            #expect(oracleLabelStartMilliseconds(label.utf8) == nil)
        }
    }

    @Test func weekdaysBeginWithSunday() {
        let monday: Int64 = 1_773_065_716_000_000_000
        #expect(OracleMoment(nanoseconds: monday).weekday == 1)
        #expect(OracleMoment(nanoseconds: 0).weekday == 4)
        #expect(OracleMoment(nanoseconds: -1).weekday == 3)
        #expect(OracleMoment(nanoseconds: -1).hour == 23)
    }
}
