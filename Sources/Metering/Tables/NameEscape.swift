/// How free parts of names are written: bytes up to 0x20, 0x7F and `%` `:` `{` `}` as `%XX`.
public enum NameEscape {
    /// Whether a byte stands as it is.
    @inline(__always)
    public static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 37, 58, 123, 125, 127: false
        default: byte > 32
        }
    }

    /// An upper-case hexadecimal digit.
    @inline(__always)
    public static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 55 + value }

    /// What an upper-case hexadecimal digit stands for; nil for any other byte.
    public static func value(ofDigit digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Whether all eight bytes of a word stand as they are.
    ///
    /// Each term has the top bit of some byte set exactly when such a byte is among the eight (the lowest
    /// such byte is always found; higher bits may be set by borrowing, which does not matter here).
    @inline(__always)
    static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        @inline(__always) func lacks(_ byte: UInt64) -> UInt64 {
            let rest = word ^ (ones &* byte)
            return (rest &- ones) & ~rest
        }
        let blanks = (word &- ones &* 33) & ~word
        let found = blanks | lacks(37) | lacks(58) | lacks(123) | lacks(125) | lacks(127)
        return found & (ones &* 128) == 0
    }
}
