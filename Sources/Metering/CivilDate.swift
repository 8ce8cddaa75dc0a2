/// A day of the proleptic Gregorian calendar.
public struct CivilDate: Sendable, Hashable {
    /// Year, as in 2026.
    public var year: Int32
    /// Month, 1 to 12.
    public var monthOfYear: Int32
    /// Day of the month, 1 to 31.
    public var dayOfMonth: Int32

    /// The date with these parts, which must be a real date.
    public init(year: Int32, monthOfYear: Int32, dayOfMonth: Int32) {
        self.year = year
        self.monthOfYear = monthOfYear
        self.dayOfMonth = dayOfMonth
    }

    /// The date of a day number (days since 1970-01-01).
    public init(day: Int32) {
        // Days are counted from 0000-03-01, so that a leap day is the last of its year. 146,097
        // days are 400 years.
        let shifted = Int64(day) + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        dayOfMonth = Int32(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        monthOfYear = Int32(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = Int32(yearOfEra + era * 400 + (monthOfYear <= 2 ? 1 : 0))
    }

    /// First day of a month number (months since 1970-01).
    public init(month: Int32) {
        let years = floorDivide(Int64(month), 12)
        year = Int32(1970 + years)
        monthOfYear = Int32(Int64(month) - years * 12 + 1)
        dayOfMonth = 1
    }

    /// Months since 1970-01.
    public var month: Int32 { (year - 1970) * 12 + monthOfYear - 1 }

    /// Days since 1970-01-01.
    public var dayNumber: Int32 {
        let shiftedYear = Int64(monthOfYear <= 2 ? year - 1 : year)
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let shiftedMonth = Int64(monthOfYear > 2 ? monthOfYear - 3 : monthOfYear + 9)
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + Int64(dayOfMonth) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int32(era * 146_097 + dayOfEra - 719_468)
    }

    /// Days in this month.
    public var daysInMonth: Int32 {
        CivilDate(month: month + 1).dayNumber - CivilDate(month: month).dayNumber
    }

    /// Day of the week of a day number: 0 = Sunday … 6 = Saturday.
    @inlinable
    public static func weekday(day: Int32) -> Int32 {
        Int32((Int64(day) + 4) - floorDivide(Int64(day) + 4, 7) * 7)
    }
}
