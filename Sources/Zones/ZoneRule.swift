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

    /// Seconds ahead of UTC in standard time.
    var standard: Int64
    /// Daylight saving time: its offset, when it begins and when it ends; nil where there is none.
    var daylight: (offset: Int64, start: Change, end: Change)?

    static func == (one: ZoneRule, other: ZoneRule) -> Bool {
        one.standard == other.standard && one.daylight?.offset == other.daylight?.offset
            && one.daylight?.start == other.daylight?.start
            && one.daylight?.end == other.daylight?.end
    }

    /// The changes of a year, in the order of time, each with the offset that follows.
    func changes(year: Int64) -> [(second: Int64, offset: Int64)] {
        guard let daylight else { return [] }
        let start = Self.second(of: daylight.start, year: year) - standard
        let end = Self.second(of: daylight.end, year: year) - daylight.offset
        let made = [(start, daylight.offset), (end, standard)]
        return start <= end ? made : made.reversed()
    }

    /// The stretch with one offset that holds a time after the last change of `zone`.
    func span(at second: Int64, after zone: Zone) -> Zone.Span {
        let last = zone.changes.last ?? .min
        let before = Int64(zone.offsets.last ?? 0)
        guard daylight != nil else { return Zone.Span(start: last, end: .max, offset: before) }
        var span = Zone.Span(start: last, end: .max, offset: before)
        let year = Self.year(of: second + standard)
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

    /// The year of a local time.
    static func year(of local: Int64) -> Int64 {
        // Years of 365.2425 days, then corrected.
        var year = 1970 + local.quotient(31_556_952)
        while dayNumber(year, 1, 1) * 86_400 > local { year -= 1 }
        while dayNumber(year + 1, 1, 1) * 86_400 <= local { year += 1 }
        return year
    }

    private static func second(of change: Change, year: Int64) -> Int64 {
        let day: Int64
        switch change.day {
        case .withoutLeapDay(let number):
            let passesLeapDay = isLeap(year) && number >= 60
            day = dayNumber(year, 1, 1) + Int64(number - 1) + (passesLeapDay ? 1 : 0)
        case .number(let number): day = dayNumber(year, 1, 1) + Int64(number)
        case .weekday(let month, let week, let weekday):
            let first = dayNumber(year, Int64(month), 1)
            // 1970-01-01 was a Thursday.
            let ofFirst = (first + 4).rest(7)
            let wanted = first + (Int64(weekday) - ofFirst).rest(7) + Int64(week - 1) * 7
            let next =
                month == 12 ? dayNumber(year + 1, 1, 1) : dayNumber(year, Int64(month) + 1, 1)
            day = wanted < next ? wanted : wanted - 7
        }
        return day * 86_400 + change.seconds
    }

    private static func isLeap(_ year: Int64) -> Bool {
        year.rest(4) == 0 && (year.rest(100) != 0 || year.rest(400) == 0)
    }

    /// Days from 1970-01-01 to a date of the Gregorian calendar.
    static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        // Years that begin in March have the leap day at their end.
        let shifted = month <= 2 ? year - 1 : year
        let months = month <= 2 ? month + 9 : month - 3
        let leapDays = shifted.quotient(4) - shifted.quotient(100) + shifted.quotient(400)
        return shifted * 365 + leapDays + (months * 153 + 2) / 5 + day - 1 - 719_468
    }
}

extension Int64 {
    /// The quotient rounded towards minus infinity, for a positive divisor.
    fileprivate func quotient(_ divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : -((divisor - 1 - self) / divisor)
    }

    /// The rest of that division, 0 to `divisor - 1`.
    fileprivate func rest(_ divisor: Int64) -> Int64 { self - quotient(divisor) * divisor }
}
