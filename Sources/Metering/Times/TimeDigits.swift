/// Takes the parts of a time from the bytes of a text, one after the other.
struct TimeDigits {
    private let text: UnsafeRawBufferPointer
    private var at = 0

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    var isAtEnd: Bool { at == text.count }
    /// The byte that is next; 0 at the end.
    var next: UInt8 { at < text.count ? text[at] : 0 }

    /// Takes a byte if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard at < text.count, text[at] == byte else { return false }
        at += 1
        return true
    }

    /// Takes as many digits as there are, within a range of numbers of digits.
    mutating func number(_ counts: ClosedRange<Int>, into number: inout Int) -> Bool {
        var count = 0
        number = 0
        while count < counts.upperBound, case let digit = next &- UInt8(ascii: "0"), digit <= 9 {
            number = number * 10 + Int(digit)
            count += 1
            at += 1
        }
        return count >= counts.lowerBound
    }

    /// Takes decimals of a second, one or more; what is behind the ninth is cut off.
    mutating func fraction(into nanoseconds: inout Int64) -> Bool {
        var count = 0
        nanoseconds = 0
        while case let digit = next &- UInt8(ascii: "0"), digit <= 9 {
            if count < 9 { nanoseconds = nanoseconds * 10 + Int64(digit) }
            count += 1
            at += 1
        }
        for _ in min(count, 9)..<9 { nanoseconds *= 10 }
        return count > 0
    }

    /// Takes a zone: `Z`, `+01`, `+0100` or `+01:00`; returns the seconds that it is ahead of UTC.
    mutating func zone() -> Int64? {
        if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
        let isBehind = next == UInt8(ascii: "-")
        guard isBehind || next == UInt8(ascii: "+") else { return nil }
        at += 1
        var (hours, minutes) = (0, 0)
        guard number(2...2, into: &hours), hours <= 23 else { return nil }
        let end = at
        _ = take(UInt8(ascii: ":"))
        if !number(2...2, into: &minutes) {
            at = end
            minutes = 0
        }
        guard minutes <= 59 else { return nil }
        let seconds = Int64(hours * 3_600 + minutes * 60)
        return isBehind ? -seconds : seconds
    }

    /// Takes the first three letters of a month's English name.
    mutating func month(into month: inout Int) -> Bool {
        let names: StaticString = "janfebmaraprmayjunjulaugsepoctnovdec"
        guard at + 3 <= text.count else { return false }
        for index in 0..<12 {
            var isSame = true
            for letter in 0..<3
            where text[at + letter] | 0x20 != names.utf8Start[index * 3 + letter] {
                isSame = false
            }
            guard isSame else { continue }
            month = index + 1
            at += 3
            return true
        }
        return false
    }

    /// Takes AM or PM.
    mutating func half(isAfternoon: inout Bool) -> Bool {
        guard at + 2 <= text.count, text[at + 1] | 0x20 == UInt8(ascii: "m") else { return false }
        isAfternoon = text[at] | 0x20 == UInt8(ascii: "p")
        guard isAfternoon || text[at] | 0x20 == UInt8(ascii: "a") else { return false }
        at += 2
        return true
    }
}

extension LocalTime {
    /// Reads ISO 8601 with date and time: `2026-03-09T14:15:16.5+01:00` or `20260309T141516Z`.
    ///
    /// `T`, `t` or a space before the time; `.` or `,` before decimals, of which there may be any
    /// number; a zone as `TimeDigits.zone` takes it or `UTC`, with a space before it or without;
    /// or none.
    init?(iso8601 text: UnsafeRawBufferPointer) {
        var digits = TimeDigits(text)
        var (year, month, day, hour, minute, second) = (0, 0, 0, 0, 0, 0)
        guard digits.number(4...4, into: &year) else { return nil }
        let isExtended = digits.next == UInt8(ascii: "-")
        func separated(_ mark: UInt8, _ number: inout Int) -> Bool {
            (!isExtended || digits.take(mark)) && digits.number(2...2, into: &number)
        }
        guard separated(UInt8(ascii: "-"), &month), separated(UInt8(ascii: "-"), &day),
            digits.take(UInt8(ascii: "T")) || digits.take(UInt8(ascii: "t"))
                || digits.take(UInt8(ascii: " ")),
            digits.number(2...2, into: &hour), separated(UInt8(ascii: ":"), &minute),
            separated(UInt8(ascii: ":"), &second),
            let start = Timestamp.startOfDay(year, month, day), hour <= 23, minute <= 59,
            second <= 60
        else { return nil }
        seconds = start + Int64(hour * 3_600 + minute * 60 + second)
        if digits.take(UInt8(ascii: ".")) || digits.take(UInt8(ascii: ",")) {
            guard digits.fraction(into: &nanoseconds) else { return nil }
        }
        if digits.isAtEnd { return }
        _ = digits.take(UInt8(ascii: " "))
        if digits.take(UInt8(ascii: "U")) {
            guard digits.take(UInt8(ascii: "T")), digits.take(UInt8(ascii: "C")) else {
                return nil
            }
            offsetSeconds = 0
        } else {
            guard let zone = digits.zone() else { return nil }
            offsetSeconds = zone
        }
        guard digits.isAtEnd else { return nil }
    }
}
