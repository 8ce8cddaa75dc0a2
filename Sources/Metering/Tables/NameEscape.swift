/// How values are written in names of Redis: bytes up to 0x20, 0x7F and `%` `:` `{` `}` as `%XX`.
public enum NameEscape {
    /// Whether a byte is not escaped.
    @inline(__always)
    public static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "%"), UInt8(ascii: ":"), UInt8(ascii: "{"), UInt8(ascii: "}"), 0x7F: false
        default: byte > 0x20
        }
    }

    /// The upper-case hexadecimal digit of 0 … 15.
    @inline(__always)
    public static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") - 10 + value
    }

    /// The value of an upper-case hexadecimal digit; nil for any other byte.
    public static func value(ofDigit digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Whether none of a word's eight bytes is escaped.
    ///
    /// Each term has the top bit of some byte set exactly when the byte that it looks for is among
    /// the eight. Borrowing may set more bits above the lowest such byte, which does not matter
    /// here.
    @inline(__always)
    static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        @inline(__always) func finds(_ byte: UInt8) -> UInt64 {
            let rest = word ^ (ones &* UInt64(byte))
            return (rest &- ones) & ~rest
        }
        let blanks = (word &- ones &* 0x21) & ~word
        let marks =
            finds(UInt8(ascii: "%")) | finds(UInt8(ascii: ":")) | finds(UInt8(ascii: "{"))
            | finds(UInt8(ascii: "}")) | finds(0x7F)
        return (blanks | marks) & (ones &* 0x80) == 0
    }
}
