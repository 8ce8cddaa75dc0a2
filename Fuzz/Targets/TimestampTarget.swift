import Glibc
import Metering
import Query

/// RFC 3339 times: the reader of events, the reader of query parameters and a calculation with the
/// C library's calendar must give the same.
final class TimestampTarget: FuzzTarget {
    private static let years: Range<Int64> =
        -8_520_336_000_000_000_000..<7_289_654_400_000_000_000

    func finding(for input: [UInt8]) -> String? {
        let found = read(input)
        let expected = Self.computed(input)
        if found != expected { return "read \(text(found)), computed \(text(expected))" }
        let asParameter = TimeText.nanoseconds(rfc3339: input)
        // RFC 3339 allows a space between date and time; a parameter may have it, an event may not.
        let hasSpace = input.count > 10 && input[10] == UInt8(ascii: " ")
        if asParameter != (hasSpace ? Self.computed(input, separator: " ") : found) {
            return "as a parameter \(text(asParameter)), in an event \(text(found))"
        }
        guard let found, Self.years.contains(found) else { return nil }
        var written: [UInt8] = []
        TimeText.withSevenDecimals(nanoseconds: found) { written = [UInt8]($0) }
        let again = read(written)
        guard let again, (0..<100).contains(found - again), again % 100 == 0 else {
            return
                "\(found) is written as \(String(decoding: written, as: UTF8.self)), which reads \(text(again))"
        }
        return nil
    }

    private func read(_ bytes: [UInt8]) -> Int64? {
        // An allocation of exactly its size, so that the sanitizer notices a read after its end.
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: bytes)
        return Timestamp.nanoseconds(UnsafeRawBufferPointer(exact))
    }

    private func text(_ time: Int64?) -> String { time.map { "\($0)" } ?? "nothing" }

    /// The time as computed by a pattern and `timegm`; nil when the bytes are not a time.
    private static func computed(_ bytes: [UInt8], separator: Character = "T") -> Int64? {
        let pattern = Array("dddd-dd-dd\(separator)dd:dd:dd".utf8)
        guard bytes.count > pattern.count,
            zip(bytes, pattern).allSatisfy({ byte, mark in
                switch mark {
                case UInt8(ascii: "d"): isDigit(byte)
                case UInt8(ascii: "T"): byte == mark || byte == UInt8(ascii: "t")
                default: byte == mark
                }
            })
        else { return nil }
        func number(_ range: Range<Int>) -> Int32 {
            Int32(String(decoding: bytes[range], as: UTF8.self)) ?? -1
        }
        var time = tm()
        time.tm_year = number(0..<4) - 1_900
        time.tm_mon = number(5..<7) - 1
        time.tm_mday = number(8..<10)
        let date = (time.tm_year, time.tm_mon, time.tm_mday)
        let midnight = timegm(&time)
        // `timegm` turns a date that does not exist into another date.
        guard date == (time.tm_year, time.tm_mon, time.tm_mday),
            (1_700...2_200).contains(date.0 + 1_900)
        else { return nil }
        let clock = (number(11..<13), number(14..<16), number(17..<19))
        guard clock.0 < 24, clock.1 < 60, clock.2 < 61 else { return nil }
        var rest = bytes[19...]
        guard let fraction = fraction(&rest), let zone = zone(rest) else { return nil }
        let second = Int64(midnight) + Int64(clock.0 * 3_600 + clock.1 * 60 + clock.2) - zone
        return second * 1_000_000_000 + fraction
    }

    private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        guard rest.first == UInt8(ascii: ".") else { return 0 }
        let digits = rest.dropFirst().prefix(while: isDigit)
        rest = rest.dropFirst(digits.count + 1)
        guard (1...9).contains(digits.count) else { return nil }
        let zeros = String(repeating: "0", count: 9 - digits.count)
        return Int64(String(decoding: digits, as: UTF8.self) + zeros)
    }

    private static func zone(_ rest: ArraySlice<UInt8>) -> Int64? {
        let text = String(decoding: rest, as: UTF8.self)
        if text == "Z" || text == "z" { return 0 }
        let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard text.utf8.count == 6, text.hasPrefix("+") || text.hasPrefix("-"), parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy(isDigit) }),
            let hours = Int64(parts[0]), let minutes = Int64(parts[1]), hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (text.hasPrefix("-") ? -60 : 60)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}
