import CEventScan

/// Reads the text of a JSON number as an integer, exactly, without floating point.
///
/// A number is an integer as in JSON Schema, by its value and not by its spelling: `7`, `7.0`,
/// `70e-1` and `0.7E+1` are all 7, `-0` is 0. Amounts of events and members of the directory are
/// read by this one reader. Pure functions, safe on every thread.
public enum JSONInteger: Equatable, Sendable {
    /// A value within `bounds`.
    case integer(Int64)
    /// A number with a fraction, however small.
    case fraction
    /// An integer beyond `bounds`.
    case tooLarge
    /// Not a number as in RFC 8259.
    case notNumber

    /// −(2^53 − 1) … 2^53 − 1: the integers that every reader of JSON can represent.
    public static let bounds: ClosedRange<Int64> = -9_007_199_254_740_991...9_007_199_254_740_991

    /// The integer that a text is; nil where it is not an integer within `bounds`.
    public static func value(_ text: [UInt8]) -> Int64? {
        guard case .integer(let value) = read(text) else { return nil }
        return value
    }

    /// Reads a whole text; the number may have blanks around it.
    public static func read(_ text: [UInt8]) -> JSONInteger {
        var value: Int64 = 0
        let found = text.withUnsafeBytes {
            es_integer($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, &value)
        }
        return JSONInteger(es_number(UInt32(found)), value)
    }

    /// What the scanner's reader has found.
    @inline(__always)
    init(_ found: es_number, _ value: Int64) {
        switch found {
        case ES_WHOLE: self = .integer(value)
        case ES_FRACTION: self = .fraction
        case ES_TOO_LARGE: self = .tooLarge
        default: self = .notNumber
        }
    }
}
