/// Reads the text of a JSON number as an integer, exactly: no floating point is in between.
///
/// A number is an integer as in JSON Schema, by its value and not by its spelling: `7`, `7.0`,
/// `70e-1` and `0.7E+1` are all 7, `-0` is 0. Pure functions, safe on every thread.
public enum JSONInteger: Equatable, Sendable {
    /// A value within `bounds`.
    case integer(Int64)
    /// A number with a fraction, however small it is.
    case fraction
    /// An integer beyond `bounds`.
    case tooLarge
    /// No number as RFC 8259 writes one.
    case notNumber

    /// −(2^53 − 1) … 2^53 − 1: what every reader of JSON can hold.
    public static let bounds: ClosedRange<Int64> = -9_007_199_254_740_991...9_007_199_254_740_991

    /// The integer of a text, or nil where it is none within `bounds`.
    public static func value(_ text: [UInt8]) -> Int64? {
        guard case .integer(let value) = read(text) else { return nil }
        return value
    }

    /// Reads a whole text; blanks may stand around the number.
    public static func read(_ text: [UInt8]) -> JSONInteger {
        var rest = Reader(text: trimmed(text))
        let isNegative = rest.take("-")
        let whole = rest.digits()
        guard !whole.isEmpty, whole.count == 1 || whole.first != UInt8(ascii: "0") else {
            return .notNumber
        }
        var fraction: ArraySlice<UInt8> = []
        if rest.take(".") {
            fraction = rest.digits()
            guard !fraction.isEmpty else { return .notNumber }
        }
        var exponent = 0
        if rest.take("e") || rest.take("E") {
            let isSmall = rest.take("-")
            if !isSmall { _ = rest.take("+") }
            let digits = rest.digits()
            guard !digits.isEmpty else { return .notNumber }
            exponent = bounded(digits) * (isSmall ? -1 : 1)
        }
        guard rest.isAtEnd else { return .notNumber }
        return value(of: whole + fraction, scale: exponent - fraction.count, isNegative)
    }

    /// The value digits × 10^scale.
    private static func value(
        of digits: ArraySlice<UInt8>, scale: Int, _ isNegative: Bool
    ) -> JSONInteger {
        let zero = UInt8(ascii: "0")
        let leading = digits.drop { $0 == zero }
        guard let last = leading.lastIndex(where: { $0 != zero }) else { return .integer(0) }
        let significant = leading[...last]
        let zeros = scale + (leading.endIndex - 1 - last)
        guard zeros >= 0 else { return .fraction }
        // The bound has 16 digits, so nothing below overflows.
        guard significant.count + zeros <= 16 else { return .tooLarge }
        var value: Int64 = 0
        for digit in significant { value = value * 10 + Int64(digit - zero) }
        for _ in 0..<zeros { value *= 10 }
        guard value <= bounds.upperBound else { return .tooLarge }
        return .integer(isNegative ? -value : value)
    }

    /// The number of an exponent's digits, at most 10^12: no text has so many digits before it that
    /// more would change anything.
    private static func bounded(_ digits: ArraySlice<UInt8>) -> Int {
        digits.reduce(0) { min($0 * 10 + Int($1 - UInt8(ascii: "0")), 1_000_000_000_000) }
    }

    private static func trimmed(_ text: [UInt8]) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
        let end = text.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? 0
        return text[..<end].drop(while: isBlank)
    }

    private struct Reader {
        var text: ArraySlice<UInt8>

        var isAtEnd: Bool { text.isEmpty }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard let first = text.first, UInt32(first) == character.value else { return false }
            text.removeFirst()
            return true
        }

        mutating func digits() -> ArraySlice<UInt8> {
            let digits = text.prefix { (48...57).contains($0) }
            text = text.dropFirst(digits.count)
            return digits
        }
    }
}
