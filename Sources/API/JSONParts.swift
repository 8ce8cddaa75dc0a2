import HTTPServer
import Metering
import Query

/// Parts of answers that several dialects write.
extension JSONWriter {
    /// Writes a member with a value that is JSON already; null where there is none.
    mutating func member(_ name: String, json value: [UInt8]?) {
        self.name(name)
        if let value { raw(value) } else { null() }
    }

    /// Writes a profile's members as they were written to the directory.
    ///
    /// All are null where the profile is unknown. Integers are written as digits only, because not
    /// every client reads `1e6` as an integer.
    mutating func members(_ members: ProfileMembers, of profile: Profile?) {
        guard let profile else {
            for name in members.names { memberNull(name) }
            return
        }
        profile.forEachMember { name, json in
            self.name(name)
            guard let json, let first = json.first else { return null() }
            let isNumber = (48...57).contains(first) || first == UInt8(ascii: "-")
            if isNumber, let value = JSONInteger.value([UInt8](json)) {
                integer(value)
            } else {
                raw(json)
            }
        }
    }

    /// Writes a member with hundredths as a decimal without trailing zeros.
    mutating func member(_ name: String, hundredths value: Int64) {
        self.name(name)
        var digits = 2
        var rest = value
        while digits > 0, rest % 10 == 0 {
            rest /= 10
            digits -= 1
        }
        decimal(scaled: rest, digits: digits)
    }

    /// Writes `[{date, NAME}]` for the days of a range.
    mutating func days(_ name: String, _ range: TimeRange, _ values: [Int64], named value: String) {
        self.name(name)
        dayList(range, values, named: value)
    }

    /// Writes `{dow, hour, count}`; the count is written by `count`.
    mutating func gridCell(_ cell: GridCell, count: (inout JSONWriter) -> Void) {
        object {
            $0.member("dow", integer: Int64(cell.weekday))
            $0.member("hour", integer: Int64(cell.hour))
            $0.name("count")
            count(&$0)
        }
    }

    /// Writes `[{date, NAME}]` for the days of a range.
    mutating func dayList(_ range: TimeRange, _ values: [Int64], named value: String) {
        array { list in
            for (date, count) in zip(range.dates, values) {
                list.object {
                    $0.member("date", string: date)
                    $0.member(value, integer: count)
                }
            }
        }
    }
}

/// Arithmetic for numbers that people read: exact, then rounded half away from zero.
enum Rounded {
    /// value × factor / divisor, rounded; 0 where `divisor` is 0.
    ///
    /// A result that overflows becomes the least or greatest number.
    static func ratio(_ value: Int64, times factor: Int64, by divisor: Int64) -> Int64 {
        guard divisor != 0 else { return 0 }
        let product = Int128(value) * Int128(factor)
        let twice = 2 * product.magnitude + UInt128(divisor.magnitude)
        let magnitude = Int128(twice / (2 * UInt128(divisor.magnitude)))
        let isNegative = (product < 0) != (divisor < 0)
        return Int64(clamping: isNegative ? -magnitude : magnitude)
    }

    /// A size with a unit that is a power of 1,024 bytes: at most two decimals, no trailing zeros.
    static func byteSize(_ bytes: Int64) -> String {
        let units = ["B", "KB", "MB", "GB", "TB", "PB", "EB"]
        var unit = 0
        var scale: Int64 = 1
        while unit < units.count - 1, bytes / scale >= 1_024 {
            scale *= 1_024
            unit += 1
        }
        var hundredths = ratio(bytes, times: 100, by: scale)
        // 1,023.999 KB is rounded to 1,024 KB, which is written as 1 MB.
        if hundredths >= 102_400, unit < units.count - 1 {
            unit += 1
            hundredths = ratio(bytes, times: 100, by: scale * 1_024)
        }
        let whole = hundredths / 100
        let rest = hundredths % 100
        var text = String(whole)
        if rest > 0 {
            text += rest < 10 ? ".0\(rest)" : rest % 10 == 0 ? ".\(rest / 10)" : ".\(rest)"
        }
        return "\(text) \(units[unit])"
    }
}
