/// How many windows of one length a key holds.
enum KeyExtent {
    /// One, of a table, ranking, distinct count or histogram.
    case single
    /// Neighbours of a series: an hour's minutes, a day's quarter-hours, a month's days, a year's
    /// months.
    case series
    /// Neighbours of several series of a family: of minutes and quarter-hours a fourth of those.
    case familySeries
}

/// A time with the labels and bounds of its windows, all in UTC.
struct OracleMoment {
    let nanoseconds: Int64
    let date: CivilDate
    let days: Int64
    let secondOfDay: Int64

    init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
        let seconds = floorDivided(nanoseconds, 1_000_000_000)
        days = floorDivided(seconds, 86_400)
        secondOfDay = seconds - days * 86_400
        date = CivilDate(days: days)
    }

    var hour: Int { Int(secondOfDay / 3_600) }
    var minute: Int { Int(secondOfDay / 60 % 60) }
    /// 0: Sunday.
    var weekday: Int { Int((days + 4) - floorDivided(days + 4, 7) * 7) }

    /// When a window ends, in milliseconds since 1970; nil for all time.
    func endMilliseconds(of window: OracleWindow) -> Int64? {
        let midnight = days * 86_400
        switch window {
        case .minute: return (midnight + secondOfDay / 60 * 60 + 60) * 1_000
        case .quarter: return (midnight + secondOfDay / 900 * 900 + 900) * 1_000
        case .day: return (midnight + 86_400) * 1_000
        case .month: return Self.startMilliseconds(of: date.year, date.month + 1)
        case .all: return nil
        }
    }

    /// When the last window in the same key ends, in milliseconds since 1970; nil for all time.
    func keyEndMilliseconds(of window: OracleWindow, _ extent: KeyExtent) -> Int64? {
        guard extent != .single else { return endMilliseconds(of: window) }
        let midnight = days * 86_400
        switch window {
        case .minute:
            let seconds: Int64 = extent == .familySeries ? 900 : 3_600
            return (midnight + secondOfDay / seconds * seconds + seconds) * 1_000
        case .quarter:
            let seconds: Int64 = extent == .familySeries ? 21_600 : 86_400
            return (midnight + secondOfDay / seconds * seconds + seconds) * 1_000
        case .day: return Self.startMilliseconds(of: date.year, date.month + 1)
        case .month: return Self.startMilliseconds(of: date.year + 1, 1)
        case .all: return nil
        }
    }

    private static func startMilliseconds(of year: Int, _ month: Int) -> Int64 {
        let first =
            month > 12
            ? CivilDate(year: year + 1, month: 1, day: 1)
            : CivilDate(year: year, month: month, day: 1)
        return first.days * 86_400_000
    }

    /// Appends the part of a key's name that follows the meter and its colon.
    func putKeyLabel(
        _ window: OracleWindow, _ extent: KeyExtent, into writer: inout ByteWriter
    ) {
        let isSeries = extent != .single
        func putPart(_ part: Int) {
            guard extent == .familySeries else { return }
            writer.put("q")
            writer.put(decimal: part)
        }
        switch window {
        case .minute:
            writer.put("minute:")
            writer.put(date)
            writer.put(byte: 0x54)
            writer.put(twoDigits: hour)
            if !isSeries { writer.put(twoDigits: minute) }
            putPart(minute / 15)
        case .quarter:
            writer.put("quarter:")
            writer.put(date)
            if !isSeries {
                writer.put(byte: 0x54)
                putQuarter(&writer)
            }
            putPart(hour / 6)
        case .day:
            writer.put("day:")
            if isSeries { putMonth(&writer) } else { writer.put(date) }
        case .month:
            writer.put("month:")
            if isSeries { putYear(&writer) } else { putMonth(&writer) }
        case .all:
            writer.put("all")
        }
    }

    /// Appends the member of a series.
    func putMemberLabel(_ window: OracleWindow, into writer: inout ByteWriter) {
        switch window {
        case .minute: writer.put(twoDigits: minute)
        case .quarter: putQuarter(&writer)
        case .day: writer.put(twoDigits: date.day)
        case .month: writer.put(twoDigits: date.month)
        case .all: break
        }
    }

    private func putQuarter(_ writer: inout ByteWriter) {
        writer.put(twoDigits: hour)
        writer.put(twoDigits: minute / 15 * 15)
    }

    private func putYear(_ writer: inout ByteWriter) {
        writer.put(digits: 4, of: UInt64(max(0, date.year)))
    }

    private func putMonth(_ writer: inout ByteWriter) {
        putYear(&writer)
        writer.put(byte: 0x2D)
        writer.put(twoDigits: date.month)
    }
}

