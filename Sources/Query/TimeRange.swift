internal import Metering

/// A half-open range of event time; all its times are in seconds since 1970.
public struct TimeRange: Sendable, Hashable {
    /// First second.
    public var start: Int64
    /// First second after it.
    public var end: Int64

    /// Seconds of one UTC day.
    public static let secondsPerDay: Int64 = 86_400

    /// The range from `start` to before `end`; empty where `end` is not after `start`.
    public init(start: Int64, end: Int64) {
        self.start = start
        self.end = max(start, end)
    }

    /// The whole UTC days that these seconds touch; of equal seconds their day.
    public init(wholeDaysFrom start: Int64, to end: Int64) {
        let first = TimeText.floorDivide(start, TimeRange.secondsPerDay)
        let last = max(first + 1, TimeText.floorDivide(end - 1, TimeRange.secondsPerDay) + 1)
        self.init(start: first * TimeRange.secondsPerDay, end: last * TimeRange.secondsPerDay)
    }

    /// The `count` UTC days that end with the day of `nowSeconds`.
    public static func days(_ count: Int64, until nowSeconds: Int64) -> TimeRange {
        let end = (TimeText.floorDivide(nowSeconds, secondsPerDay) + 1) * secondsPerDay
        return TimeRange(start: end - count * secondsPerDay, end: end)
    }

    /// The calendar month (UTC) of `nowSeconds`.
    public static func month(of nowSeconds: Int64) -> TimeRange {
        let number = Window.month.number(ofSecond: nowSeconds)
        return TimeRange(start: Window.month.start(of: number), end: Window.month.end(of: number))
    }

    /// From the last `billingDay` of a month (1 to 28) through the day of `nowSeconds`.
    public static func billingMonth(of nowSeconds: Int64, billingDay: Int32) -> TimeRange {
        let today = CivilDate(day: Window.day.number(ofSecond: nowSeconds))
        let month = today.dayOfMonth >= billingDay ? today.month : today.month - 1
        let first = CivilDate(month: month).dayNumber + billingDay - 1
        return TimeRange(
            start: Window.day.start(of: first), end: Window.day.end(of: today.dayNumber))
    }

    /// The 1,440 minutes that end with the minute of `nowSeconds`.
    public static func lastDay(until nowSeconds: Int64) -> TimeRange {
        let end = (TimeText.floorDivide(nowSeconds, 60) + 1) * 60
        return TimeRange(start: end - secondsPerDay, end: end)
    }

    /// The range of the same length just before.
    public var previous: TimeRange { TimeRange(start: start - (end - start), end: start) }

    /// Number of UTC days in a range of whole days.
    public var dayCount: Int64 { (end - start) / TimeRange.secondsPerDay }

    /// Dates of the UTC days of a range of whole days, oldest first.
    public var dates: [String] {
        (0..<dayCount).map { TimeText.date(second: start + $0 * TimeRange.secondsPerDay) }
    }

    /// `START/END` in RFC 3339.
    public var text: String {
        "\(TimeText.second(start))/\(TimeText.second(end))"
    }
}
