import Workload

/// How a file of another form writes times.
public enum ForeignTime: Sendable {
    /// RFC 3339 with a zone.
    case rfc3339
    /// Seconds since 1970, with or without decimals.
    case unix
    /// Milliseconds since 1970.
    case unixMilliseconds
    /// By a pattern; when it has no `%z`, the closure converts local time to UTC, both in seconds
    /// since 1970.
    case pattern(TimePattern, toUTC: @Sendable (Int64) -> Int64)

    /// Milliseconds since 1970; nil when the bytes are not such a time, or when its year is outside
    /// those of events.
    func milliseconds(_ text: [UInt8]) -> Int64? {
        read(text).flatMap { EventTime.millisecondRange.contains($0) ? $0 : nil }
    }

    private func read(_ text: [UInt8]) -> Int64? {
        switch self {
        case .rfc3339: return text.withUnsafeBytes { EventTime.milliseconds($0) }
        case .unix:
            return ForeignDecimal.integer(text, factor: 1_000, decimal: 0x2E, isRounded: true)
        case .unixMilliseconds: return Int64(String(decoding: text, as: UTF8.self))
        case .pattern(let pattern, let toUTC):
            guard let read = pattern.read(text) else { return nil }
            let seconds = read.offsetSeconds.map { read.seconds - $0 } ?? toUTC(read.seconds)
            return seconds * 1_000 + read.milliseconds
        }
    }
}

/// A pattern of a time like `%d.%m.%Y %H:%M:%S`.
///
/// `%Y` `%y` (2000 to 2099) `%m` `%d` `%b` (Jan … Dec) `%H` `%I` `%p` (AM, PM) `%M` `%S`
/// `%f` (decimals of a second) `%z` (`Z`, `+01:00`, `+0100`) `%%`. Numbers of two digits may have
/// one.
public struct TimePattern: Sendable {
    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    private let parts: [(letter: UInt8, isDirective: Bool)]

    /// Nil when the text has an unknown directive, or no date.
    public init?(_ text: String) {
        var parts: [(letter: UInt8, isDirective: Bool)] = []
        var isDirective = false
        for byte in text.utf8 {
            if isDirective {
                guard "YymdbHIpMSfz%".utf8.contains(byte) else { return nil }
                parts.append((byte, byte != 0x25))
                isDirective = false
            } else if byte == 0x25 {
                isDirective = true
            } else {
                parts.append((byte, false))
            }
        }
        let letters = parts.filter(\.isDirective).map { Character(Unicode.Scalar($0.letter)) }
        guard !isDirective, letters.contains(where: { "Yy".contains($0) }), letters.contains("d"),
            letters.contains(where: { "mb".contains($0) })
        else { return nil }
        self.parts = parts
    }

    private struct Fields {
        var year = 1970
        var month = 1
        var day = 1
        var hour = 0
        var minute = 0
        var second = 0
        var milliseconds: Int64 = 0
        var isAfternoon: Bool?
        var offsetSeconds: Int64?
    }

    /// Seconds since 1970 in local time, the milliseconds after them, and the offset from UTC; nil
    /// for a text that does not match.
    func read(_ text: [UInt8]) -> (seconds: Int64, milliseconds: Int64, offsetSeconds: Int64?)? {
        var fields = Fields()
        var rest = text[...]
        for part in parts {
            guard part.isDirective else {
                guard rest.first == part.letter else { return nil }
                rest = rest.dropFirst()
                continue
            }
            guard TimePattern.read(part.letter, &rest, &fields) else { return nil }
        }
        if let isAfternoon = fields.isAfternoon {
            guard 1...12 ~= fields.hour else { return nil }
            fields.hour = fields.hour % 12 + (isAfternoon ? 12 : 0)
        }
        guard rest.isEmpty, fields.hour < 24, fields.minute < 60, fields.second <= 60,
            let days = EventTime.days(year: fields.year, month: fields.month, day: fields.day)
        else { return nil }
        let seconds =
            days * 86_400 + Int64(fields.hour * 3_600 + fields.minute * 60 + fields.second)
        return (seconds, fields.milliseconds, fields.offsetSeconds)
    }

