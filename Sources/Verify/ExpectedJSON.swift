/// What must stand at one place of an answer.
public indirect enum ExpectedJSON: Sendable, Equatable {
    /// Something that does not follow from the events: anything may stand here.
    case leftOut
    /// null.
    case null
    /// An integer.
    case integer(Int64)
    /// A decimal number, given in hundredths.
    case hundredths(Int64)
    /// A decimal number from the first to the second, both given in hundredths.
    case between(Int64, Int64)
    /// How many different values these are by a HyperLogLog of Redis; a verification makes an
    /// integer of it.
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

    /// An object whose members have names that events gave.
    static func named(_ members: [[UInt8]: ExpectedJSON]) -> ExpectedJSON {
        var object: [String: ExpectedJSON] = [:]
        for (name, value) in members { object[String(decoding: name, as: UTF8.self)] = value }
        // Two names can be one text to Swift (é as one scalar or as two) and are then not told apart.
        return object.count == members.count ? .object(object) : .leftOut
    }

    /// value × factor / divisor, rounded half away from zero.
    static func rounded(_ value: Int64, times factor: Int64, by divisor: Int128) -> Int64 {
        guard divisor > 0 else { return 0 }
        let product = Int128(value) * Int128(factor)
        let (whole, rest) = product.magnitude.quotientAndRemainder(dividingBy: divisor.magnitude)
        let magnitude = Int128(whole) + (2 * rest >= divisor.magnitude ? 1 : 0)
        return Int64(clamping: product < 0 ? -magnitude : magnitude)
    }

    /// A size in units of powers of 1,024: at most two decimals, no trailing zeros, below 1,024.
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
