/// Writes values of Avro and Protobuf as the oracle reads events: as JSON, with one more kind of
/// value, a moment: a text behind an `@`.
enum RecordText {
    /// A value that no field takes.
    static let nothing = Array("[]".utf8)
    static let null = Array("null".utf8)

    static func boolean(_ value: Bool) -> [UInt8] { Array("\(value)".utf8) }

    static func integer(_ value: some FixedWidthInteger) -> [UInt8] { Array("\(value)".utf8) }

    static func object(_ members: [(name: [UInt8], text: [UInt8])]) -> [UInt8] {
        let texts = members.map { escaped($0.name) + [0x3A] + $0.text }
        return [0x7B] + texts.joined(separator: [0x2C]) + [0x7D]
    }

    static func array(_ elements: [[UInt8]]) -> [UInt8] {
        [0x5B] + elements.joined(separator: [0x2C]) + [0x5D]
    }

    /// A text; an error where it is not UTF-8.
    static func text(_ bytes: [UInt8]) throws(MalformedRecord) -> [UInt8] {
        guard bytes.withUnsafeBytes({ UTF8Check.isValid($0) }) else { throw MalformedRecord() }
        return escaped(bytes)
    }

    private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = [0x22]
        for byte in bytes {
            switch byte {
            case 0x22, 0x5C: text += [0x5C, byte]
            case 0..<0x20:
                text += Array(#"\u00"#.utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: text.append(byte)
            }
        }
        return text + [0x22]
    }

    // MARK: Bytes

    /// Bytes behind these make a text that is too long for every use.
    private static let mostBytes = 129

    static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
        [0x22] + digits(Array(bytes.prefix(mostBytes))) + [0x22]
    }

    private static func digits(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { byte in
            Array((byte < 16 ? "0" : "").utf8) + Array(String(byte, radix: 16).utf8)
        }
    }

    /// Sixteen bytes as a UUID.
    static func guid(_ bytes: [UInt8]) -> String {
        let text = String(decoding: digits(bytes), as: UTF8.self)
        var groups: [String] = []
        var rest = text[...]
        for length in [8, 4, 4, 4, 12] {
            groups.append(String(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return groups.joined(separator: "-")
    }

    static func uuid(_ bytes: [UInt8]) -> [UInt8] { Array("\"\(guid(bytes))\"".utf8) }

    // MARK: Numbers

    /// A number in two's complement, the highest byte first, times 10^-scale.
    static func decimal(_ bytes: [UInt8], scale: Int) -> [UInt8] {
        let isNegative = (bytes.first ?? 0) >= 0x80
        let sign: UInt8 = isNegative ? 0xFF : 0
        // What only repeats the sign says nothing.
        var rest = bytes[...]
        while rest.count > 16, rest.first == sign { rest = rest.dropFirst() }
        guard rest.count < 16 || (rest.count == 16 && (rest.first ?? 0 >= 0x80) == isNegative)
        else { return nothing }
        var value: Int128 = isNegative ? -1 : 0
        for byte in rest { value = value << 8 | Int128(byte) }
        let digits = String(value.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        let fraction = scale == 0 ? "" : ".\(padded.suffix(scale))"
        return Array("\(isNegative ? "-" : "")\(padded.dropLast(scale))\(fraction)".utf8)
    }

    /// The shortest text that is read as the same number.
    ///
    /// A whole number that is not shorter with a power of ten has all its digits.
    static func real<Real: BinaryFloatingPoint & CustomStringConvertible>(
        _ value: Real
    ) -> [UInt8] {
        guard value.isFinite else { return nothing }
        let text = value.description
        let digits = text.prefix { $0 != "e" }.filter(\.isNumber)
        let counting = digits.drop { $0 == "0" }.reversed().drop { $0 == "0" }.count
        let isWhole = value == value.rounded(.towardZero) && value.magnitude < 1e30
        guard isWhole, value != 0 else { return Array(text.utf8) }
        let whole = String(UInt128(value.magnitude))
        guard whole.count - counting <= 5 else { return Array(text.utf8) }
        return Array("\(value < 0 ? "-" : "")\(whole)".utf8)
    }

    // MARK: Times

    /// A day since 1970, as a moment.
    static func date(_ days: Int64) -> [UInt8] {
        guard (TimeText.firstSecond / 86_400..<TimeText.endSecond / 86_400).contains(days) else {
            return nothing
        }
        return Array("@\"\(oracleDate(ofDay: days))\"".utf8)
    }

    /// A time since 1970 of which one second has 10^digits units.
    static func time(_ value: Int64, digits: Int, isLocal: Bool) -> [UInt8] {
        let units: Int64 = [3: 1_000, 6: 1_000_000, 9: 1_000_000_000][digits] ?? 1
        let rest = value % units
        let fraction = rest < 0 ? rest + units : rest
        return moment(
            seconds: floorDivided(value, units), nanoseconds: fraction * (1_000_000_000 / units),
            isLocal: isLocal)
    }

    /// A moment or, `isLocal`, a text without a zone.
    static func moment(seconds: Int64, nanoseconds: Int64, isLocal: Bool = false) -> [UInt8] {
        guard (TimeText.firstSecond..<TimeText.endSecond).contains(seconds),
            0..<1_000_000_000 ~= nanoseconds
        else { return nothing }
        let whole = oracleTime(nanoseconds: seconds * 1_000_000_000).dropLast()
        let text = "\(whole)\(fraction(nanoseconds))"
        return Array((isLocal ? "\"\(text)\"" : "@\"\(text)Z\"").utf8)
    }

    /// A number of seconds.
    static func duration(seconds: Int64, nanoseconds: Int64) -> [UInt8] {
        let most: Int64 = 315_576_000_000
        guard (-most...most).contains(seconds), nanoseconds.magnitude < 1_000_000_000,
            seconds.signum() * nanoseconds.signum() >= 0
        else { return nothing }
        let sign = seconds < 0 || nanoseconds < 0 ? "-" : ""
        return Array("\(sign)\(seconds.magnitude)\(fraction(Int64(nanoseconds.magnitude)))".utf8)
    }

    /// With 3, 6 or 9 digits; nothing where it is 0.
    private static func fraction(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "" }
        let digits = String(String(nanoseconds + 1_000_000_000).dropFirst())
        for length in [3, 6] where digits.dropFirst(length).allSatisfy({ $0 == "0" }) {
            return ".\(digits.prefix(length))"
        }
        return ".\(digits)"
    }
}
