internal import Metering

/// The length of an answer's buckets, by the clocks and the calendar of a zone.
public enum CalendarStep: String, Sendable, CaseIterable {
    /// 60 seconds.
    case minute
    /// 15 minutes.
    case quarter
    /// An hour that clocks show; one that comes twice is two buckets.
    case hour
    /// A date: 23 to 25 hours where clocks change.
    case day
    /// A week of ISO 8601, from Monday on.
    case week
    /// A calendar month.
    case month
    /// The whole range is one bucket.
    case none

    /// Seconds of a step that has the same length everywhere; nil for dates and longer.
    var fixedSeconds: Int64? {
        switch self {
        case .minute: 60
        case .quarter: 900
        case .hour: 3_600
        case .day, .week, .month, .none: nil
        }
    }

    /// The range of a question without times: so many seconds, up to now.
    var defaultSeconds: Int64 {
        let day = TimeRange.secondsPerDay
        return switch self {
        case .minute: 12 * 3_600
        case .quarter, .hour: 7 * day
        case .day, .none: 30 * day
        case .week: 26 * 7 * day
        case .month: 365 * day
        }
    }

    /// The number of the day, week or month with this local time.
    func number(ofLocal local: Int64) -> Int32 {
        let day = Window.day.number(ofSecond: local)
        switch self {
        // 1970-01-01 was a Thursday: its week began three days before.
        case .week: return Int32(Metering.floorDivide(Int64(day) + 3, 7))
        case .month: return Window.month.number(ofSecond: local)
        case .minute, .quarter, .hour, .day, .none: return day
        }
    }

    /// The local time at which that day, week or month begins.
    func local(of number: Int32) -> Int64 {
        switch self {
        case .week: (Int64(number) * 7 - 3) * TimeRange.secondsPerDay
        case .month: Window.month.start(of: number)
        case .minute, .quarter, .hour, .day, .none: Window.day.start(of: number)
        }
    }

    /// What a bucket is called that begins at this local time: `2026-03-09T14:15`, `2026-03-09`,
    /// `2026-W11` or `2026-03`; nil for `none`.
    public func label(ofLocal local: Int64) -> String? {
        switch self {
        case .minute, .quarter, .hour: return String(TimeText.second(local).dropLast(4))
        case .day: return TimeText.date(second: local)
        case .month: return TimeText.month(second: local)
        case .week:
            // A week belongs to the year of its Thursday.
            let thursday = Window.day.number(ofSecond: local) + 3
            let year = CivilDate(day: thursday).year
            let first = CivilDate(year: year, monthOfYear: 1, dayOfMonth: 1).dayNumber
            let week = (thursday - first) / 7 + 1
            return "\(year)-W\(week < 10 ? "0" : "")\(week)"
        case .none: return nil
        }
    }
}
