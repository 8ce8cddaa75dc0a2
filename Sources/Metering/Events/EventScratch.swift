/// What is known of the record at hand; reused for each.
struct EventScratch: ~Copyable {
    let fields: UnsafeMutablePointer<FieldValue>
    let tuples: UnsafeMutablePointer<UInt32>
    /// Of tuples that are one field alone: prepared before they are looked up.
    let tupleKeys: UnsafeMutablePointer<SymbolKey>
    /// Room for one tuple or id in its escaped form.
    let text: UnsafeMutableRawPointer
    static var textCapacity: Int { 16_384 }
    /// The event with its data decoded.
    var composed = ComposedText()

    var event: Int32 = -1
    var rejection = Rejection.none
    /// What `rejection` is about: a field of the program; of a long attribute 0 id, 1 source, 2
    /// subject; of data that is no object 0 data, 1 data_base64.
    var rejectedField: Int32 = -1
    var hasOwnTime = false
    /// Event time in nanoseconds since 1970.
    var time: Int64 = 0
    var id = UnsafeRawBufferPointer(start: nil, count: 0)
    var source = UnsafeRawBufferPointer(start: nil, count: 0)
    var subject = UnsafeRawBufferPointer(start: nil, count: 0)
    var type = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The subject, prepared for its look-up.
    var organization = SymbolKey(
        UnsafeRawBufferPointer(start: nil, count: 0), SymbolSeed.ofProcess)
    /// The date that was read last.
    var date = Timestamp.Date()
    /// Months of the day that was asked last.
    private var monthDay = Int32.min
    private var month: Int32 = 0

    init(fieldCount: Int, tupleCount: Int) {
        fields = .allocate(capacity: max(1, fieldCount))
        tuples = .allocate(capacity: max(1, tupleCount))
        tupleKeys = .allocate(capacity: max(1, tupleCount))
        text = .allocate(byteCount: Self.textCapacity, alignment: 8)
    }

    deinit {
        fields.deallocate()
        tuples.deallocate()
        tupleKeys.deallocate()
        text.deallocate()
    }

    /// Number of the window that holds a second; the month of the same day is not computed twice.
    @inline(__always)
    mutating func number(_ window: Window, ofSecond second: Int64) -> Int32 {
        guard window == .month else { return window.number(ofSecond: second) }
        let day = Int32(truncatingIfNeeded: floorDivide(second, 86_400))
        if day != monthDay {
            monthDay = day
            month = CivilDate(day: day).month
        }
        return month
    }

    /// Copies `bytes` escaped as in a key name to `offset` of the scratch text; returns the end.
    @inline(__always)
    func escape(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        var end = offset
        for byte in bytes {
            if NameEscape.isPlain(byte) {
                text.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
                end += 1
            } else {
                text.storeBytes(of: 37, toByteOffset: end, as: UInt8.self)
                text.storeBytes(
                    of: NameEscape.digit(byte >> 4), toByteOffset: end + 1, as: UInt8.self)
                text.storeBytes(
                    of: NameEscape.digit(byte & 15), toByteOffset: end + 2, as: UInt8.self)
                end += 3
            }
        }
        return end
    }

    func written(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text, count: count)
    }
}

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
