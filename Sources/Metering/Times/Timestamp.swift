/// RFC 3339 times on bytes.
public enum Timestamp {
    /// The years that times may have.
    ///
    /// The nanoseconds since 1970 of all these times fit into 64 bits.
    public static var years: ClosedRange<Int> { 1_700...2_200 }
    /// The start of the first of these years, in seconds since 1970.
    public static var firstSecond: Int64 { -8_520_336_000 }
    /// The end of the last of these years, in seconds since 1970; every time is before it.
    public static var endSecond: Int64 { 7_289_654_400 }

    /// Nanoseconds since 1970 of an RFC 3339 time with a zone, or nil.
    ///
    /// At most nine decimals, a year of `years`, a real date; `t` and `z` may be lower case; second
    /// 60 is the first second of the next minute.
    public static func nanoseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        var date = Date()
        return nanoseconds(text, &date)
    }

    /// A date as it was written, and the second when it began.
    ///
    /// Kept from event to event, because most have the date of the one before. It starts as
    /// `1970-01-01`.
    struct Date {
        /// The first eight bytes of the text, as a little-endian word: `1970-01-`.
        var yearAndMonth: UInt64 = 0x2D31_302D_3037_3931
        /// The next two: `01`.
        var day: UInt16 = 0x3130
        var seconds: Int64 = 0
    }

    /// Like `nanoseconds(_:)`, but parses the date only when it differs from `date`, which it then
    /// replaces.
    @inline(__always)
    static func nanoseconds(_ text: UnsafeRawBufferPointer, _ date: inout Date) -> Int64? {
        guard text.count >= 20, text[10] | 0x20 == UInt8(ascii: "t"), text[13] == colon,
            text[16] == colon,
            let hour = twoDigits(text, 11), let minute = twoDigits(text, 14),
            let second = twoDigits(text, 17), hour <= 23, minute <= 59, second <= 60
        else { return nil }
        if text.loadUnaligned(fromByteOffset: 0, as: UInt64.self) != date.yearAndMonth
            || text.loadUnaligned(fromByteOffset: 8, as: UInt16.self) != date.day
        {
            guard let read = readDate(text) else { return nil }
            date = read
        }
        var index = 19
        guard let fraction = fraction(text, &index), let zone = zoneSeconds(text, index) else {
            return nil
        }
        let seconds = date.seconds + Int64(hour * 3_600 + minute * 60 + second) - zone
        return seconds * 1_000_000_000 + fraction
    }

    @inline(never)
    private static func readDate(_ text: UnsafeRawBufferPointer) -> Date? {
        guard text[4] == hyphen, text[7] == hyphen,
            let century = twoDigits(text, 0), let yearOfCentury = twoDigits(text, 2),
            let month = twoDigits(text, 5), let day = twoDigits(text, 8)
        else { return nil }
        guard let seconds = startOfDay(century * 100 + yearOfCentury, month, day) else {
            return nil
        }
        return Date(
            yearAndMonth: text.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
            day: text.loadUnaligned(fromByteOffset: 8, as: UInt16.self), seconds: seconds)
    }

    /// The decimals of a second as nanoseconds; moves `index` past them.
    ///
    /// 0 where there are none, nil where they are malformed.
    private static func fraction(_ text: UnsafeRawBufferPointer, _ index: inout Int) -> Int64? {
        guard text[index] == UInt8(ascii: ".") else { return 0 }
        index += 1
        var value: Int64 = 0
        var digits = 0
        while index < text.count, case let digit = text[index] &- zero, digit <= 9 {
            value = value * 10 + Int64(digit)
            digits += 1
            index += 1
            guard digits <= 9 else { return nil }
        }
        guard digits > 0 else { return nil }
        for _ in digits..<9 { value *= 10 }
        return value
    }

    /// Seconds that the zone at the end of the text is ahead of UTC; nil where it is malformed.
    private static func zoneSeconds(_ text: UnsafeRawBufferPointer, _ index: Int) -> Int64? {
        guard index < text.count else { return nil }
        if text[index] | 0x20 == UInt8(ascii: "z") { return index + 1 == text.count ? 0 : nil }
        guard text.count == index + 6, text[index] == UInt8(ascii: "+") || text[index] == hyphen,
            text[index + 3] == colon,
            let hours = twoDigits(text, index + 1), let minutes = twoDigits(text, index + 4),
            hours <= 23, minutes <= 59
        else { return nil }
        let seconds = Int64(hours * 3_600 + minutes * 60)
        return text[index] == hyphen ? -seconds : seconds
    }

    private static var zero: UInt8 { UInt8(ascii: "0") }
    private static var colon: UInt8 { UInt8(ascii: ":") }
    private static var hyphen: UInt8 { UInt8(ascii: "-") }

    @inline(__always)
    private static func twoDigits(_ text: UnsafeRawBufferPointer, _ index: Int) -> Int? {
        let high = text[index] &- zero
        let low = text[index + 1] &- zero
        guard high <= 9, low <= 9 else { return nil }
        return Int(high) * 10 + Int(low)
    }

    /// Seconds since 1970 of the start of a date, as if it were UTC; nil where there is no such
    /// date, or its year is not one of `years`.
    static func startOfDay(_ year: Int, _ month: Int, _ day: Int) -> Int64? {
        guard years.contains(year), (1...12).contains(month), day >= 1,
            day <= daysInMonth(year, month)
        else { return nil }
        let date = CivilDate(
            year: Int32(year), monthOfYear: Int32(month), dayOfMonth: Int32(day))
        return Int64(date.dayNumber) * 86_400
    }

    private static func daysInMonth(_ year: Int, _ month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
