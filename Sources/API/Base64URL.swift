/// Base64 with `-` and `_`, without padding (RFC 4648, section 5), as in tokens and their keys.
enum Base64URL {
    /// The bytes of a text; nil where it is not valid.
    ///
    /// That is another character, an impossible length, or bits left over at the end that are not
    /// 0.
    static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3 + 2)
        var rest: UInt32 = 0
        var bits = 0
        for character in text {
            guard let value = value(character) else { return nil }
            rest = rest << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: rest >> UInt32(bits)))
                rest &= 1 << UInt32(bits) - 1
            }
        }
        return rest == 0 ? bytes : nil
    }

    /// The text of bytes.
    static func text(_ bytes: [UInt8]) -> [UInt8] {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        var rest: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            rest = rest << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[Int(rest >> bits & 63)])
            }
            rest &= 1 << bits - 1
        }
        if bits > 0 { text.append(alphabet[Int(rest << (6 - bits) & 63)]) }
        return text
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 65...90: character - 65
        case 97...122: character - 71
        case 48...57: character + 4
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
