extension JSONReader {
    /// The value of four hexadecimal digits; nil for anything else.
    static func codeUnit(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> UInt32? {
        guard start + 4 <= end else { return nil }
        var unit: UInt32 = 0
        for place in start..<start + 4 {
            let byte = text[place]
            switch byte {
            case 0x30...0x39: unit = unit << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: unit = unit << 4 | UInt32(byte - 0x37)
            case 0x61...0x66: unit = unit << 4 | UInt32(byte - 0x57)
            default: return nil
            }
        }
        return unit
    }

    /// Appends a checked string with its escapes decoded; false when a surrogate has no partner.
    static func unescape(
        _ text: UnsafeRawBufferPointer, _ range: Range<Int>, into bytes: inout [UInt8]
    ) -> Bool {
        var place = range.lowerBound
        while place < range.upperBound {
            guard text[place] == 0x5C else {
                bytes.append(text[place])
                place += 1
                continue
            }
            switch text[place + 1] {
            case 0x62: bytes.append(0x08)
            case 0x66: bytes.append(0x0C)
            case 0x6E: bytes.append(0x0A)
            case 0x72: bytes.append(0x0D)
            case 0x74: bytes.append(0x09)
            case 0x75:
                guard let scalar = scalar(text, &place, range.upperBound) else { return false }
                append(scalar, to: &bytes)
                continue
            default: bytes.append(text[place + 1])
            }
            place += 2
        }
        return true
    }

    /// Decodes one `\u` escape, or a pair of them, to a character; nil for half a pair.
    static func scalar(
        _ text: UnsafeRawBufferPointer, _ place: inout Int, _ end: Int
    ) -> UInt32? {
        guard let first = codeUnit(text, place + 2, end) else { return nil }
        place += 6
        guard 0xD800...0xDFFF ~= first else { return first }
        guard first < 0xDC00, place + 6 <= end, text[place] == 0x5C, text[place + 1] == 0x75,
            let second = codeUnit(text, place + 2, end), 0xDC00...0xDFFF ~= second
        else { return nil }
        place += 6
        return 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
    }

    private static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | (scalar >> shift & 0x3F)) }
        switch scalar {
        case 0..<0x80:
            bytes.append(UInt8(scalar))
        case 0x80..<0x800:
            bytes.append(UInt8(0xC0 | scalar >> 6))
            bytes.append(tail(0))
        case 0x800..<0x10000:
            bytes.append(UInt8(0xE0 | scalar >> 12))
            bytes.append(tail(6))
            bytes.append(tail(0))
        default:
            bytes.append(UInt8(0xF0 | scalar >> 18))
            bytes.append(tail(12))
            bytes.append(tail(6))
            bytes.append(tail(0))
        }
    }

    /// A checked JSON number as an integer; nil when it is not whole or is beyond ±(2^53 − 1).
    static func integer(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int64? {
        let largest: Int64 = 9_007_199_254_740_991
        if range.count <= 16 {
            var value: Int64 = 0
            var place = range.lowerBound
            let isNegative = text[place] == 0x2D
            if isNegative { place += 1 }
            while place < range.upperBound, text[place] &- 48 < 10 {
                value = value * 10 + Int64(text[place] &- 48)
                place += 1
            }
            if place == range.upperBound {
                return value <= largest ? (isNegative ? -value : value) : nil
            }
        }
        return exact(Array(text[range]), largest)
    }

    /// A number with a point or a power of ten, read in decimal arithmetic: after the point has
    /// been moved by the power, only zeros may follow it.
    private static func exact(_ text: [UInt8], _ largest: Int64) -> Int64? {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == 0x65 || $0 == 0x45 }
        var power = 0
        if parts.count == 2 {
            let sign = parts[1].first == 0x2D ? -1 : 1
            for digit in parts[1] where digit >= 0x30 {
                power = min(power * 10 + Int(digit - 0x30), 2_000_000)
            }
            power *= sign
        }
        let isNegative = parts[0].first == 0x2D
        let number = parts[0].drop { $0 == 0x2D }
        let halves = number.split(separator: 0x2E, omittingEmptySubsequences: false)
        let all = halves.joined().map { Int64($0 - 0x30) }
        guard let first = all.firstIndex(where: { $0 != 0 }) else { return 0 }
        let digits = Array(all[first...])
        let point = halves[0].count + power - first
        if point < 0 { return nil }
        guard point <= 16, digits.dropFirst(point).allSatisfy({ $0 == 0 }) else { return nil }
        var value: Int64 = 0
        for place in 0..<point { value = value * 10 + (place < digits.count ? digits[place] : 0) }
        return value <= largest ? (isNegative ? -value : value) : nil
    }
}

/// Checks of UTF-8 by the table of well-formed sequences.
enum UTF8Check {
    /// The length of the sequence of two to four bytes that starts here; 0 where it is none.
    static func sequence(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int {
        let lead = text[start]
        func tail(_ place: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xBF) -> Bool {
            start + place < text.count && text[start + place] >= low && text[start + place] <= high
        }
        switch lead {
        case 0xC2...0xDF:
            return tail(1) ? 2 : 0
        case 0xE0...0xEF:
            let low: UInt8 = lead == 0xE0 ? 0xA0 : 0x80
            let high: UInt8 = lead == 0xED ? 0x9F : 0xBF
            return tail(1, low, high) && tail(2) ? 3 : 0
        case 0xF0...0xF4:
            let low: UInt8 = lead == 0xF0 ? 0x90 : 0x80
            let high: UInt8 = lead == 0xF4 ? 0x8F : 0xBF
            return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0
        default:
            return 0
        }
    }

    static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place < text.count {
            if text[place] < 0x80 {
                place += 1
            } else {
                let length = sequence(text, place)
                guard length > 0 else { return false }
                place += length
            }
        }
        return true
    }
}
