public import Metering

/// Names of cells written byte by byte: what a commit does a thousand times a second.
extension KeyLayout {
    /// Appends the part of a cell key after organization and scope, with its leading ":".
    ///
    /// - Parameters:
    ///   - meter: name of the meter; of its family where it has one.
    ///   - isFamily: whether the key is a family's.
    ///   - number: the window's number; for a grid the weekday.
    public static func appendCellKeySuffix(
        meter: some Collection<UInt8>, isFamily: Bool = false, shape: CellShape, window: Window,
        number: Int32, to key: inout Bytes
    ) {
        key.append(UInt8(ascii: ":"))
        if shape == .series, window == .all {
            append("totals", to: &key)
            return
        }
        key.append(contentsOf: meter)
        key.append(UInt8(ascii: ":"))
        if shape == .grid {
            append("grid:", to: &key)
            key.append(48 + UInt8(truncatingIfNeeded: number))
            return
        }
        switch window {
        case .all: append("all", to: &key)
        case .month: append("month:", to: &key)
        case .day: append("day:", to: &key)
        case .quarter: append("quarter:", to: &key)
        case .minute: append("minute:", to: &key)
        }
        if window == .all { return }
        appendLabel(window, number, to: &key)
        guard shape == .series else { return }
        // A series keeps neighbouring windows in one key: its name has only the label's part that
        // they share.
        let ownCount =
            switch window {
            case .month, .day: 3
            case .quarter: 5
            case .minute, .all: 2
            }
        key.removeLast(ownCount)
        if isFamily { appendQuarter(window, number, to: &key) }
    }

    /// Appends which quarter of an hour or of a day a family's key holds: `q0` … `q3`.
    ///
    /// Several meters share the key, so that it has fewer windows of each.
    private static func appendQuarter(_ window: Window, _ number: Int32, to key: inout Bytes) {
        let count: Int32
        switch window {
        case .minute: count = 60
        case .quarter: count = 96
        case .day, .month, .all: return
        }
        let offset = Int32(Int64(number) - floorDivide(Int64(number), Int64(count)) * Int64(count))
        key.append(UInt8(ascii: "q"))
        key.append(48 + UInt8(truncatingIfNeeded: offset / (count / 4)))
    }

    /// Appends a window's label: `2026-03`, `2026-03-09`, `2026-03-09T1415`, `2026-03-09T1407`,
    /// `all`.
    public static func appendLabel(_ window: Window, _ number: Int32, to text: inout Bytes) {
        switch window {
        case .all: append("all", to: &text)
        case .month: append(CivilDate(month: number), withDay: false, to: &text)
        case .day: append(CivilDate(day: number), withDay: true, to: &text)
        case .quarter, .minute:
            let minutes = Int64(number) * (window == .quarter ? 15 : 1)
            let day = floorDivide(minutes, 1_440)
            let minute = Int32(minutes - day * 1_440)
            append(CivilDate(day: Int32(day)), withDay: true, to: &text)
            text.append(UInt8(ascii: "T"))
            appendTwoDigits(minute / 60, to: &text)
            appendTwoDigits(minute % 60, to: &text)
        }
    }

    /// Appends the member of a series' cell: month `03`, day `09`, quarter-hour `1415`, minute
    /// `07`, in `totals` the meter's name.
    public static func appendSeriesMember(
        meter: some Collection<UInt8>, window: Window, number: Int32, to member: inout Bytes
    ) {
        switch window {
        case .all: member.append(contentsOf: meter)
        case .month: appendTwoDigits(CivilDate(month: number).monthOfYear, to: &member)
        case .day: appendTwoDigits(CivilDate(day: number).dayOfMonth, to: &member)
        case .quarter:
            let quarter = Int32(Int64(number) - floorDivide(Int64(number), 96) * 96)
            appendTwoDigits(quarter / 4, to: &member)
            appendTwoDigits(quarter % 4 * 15, to: &member)
        case .minute:
            appendTwoDigits(Int32(Int64(number) - floorDivide(Int64(number), 60) * 60), to: &member)
        }
    }

    /// Appends two decimal digits of a number from 0 to 99.
    public static func appendTwoDigits(_ value: Int32, to text: inout Bytes) {
        text.append(48 + UInt8(truncatingIfNeeded: value / 10 % 10))
        text.append(48 + UInt8(truncatingIfNeeded: value % 10))
    }

    private static func append(_ date: CivilDate, withDay: Bool, to text: inout Bytes) {
        if (0...9_999).contains(date.year) {
            appendTwoDigits(date.year / 100, to: &text)
            appendTwoDigits(date.year % 100, to: &text)
        } else {
            // No event has such a year; a reader may still ask for one.
            text.append(contentsOf: String(date.year).utf8)
        }
        text.append(UInt8(ascii: "-"))
        appendTwoDigits(date.monthOfYear, to: &text)
        guard withDay else { return }
        text.append(UInt8(ascii: "-"))
        appendTwoDigits(date.dayOfMonth, to: &text)
    }

    private static func append(_ word: StaticString, to text: inout Bytes) {
        text.append(
            contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }
}
