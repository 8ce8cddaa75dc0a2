internal import Metering

/// The rule for times after a zone's last listed change: a TZ text of POSIX, with the additions of
/// RFC 9636 (hours from −167 to 167).
struct ZoneRule: Sendable, Equatable {
    /// The day of a year on which clocks change.
    enum Day: Sendable, Equatable {
        /// `Jn`: the n-th day, 1 to 365; 29 February is not counted.
        case withoutLeapDay(Int)
        /// `n`: the day with that number, 0 to 365.
        case number(Int)
        /// `Mm.w.d`: the w-th weekday d (0: Sunday) of month m; week 5 is the last one.
        case weekday(month: Int, week: Int, day: Int)
    }
    /// A day and a time of it, in seconds of the local time that ends.
    struct Change: Sendable, Equatable {
        var day: Day
        var seconds: Int64
    }

    /// Daylight saving time: its seconds ahead of UTC, when it begins and when it ends.
    struct Daylight: Sendable, Equatable {
        var offset: Int64
        var start: Change
        var end: Change
    }

    /// Seconds ahead of UTC in standard time.
    var standard: Int64
    /// Nil where the whole year has standard time.
    var daylight: Daylight?

    /// The changes of a year, in the order of time, each with the offset that follows.
    func changes(year: Int32) -> [(second: Int64, offset: Int64)] {
        guard let daylight else { return [] }
        let start = Self.second(of: daylight.start, year: year) - standard
        let end = Self.second(of: daylight.end, year: year) - daylight.offset
        let made = [(start, daylight.offset), (end, standard)]
        return start <= end ? made : made.reversed()
    }

    /// The stretch with one offset that holds a time after the last change of `zone`.
    func span(at second: Int64, after zone: Zone) -> Zone.Span {
        let last = zone.changes.last ?? .min
        var span = Zone.Span(start: last, end: .max, offset: Int64(zone.offsets.last ?? 0))
        let year = CivilDate(day: Int32(floorDivide(second + standard, 86_400))).year
        for change in (year - 1...year + 1).flatMap({ changes(year: $0) })
        where change.second > last && change.offset != span.offset {
            if change.second > second {
                span.end = change.second
                break
            }
            span = Zone.Span(start: change.second, end: .max, offset: change.offset)
        }
        return span
    }

    // MARK: The calendar

    /// The local time of a change, in seconds since 1970.
    private static func second(of change: Change, year: Int32) -> Int64 {
        let newYear = CivilDate(year: year, monthOfYear: 1, dayOfMonth: 1)
        let day: Int32
        switch change.day {
        case .withoutLeapDay(let number):
            let isLeap = CivilDate(year: year, monthOfYear: 2, dayOfMonth: 1).daysInMonth == 29
            day = newYear.dayNumber + Int32(number - 1) + (isLeap && number >= 60 ? 1 : 0)
        case .number(let number): day = newYear.dayNumber + Int32(number)
        case .weekday(let month, let week, let weekday):
            let start = CivilDate(year: year, monthOfYear: Int32(month), dayOfMonth: 1)
            let first = start.dayNumber
            let wait = (Int32(weekday) - CivilDate.weekday(day: first) + 7) % 7
            let wanted = wait + Int32(week - 1) * 7
            day = first + (wanted < start.daysInMonth ? wanted : wanted - 7)
        }
        return Int64(day) * 86_400 + change.seconds
    }
}
