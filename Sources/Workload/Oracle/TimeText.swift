/// Reads RFC 3339, as events may have it, into nanoseconds since 1970.
enum TimeText {
    static let firstSecond = CivilDate(year: 1_700, month: 1, day: 1).days * 86_400
    static let endSecond = CivilDate(year: 2_201, month: 1, day: 1).days * 86_400

    /// The time of a text; nil when it is not a time with a zone.
    static func nanoseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count >= 20, separators(text),
            let year = number(text, 0, 4), let month = number(text, 5, 2),
            let day = number(text, 8, 2), let hour = number(text, 11, 2),
            let minute = number(text, 14, 2), let second = number(text, 17, 2)
        else { return nil }
        guard 1_700...2_200 ~= year, 1...12 ~= month,
            1...CivilDate.days(inMonth: month, of: year) ~= day,
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var place = 19
        guard let fraction = fraction(text, &place), let offset = zone(text, place) else {
            return nil
        }
        // By this sum, second 60 is the first second of the next minute.
        let days = CivilDate(year: year, month: month, day: day).days
        let seconds =
            days * 86_400 + Int64(hour * 3_600 + minute * 60 + second) - Int64(offset) * 60
        return seconds * 1_000_000_000 + fraction
    }

    private static func separators(_ text: UnsafeRawBufferPointer) -> Bool {
        text[4] == 0x2D && text[7] == 0x2D && (text[10] == 0x54 || text[10] == 0x74)
            && text[13] == 0x3A && text[16] == 0x3A
    }

    private static func number(
        _ text: UnsafeRawBufferPointer, _ start: Int, _ digits: Int
    ) -> Int? {
        guard start + digits <= text.count else { return nil }
        var value = 0
        for place in start..<start + digits {
            let digit = text[place] &- 48
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }

    /// Reads `.` and one to nine digits as nanoseconds; 0 when there is no dot.
    private static func fraction(_ text: UnsafeRawBufferPointer, _ place: inout Int) -> Int64? {
        guard text[place] == 0x2E else { return 0 }
        place += 1
        var value: Int64 = 0
        var digits = 0
        while place < text.count, text[place] &- 48 < 10 {
            value = value &* 10 &+ Int64(text[place] &- 48)
            digits += 1
            place += 1
            guard digits <= 9 else { return nil }
        }
        guard digits > 0, place < text.count else { return nil }
        for _ in digits..<9 { value *= 10 }
        return value
    }

    /// Reads the zone, which must end the text, as minutes east of UTC.
    private static func zone(_ text: UnsafeRawBufferPointer, _ place: Int) -> Int? {
        switch text[place] {
        case 0x5A, 0x7A:
            return place + 1 == text.count ? 0 : nil
        case 0x2B, 0x2D:
            guard place + 6 == text.count, text[place + 3] == 0x3A,
                let hours = number(text, place + 1, 2), let minutes = number(text, place + 4, 2),
                hours < 24, minutes < 60
            else { return nil }
            let east = hours * 60 + minutes
            return text[place] == 0x2D ? -east : east
        default:
            return nil
        }
    }
}
