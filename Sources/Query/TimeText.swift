internal import Metering

/// Times as texts, UTC.
public enum TimeText {
    /// Quotient rounded towards minus infinity, for a positive divisor.
    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    /// `YYYY-MM-DD` of a second.
    public static func date(second: Int64) -> String { text(10) { $0.date(second) } }

    /// `YYYY-MM` of a second.
    public static func month(second: Int64) -> String {
        text(10) {
            $0.date(second)
            $0.count -= 3
        }
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`.
    public static func second(_ second: Int64) -> String {
        text(20) {
            $0.upToSecond(second)
            $0.put("Z")
        }
    }

    /// `YYYY-MM-DDTHH:MM:SS.sssZ` of milliseconds since 1970.
    public static func millisecond(_ milliseconds: Int64) -> String {
        let second = floorDivide(milliseconds, 1_000)
        return text(24) {
            $0.upToSecond(second)
            $0.put(".")
            $0.digits(milliseconds - second * 1_000, 3)
            $0.put("Z")
        }
    }

    /// `YYYY-MM-DDTHH:MM:SSZ` of nanoseconds since 1970; parts of a second are cut off.
    public static func wholeSecond(nanoseconds: Int64) -> String {
        second(floorDivide(nanoseconds, 1_000_000_000))
    }

    /// Calls `body` with `YYYY-MM-DDTHH:MM:SS.sssssssZ` of nanoseconds since 1970.
    ///
    /// Seven decimals; the rest is cut off. The text is valid until `body` returns: an answer has
    /// hundreds of them, so none is allocated.
    public static func withSevenDecimals(
        nanoseconds: Int64, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        let second = floorDivide(nanoseconds, 1_000_000_000)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { bytes in
            var writer = TimeWriter(bytes: bytes)
            writer.upToSecond(second)
            writer.put(".")
            writer.digits((nanoseconds - second * 1_000_000_000) / 100, 7)
            writer.put("Z")
            body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<writer.count]))
        }
    }

    /// A text of `length` bytes, or a few more for years beyond 9999, written in place.
    ///
    /// Swift allocates nothing for up to 15 bytes.
    private static func text(_ length: Int, _ write: (inout TimeWriter) -> Void) -> String {
        String(unsafeUninitializedCapacity: length + 5) { bytes in
            var writer = TimeWriter(bytes: bytes)
            write(&writer)
            return writer.count
        }
    }

    // MARK: Reading

    /// Nanoseconds since 1970 of an RFC 3339 time with a zone, which may have a space before the
    /// time.
    ///
    /// Nil for anything else, and for a year outside `Timestamp.years`.
    public static func nanoseconds(rfc3339 text: some Sequence<UInt8>) -> Int64? {
        var text = Array(text)
        if text.count > 10, text[10] == UInt8(ascii: " ") { text[10] = UInt8(ascii: "T") }
        return text.withUnsafeBytes { Timestamp.nanoseconds($0) }
    }
}

/// Writes the parts of a time one after the other.
private struct TimeWriter {
    let bytes: UnsafeMutableBufferPointer<UInt8>
    var count = 0

    mutating func put(_ character: Unicode.Scalar) {
        bytes[count] = UInt8(truncatingIfNeeded: character.value)
        count += 1
    }

    /// A number with at least `width` digits.
    mutating func digits(_ value: Int64, _ width: Int) {
        // A record may carry any time, even of a negative year or of one with more digits. Such a
        // number is written as it is, below.
        var rest = max(0, value)
        for index in stride(from: count + width - 1, through: count, by: -1) {
            bytes[index] = 48 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        guard value >= 0, rest == 0 else {
            for byte in String(value).utf8 { put(Unicode.Scalar(byte)) }
            return
        }
        count += width
    }

    /// A number from 0 to 99 with two digits.
    mutating func twoDigits(_ value: Int) {
        bytes[count] = 48 + UInt8(truncatingIfNeeded: value / 10)
        bytes[count + 1] = 48 + UInt8(truncatingIfNeeded: value % 10)
        count += 2
    }

    mutating func date(_ second: Int64) {
        let date = CivilDate(day: Window.day.number(ofSecond: second))
        digits(Int64(date.year), 4)
        put("-")
        twoDigits(Int(date.monthOfYear))
        put("-")
        twoDigits(Int(date.dayOfMonth))
    }

    mutating func upToSecond(_ second: Int64) {
        let rest = Int(
            second - TimeText.floorDivide(second, TimeRange.secondsPerDay) * TimeRange.secondsPerDay
        )
        date(second)
        put("T")
        twoDigits(rest / 3_600)
        put(":")
        twoDigits(rest / 60 % 60)
        put(":")
        twoDigits(rest % 60)
    }
}
