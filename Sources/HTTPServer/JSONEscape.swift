/// Escapes for JSON strings.
enum JSONEscape {
    /// Appends the bytes of a string, escaped.
    ///
    /// Runs without escapes are copied whole. Each maximal part of a broken UTF-8 sequence becomes
    /// one U+FFFD, as the Unicode standard recommends.
    static func append(_ value: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        var runStart = 0
        var index = 0
        while index < value.count {
            if index + 8 <= value.count,
                isPlain(value.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            {
                index += 8
                continue
            }
            let byte = value[index]
            if byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"")
                && byte != UInt8(ascii: "\\")
            {
                index += 1
                continue
            }
            if byte < 0x80 {
                append(value, runStart..<index, to: &bytes)
                appendEscape(byte, to: &bytes)
                index += 1
                runStart = index
                continue
            }
            let (length, isValid) = sequence(in: value, at: index)
            if !isValid {
                append(value, runStart..<index, to: &bytes)
                bytes.append(contentsOf: [0xef, 0xbf, 0xbd])
                runStart = index + length
            }
            index += length
        }
        append(value, runStart..<value.count, to: &bytes)
    }

    /// Whether all bytes are ASCII and need no escape.
    static func isPlain(_ value: UnsafeRawBufferPointer) -> Bool {
        func word(_ index: Int) -> UInt64 {
            value.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        }
        guard value.count >= 8 else {
            // Filled up with spaces, which need no escape.
            var short: UInt64 = 0x2020_2020_2020_2020
            for byte in value { short = short << 8 | UInt64(byte) }
            return isPlain(short)
        }
        var index = 0
        while index + 8 <= value.count {
            guard isPlain(word(index)) else { return false }
            index += 8
        }
        return isPlain(word(value.count - 8))
    }

    /// Appends a part of the bytes; a slice itself would be appended byte by byte.
    private static func append(
        _ value: UnsafeRawBufferPointer, _ run: Range<Int>, to bytes: inout [UInt8]
    ) {
        guard !run.isEmpty else { return }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: value[run]))
    }

    /// Whether each of eight bytes is ASCII and needs no escape.
    ///
    /// No byte has its top bit set, so additions carry nothing into the next byte. Adding 96 sets
    /// the top bit of each byte from 32 on; adding 127 sets that of each byte except 0.
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops = ones << 7
        guard word & tops == 0 else { return false }
        let noControl = word &+ ones &* 96
        let noQuote = (word ^ ones &* 0x22) &+ ones &* 127
        let noBackslash = (word ^ ones &* 0x5c) &+ ones &* 127
        return noControl & noQuote & noBackslash & tops == tops
    }

    private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        case 0..<0x20:
            let low = byte & 0x0f
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(UInt8(ascii: "0") + (byte >> 4))
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default:
            bytes.append(byte)
        }
    }

    /// The length of the UTF-8 sequence at an index, and whether it is valid.
    ///
    /// The length of a broken one is that of its maximal part.
    private static func sequence(
        in value: UnsafeRawBufferPointer, at index: Int
    ) -> (length: Int, isValid: Bool) {
        let lead = value[index]
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xbf
        switch lead {
        case 0xc2...0xdf: count = 2
        case 0xe0...0xef:
            count = 3
            if lead == 0xe0 { second = 0xa0...0xbf }
            if lead == 0xed { second = 0x80...0x9f }
        case 0xf0...0xf4:
            count = 4
            if lead == 0xf0 { second = 0x90...0xbf }
            if lead == 0xf4 { second = 0x80...0x8f }
        default:
            return (1, false)
        }
        for offset in 1..<count {
            let range = offset == 1 ? second : 0x80...0xbf
            guard index + offset < value.count, range.contains(value[index + offset]) else {
                return (offset, false)
            }
        }
        return (count, true)
    }
}