/// When the time begins that a label in a key's name covers, in milliseconds since 1970.
///
/// Labels are `2026`, `2026-03`, `2026-03-09`, `2026-03-09T14` and `2026-03-09T1415`, and of
/// families `2026-03-09q2` (quarter of a day) and `2026-03-09T14q1` (quarter of an hour); nil for
/// anything else.
public func oracleLabelStartMilliseconds(_ label: some Collection<UInt8>) -> Int64? {
    let text = Array(label)
    if text.count >= 12, text[text.count - 2] == 0x71 {
        guard let whole = oracleLabelStartMilliseconds(text.dropLast(2)),
            (0x30...0x33).contains(text[text.count - 1])
        else { return nil }
        let part: Int64 = text.count == 12 ? 21_600_000 : 900_000
        return whole + Int64(text[text.count - 1] - 0x30) * part
    }
    func number(_ start: Int, _ digits: Int, after separator: UInt8?) -> Int64? {
        guard start + digits <= text.count else { return nil }
        if let separator, text[start - 1] != separator { return nil }
        var value: Int64 = 0
        for byte in text[start..<start + digits] {
            guard byte &- 48 < 10 else { return nil }
            value = value * 10 + Int64(byte &- 48)
        }
        return value
    }
    guard [4, 7, 10, 13, 15].contains(text.count), let year = number(0, 4, after: nil) else {
        return nil
    }
    let month = text.count >= 7 ? number(5, 2, after: 0x2D) : 1
    let day = text.count >= 10 ? number(8, 2, after: 0x2D) : 1
    let hour = text.count >= 13 ? number(11, 2, after: 0x54) : 0
    let minute = text.count >= 15 ? number(13, 2, after: nil) : 0
    guard let month, let day, let hour, let minute, 1...12 ~= month, day >= 1 else { return nil }
    let days = CivilDate(year: Int(year), month: Int(month), day: Int(day)).days
    return ((days * 24 + hour) * 60 + minute) * 60_000
}

/// The date of a day since 1970-01-01, `YYYY-MM-DD`.
public func oracleDate(ofDay day: Int64) -> String {
    var writer = ByteWriter(capacity: 10)
    writer.put(CivilDate(days: day))
    return String(decoding: writer.bytes, as: UTF8.self)
}

/// A time since 1970 in RFC 3339: whole seconds, or with seven decimals; the rest is cut off.
public func oracleTime(nanoseconds: Int64, decimals: Bool = false) -> String {
    let moment = OracleMoment(nanoseconds: nanoseconds)
    var writer = ByteWriter(capacity: 28)
    writer.put(moment.date)
    writer.put(byte: 0x54)
    writer.put(secondOfDay: Int(moment.secondOfDay))
    if decimals {
        let seconds = floorDivided(nanoseconds, 1_000_000_000)
        let rest = nanoseconds &- seconds &* 1_000_000_000
        writer.put(byte: 0x2E)
        writer.put(digits: 7, of: UInt64(rest / 100))
    }
    writer.put(byte: 0x5A)
    return String(decoding: writer.bytes, as: UTF8.self)
}
