internal import Metering
public import Zones

/// The stretch of time that a limit holds for; it begins again and again by the clocks of a zone.
public enum LimitPeriod: Sendable, Hashable {
    /// A date.
    case day
    /// A calendar month.
    case month
    /// From this day of a month (1 to 31) to before that day of the next one.
    ///
    /// A month that is too short for the day begins its period on its last one.
    case billing(day: Int32)
    /// All of time.
    case always

    /// The period that holds a second, since 1970; nil: all of time.
    public func range(at second: Int64, in zone: Zone) -> TimeRange? {
        switch self {
        case .day: return LimitPeriod.step(.day, at: second, in: zone)
        case .month: return LimitPeriod.step(.month, at: second, in: zone)
        case .billing(let day): return LimitPeriod.billing(day, at: second, in: zone)
        case .always: return nil
        }
    }

    private static func step(_ step: CalendarStep, at second: Int64, in zone: Zone) -> TimeRange {
        let calendar = ZoneCalendar(zone: zone, step: step)
        return TimeRange(start: calendar.start(at: second), end: calendar.end(at: second))
    }

    private static func billing(_ day: Int32, at second: Int64, in zone: Zone) -> TimeRange {
        func first(_ month: Int32) -> Int64 {
            let date = CivilDate(month: month)
            let number = date.dayNumber + min(day, date.daysInMonth) - 1
            return zone.firstMoment(ofLocal: Window.day.start(of: number))
        }
        // Where midnight comes twice, clocks show the day before once more although it is over.
        var month = Window.month.number(ofSecond: second + zone.offset(at: second))
        while first(month + 1) <= second { month += 1 }
        while first(month) > second { month -= 1 }
        return TimeRange(start: first(month), end: first(month + 1))
    }
}
