/// A growing buffer of raw bytes that is filled again and again without a new allocation.
struct ByteWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 4_096) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit {
        base.deallocate()
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base, count: count)
    }

    @inline(__always)
    mutating func clear() {
        count = 0
    }

    mutating func truncate(to length: Int) {
        count = min(count, max(0, length))
    }

    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if count + extra > capacity { grow(extra) }
    }

    private mutating func grow(_ extra: Int) {
        let larger = max(capacity * 2, count + extra)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    @inline(__always)
    mutating func put(byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    mutating func put(text: String) {
        put(Array(text.utf8))
    }

    @inline(__always)
    mutating func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { put($0) }
    }

    /// Appends a copy of a range of the same buffer.
    @inline(__always)
    mutating func putAgain(_ range: Range<Int>) {
        reserve(range.count)
        (base + count).update(from: base + range.lowerBound, count: range.count)
        count += range.count
    }

    @inline(__always)
    mutating func put(twoDigits number: Int) {
        reserve(2)
        base[count] = UInt8(truncatingIfNeeded: 48 + number / 10)
        base[count + 1] = UInt8(truncatingIfNeeded: 48 + number % 10)
        count += 2
    }

    mutating func put(digits: Int, of number: UInt64) {
        reserve(digits)
        var rest = number
        var place = count + digits
        while place > count {
            place -= 1
            base[place] = UInt8(truncatingIfNeeded: 48 + rest % 10)
            rest /= 10
        }
        count += digits
    }

    @inline(__always)
    mutating func put(decimal number: Int) {
        var magnitude = number.magnitude
        if number < 0 { put(byte: 0x2D) }
        var digits = 1
        var bound: UInt = 10
        while digits < 19, magnitude >= bound {
            digits += 1
            bound = bound &* 10
        }
        if digits == 19, magnitude >= 10_000_000_000_000_000_000 { digits = 20 }
        reserve(digits)
        var place = count + digits
        while place > count {
            place -= 1
            base[place] = UInt8(truncatingIfNeeded: 48 + magnitude % 10)
            magnitude /= 10
        }
        count += digits
    }

    mutating func put(hexadecimal number: UInt64) {
        reserve(16)
        for step in 0..<16 {
            let nibble = UInt8(truncatingIfNeeded: (number >> UInt64(60 - 4 * step)) & 15)
            base[count + step] = nibble < 10 ? 48 + nibble : 87 + nibble
        }
        count += 16
    }

    /// Appends bytes of UTF-8 as the content of a JSON string, without its quotes.
    mutating func put(jsonText bytes: [UInt8]) {
        reserve(bytes.count * 6)
        for byte in bytes {
            switch byte {
            case 0x22, 0x5C:
                put(byte: 0x5C)
                put(byte: byte)
            case 0x0A:
                put("\\n")
            case 0..<0x20:
                put("\\u00")
                put(byte: byte < 16 ? 0x30 : 0x31)
                put(byte: byte % 16 < 10 ? 48 + byte % 16 : 55 + byte % 16)
            default:
                put(byte: byte)
            }
        }
    }

    /// Appends `YYYY-MM-DD`.
    mutating func put(_ date: CivilDate) {
        put(digits: 4, of: UInt64(max(0, date.year)))
        put(byte: 0x2D)
        put(twoDigits: date.month)
        put(byte: 0x2D)
        put(twoDigits: date.day)
    }

    /// Appends `HH:MM:SS`.
    mutating func put(secondOfDay second: Int) {
        put(twoDigits: second / 3_600)
        put(byte: 0x3A)
        put(twoDigits: second / 60 % 60)
        put(byte: 0x3A)
        put(twoDigits: second % 60)
    }

    /// Appends a time as RFC 3339 with milliseconds; the offset is in minutes east of UTC.
    mutating func put(milliseconds: Int64, offset: Int = 0) {
        let local = milliseconds + Int64(offset) * 60_000
        let seconds = floorDivided(local, 1_000)
        let days = floorDivided(seconds, 86_400)
        let date = CivilDate(days: days)
        let second = Int(seconds - days * 86_400)
        put(date)
        put(byte: 0x54)
        put(secondOfDay: second)
        put(byte: 0x2E)
        put(digits: 3, of: UInt64(local - seconds * 1_000))
        if offset == 0 {
            put(byte: 0x5A)
        } else {
            put(byte: offset < 0 ? 0x2D : 0x2B)
            put(twoDigits: abs(offset) / 60)
            put(byte: 0x3A)
            put(twoDigits: abs(offset) % 60)
        }
    }
}