    private static func read(
        _ letter: UInt8, _ rest: inout ArraySlice<UInt8>, _ fields: inout Fields
    ) -> Bool {
        func number(_ digits: Int, _ place: WritableKeyPath<Fields, Int>) -> Bool {
            let found = rest.prefix(digits).prefix { 0x30...0x39 ~= $0 }
            guard let number = Int(String(decoding: found, as: UTF8.self)),
                found.count == digits || digits == 2
            else { return false }
            rest = rest.dropFirst(found.count)
            fields[keyPath: place] = number
            return true
        }
        switch Character(Unicode.Scalar(letter)) {
        case "Y": return number(4, \.year)
        case "y":
            guard number(2, \.year) else { return false }
            fields.year += 2_000
            return true
        case "m": return number(2, \.month)
        case "d": return number(2, \.day)
        case "H", "I": return number(2, \.hour)
        case "M": return number(2, \.minute)
        case "S": return number(2, \.second)
        case "b":
            let name = String(decoding: rest.prefix(3), as: UTF8.self).lowercased()
            guard let month = months.firstIndex(of: name) else { return false }
            fields.month = month + 1
            rest = rest.dropFirst(3)
            return true
        case "p":
            let word = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
            guard word == "am" || word == "pm" else { return false }
            fields.isAfternoon = word == "pm"
            rest = rest.dropFirst(2)
            return true
        case "f":
            let digits = rest.prefix { 0x30...0x39 ~= $0 }
            guard 1...9 ~= digits.count else { return false }
            let three = (digits + [0x30, 0x30, 0x30]).prefix(3)
            fields.milliseconds = Int64(String(decoding: three, as: UTF8.self)) ?? 0
            rest = rest.dropFirst(digits.count)
            return true
        default: return zone(&rest, &fields)
        }
    }

    private static func zone(_ rest: inout ArraySlice<UInt8>, _ fields: inout Fields) -> Bool {
        if rest.first == UInt8(ascii: "Z") || rest.first == UInt8(ascii: "z") {
            rest = rest.dropFirst()
            fields.offsetSeconds = 0
            return true
        }
        guard let sign = rest.first, sign == 0x2B || sign == 0x2D else { return false }
        let text = rest.dropFirst().prefix { 0x30...0x39 ~= $0 || $0 == 0x3A }
        let digits = text.filter { $0 != 0x3A }
        guard digits.count == 4, let number = Int64(String(decoding: digits, as: UTF8.self)),
            number / 100 <= 15, number % 100 < 60
        else { return false }
        rest = rest.dropFirst(1 + text.count)
        fields.offsetSeconds = (number / 100 * 3_600 + number % 100 * 60) * (sign == 0x2D ? -1 : 1)
        return true
    }
}

/// Reads decimal numbers as people write them, without rounding.
enum ForeignDecimal {
    /// A number times a factor; nil when that is not an integer, or too large.
    static func integer(
        _ text: [UInt8], factor: Int64, decimal: UInt8, group: UInt8? = nil, isRounded: Bool = false
    ) -> Int64? {
        var digits: Int64 = 0
        var scale: Int64 = 1
        var isBehind = false
        var isNegative = false
        var count = 0
        for (place, byte) in text.enumerated() {
            if place == 0, byte == 0x2D || byte == 0x2B {
                isNegative = byte == 0x2D
            } else if byte == decimal, !isBehind {
                isBehind = true
            } else if byte == group, !isBehind {
                continue
            } else {
                guard 0x30...0x39 ~= byte else { return nil }
                let (tens, isHigh) = digits.multipliedReportingOverflow(by: 10)
                let (sum, isHigher) = tens.addingReportingOverflow(Int64(byte - 0x30))
                guard !isHigh, !isHigher, count < 18 else { return nil }
                digits = sum
                count += 1
                if isBehind { scale *= 10 }
            }
        }
        guard count > 0 else { return nil }
        let (product, isTooLarge) = digits.multipliedReportingOverflow(by: factor)
        guard !isTooLarge, isRounded || product % scale == 0 else { return nil }
        return (isNegative ? -1 : 1) * (product / scale)
    }
}
