/// The JSON value that an answer must have.
public indirect enum ExpectedJSON: Sendable, Equatable {
    /// A value that does not follow from the events: any value is right.
    case leftOut
    /// null.
    case null
    /// An integer.
    case integer(Int64)
    /// A decimal number, given in hundredths.
    case hundredths(Int64)
    /// A decimal number between two bounds, both included and given in hundredths.
    case between(Int64, Int64)
    /// How many different values these are by a HyperLogLog of Redis; a verification asks Redis and
    /// puts an integer in its place.
    case distinct(Set<[UInt8]>)
    /// A text.
    case text(String)
    /// An array of exactly these entries, in this order.
    case list([ExpectedJSON])
    /// An object of exactly these members.
    case object([String: ExpectedJSON])
}

extension ExpectedJSON {
    /// A text of these bytes.
    static func text(_ bytes: [UInt8]) -> ExpectedJSON {
        .text(String(decoding: bytes, as: UTF8.self))
    }

    /// An object whose member names come from events.
    static func named(_ members: [[UInt8]: ExpectedJSON]) -> ExpectedJSON {
        var object: [String: ExpectedJSON] = [:]
        for (name, value) in members { object[String(decoding: name, as: UTF8.self)] = value }
        // Swift takes two different names for equal when Unicode does (é as one scalar or as two);
        // then they cannot be compared one by one.
        return object.count == members.count ? .object(object) : .leftOut
    }

    /// value × factor / divisor, rounded to the nearest integer, halves away from zero.
    static func rounded(_ value: Int64, times factor: Int64, by divisor: Int128) -> Int64 {
        guard divisor > 0 else { return 0 }
        let product = Int128(value) * Int128(factor)
        let (whole, rest) = product.magnitude.quotientAndRemainder(dividingBy: divisor.magnitude)
        let magnitude = Int128(whole) + (2 * rest >= divisor.magnitude ? 1 : 0)
        return Int64(clamping: product < 0 ? -magnitude : magnitude)
    }

    /// A size as people read it: the largest unit (powers of 1,024) in which it is below 1,024,
    /// with at most two decimals and no trailing zeros.
    static func size(_ bytes: Int64) -> String {
        var text = "\(bytes) B"
        var unit: Int64 = 1
        for name in ["KB", "MB", "GB", "TB", "PB", "EB"] {
            guard rounded(bytes, times: 100, by: Int128(unit)) >= 102_400 else { break }
            unit *= 1_024
            let hundredths = rounded(bytes, times: 100, by: Int128(unit))
            let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
            let decimals =
                rest == 0
                ? "" : rest % 10 == 0 ? ".\(rest / 10)" : rest < 10 ? ".0\(rest)" : ".\(rest)"
            text = "\(whole)\(decimals) \(name)"
        }
        return text
    }
}
