/// Writes a key's content as Redis' `RESTORE` takes it: a hash, or a sorted set with whole scores.
///
/// The value of `DUMP`: the type (here in a listpack), the listpack as a string, the format's
/// version, and a CRC-64 of all that. The version is that of Redis 7.0; later servers read earlier
/// versions. Members must differ; `TallyEncoder` sees to that. The order matters only where a
/// sorted set is made of the dump: by score, then by bytes. What is a decimal number is written as
/// one, as Redis does, which takes less memory.
///
/// Its memory is used again. One thread.
package struct KeyDump: ~Copyable {
    /// What a dump makes.
    package enum Content: UInt8, Sendable {
        /// A hash.
        case hash = 16
        /// A sorted set.
        case sortedSet = 17
    }

    /// What a listpack has instead of the number of its elements where it does not count them.
    private static let uncounted = 65_535

    private var elements: [UInt8] = []
    private var text: [UInt8] = []
    /// Members since `begin`.
    package private(set) var count = 0

    /// A dump without members.
    package init() {}

    /// Starts a dump without members.
    package mutating func begin() {
        elements.removeAll(keepingCapacity: true)
        count = 0
    }

    /// Adds a member that is not there yet, with its score or number.
    package mutating func append(_ member: UnsafeRawBufferPointer, number: Int64) {
        appendElement(member)
        appendNumber(number)
        count += 1
    }

    /// Adds a member of a hash that is not there yet, with its value.
    package mutating func append(
        _ member: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) {
        appendElement(member)
        appendElement(value)
        count += 1
    }

    /// The text for `RESTORE`; valid in the closure only.
    package mutating func withText(
        _ content: Content, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        text.removeAll(keepingCapacity: true)
        text.append(content.rawValue)
        let length = 4 + 2 + elements.count + 1
        text.append(dumpedLength: length)
        text.append(littleEndian: UInt32(length))
        text.append(littleEndian: UInt16(min(2 * count, Self.uncounted)))
        text.append(contentsOf: elements)
        text.append(0xFF)
        text.appendDumpEnd()
        text.withUnsafeBytes(body)
    }

    // MARK: Elements of a listpack: encoding, content, length for reading backwards

    private mutating func appendElement(_ bytes: UnsafeRawBufferPointer) {
        if let number = Self.number(bytes) { appendNumber(number) } else { appendText(bytes) }
    }

    /// The number that Redis would write in the place of a text; nil where it keeps the text.
    private static func number(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        // No longer text is a number of 64 bits, and no other text begins like one.
        guard (1...20).contains(bytes.count), bytes[0] <= UInt8(ascii: "9") else { return nil }
        let isNegative = bytes[0] == UInt8(ascii: "-")
        let first = isNegative ? 1 : 0
        guard first < bytes.count else { return nil }
        if bytes[first] == UInt8(ascii: "0") { return bytes.count == 1 ? 0 : nil }
        // Below 0, where there is one number more.
        var number: Int64 = 0
        for byte in bytes[first...] {
            guard case let digit = Int64(byte) - 48, (0...9).contains(digit) else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.subtractingReportingOverflow(digit)
            if overflow || carry { return nil }
            number = sum
        }
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    private mutating func appendText(_ bytes: UnsafeRawBufferPointer) {
        let start = elements.count
        if bytes.count < 64 {
            elements.append(0x80 | UInt8(bytes.count))
        } else if bytes.count < 4_096 {
            elements.append(0xE0 | UInt8(bytes.count >> 8))
            elements.append(UInt8(truncatingIfNeeded: bytes.count))
        } else {
            elements.append(0xF0)
            elements.append(littleEndian: UInt32(bytes.count))
        }
        elements.append(contentsOf: bytes)
        appendBackLength(elements.count - start)
    }

    private mutating func appendNumber(_ number: Int64) {
        let start = elements.count
        switch number {
        case 0..<128: elements.append(UInt8(number))
        case -4_096..<4_096:
            elements.append(0xC0 | UInt8(truncatingIfNeeded: number >> 8) & 0x1F)
            elements.append(UInt8(truncatingIfNeeded: number))
        case -(1 << 15)..<(1 << 15):
            elements.append(0xF1)
            elements.append(littleEndian: Int16(number))
        case -(1 << 23)..<(1 << 23):
            elements.append(0xF2)
            elements.append(littleEndian: Int16(truncatingIfNeeded: number))
            elements.append(UInt8(truncatingIfNeeded: number >> 16))
        case -(1 << 31)..<(1 << 31):
            elements.append(0xF3)
            elements.append(littleEndian: Int32(number))
        default:
            elements.append(0xF4)
            elements.append(littleEndian: number)
        }
        appendBackLength(elements.count - start)
    }

    /// Seven bits a byte, the highest first; all but the first have the eighth bit.
    private mutating func appendBackLength(_ length: Int) {
        if length <= 127 {
            elements.append(UInt8(length))
            return
        }
        let bytes = Self.backLength(length)
        for byte in (0..<bytes).reversed() {
            let bits = UInt8(truncatingIfNeeded: length >> (7 * byte)) & 0x7F
            elements.append(byte == bytes - 1 ? bits : bits | 0x80)
        }
    }

    /// How many bytes that takes, by the same limits as Redis, which computes it from the length.
    private static func backLength(_ length: Int) -> Int {
        switch length {
        case ...127: 1
        case ..<16_383: 2
        case ..<2_097_151: 3
        case ..<268_435_455: 4
        default: 5
        }
    }
}

extension KeyDump {
    /// Members and values of a text as `withText` gives it, for a benchmark and tests, which do not
    /// ask Redis.
    package static func entries(
        of text: UnsafeRawBufferPointer
    ) -> [(member: [UInt8], value: [UInt8])] {
        let prefix = text[1] < 64 ? 2 : text[1] < 128 ? 3 : 6
        var rest = UnsafeRawBufferPointer(rebasing: text.dropFirst(prefix + 6).dropLast(11))
        func take(_ count: Int) -> UnsafeRawBufferPointer {
            defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
            return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        }
        /// A number of that many bytes, the lowest first, whose highest bit is its sign.
        func number(_ count: Int) -> Int64 {
            var bits: UInt64 = 0
            for byte in take(count).reversed() { bits = bits << 8 | UInt64(byte) }
            let unused = UInt64(64 - 8 * count)
            return Int64(bitPattern: bits << unused) >> Int64(unused)
        }
        func content() -> [UInt8] {
            let kind = Int(take(1)[0])
            switch kind {
            case ..<0x80: return Array(String(kind).utf8)
            case 0x80..<0xC0: return Array(take(kind & 0x3F))
            case 0xC0..<0xE0:
                let bits = (kind & 0x1F) << 8 | Int(take(1)[0])
                return Array(String(bits < 4_096 ? bits : bits - 8_192).utf8)
            case 0xE0..<0xF0: return Array(take((kind & 0xF) << 8 | Int(take(1)[0])))
            case 0xF0: return Array(take(Int(number(4))))
            case 0xF1...0xF3: return Array(String(number(kind - 0xF1 + 2)).utf8)
            default: return Array(String(number(8)).utf8)
            }
        }
        func element() -> [UInt8] {
            let before = rest.count
            let bytes = content()
            _ = take(backLength(before - rest.count))
            return bytes
        }
        var entries: [(member: [UInt8], value: [UInt8])] = []
        while !rest.isEmpty { entries.append((member: element(), value: element())) }
        return entries
    }
}

/// The CRC-64 at the end of a dump: Jones' polynomial, the lowest bit first, from 0.
enum DumpChecksum {
    /// Eight tables of 256: what a byte does to the rest that many bytes later.
    private static let tables: [UInt64] = {
        let polynomial: UInt64 = 0x95AC_9329_AC4B_C9B5
        var tables: [UInt64] = (0..<256).map { (index: Int) -> UInt64 in
            var rest = UInt64(index)
            for _ in 0..<8 { rest = rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ polynomial }
            return rest
        }
        for index in 256..<2_048 {
            let before = tables[index - 256]
            tables.append(tables[Int(before & 0xFF)] ^ before >> 8)
        }
        return tables
    }()

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        tables.withUnsafeBufferPointer { tables in
            var rest: UInt64 = 0
            var index = 0
            while index + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                rest ^= UInt64(littleEndian: word)
                var next: UInt64 = 0
                for byte in 0..<8 {
                    let low = Int(truncatingIfNeeded: rest >> UInt64(8 * byte)) & 0xFF
                    next ^= tables[(7 - byte) * 256 + low]
                }
                rest = next
                index += 8
            }
            while index < bytes.count {
                rest = tables[Int(UInt8(truncatingIfNeeded: rest) ^ bytes[index])] ^ rest >> 8
                index += 1
            }
            return rest
        }
    }
}

extension [UInt8] {
    /// Appends the bytes of a number, the lowest first.
    mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    /// Appends the length of a string as a dump has it.
    mutating func append(dumpedLength length: Int) {
        if length < 64 {
            append(UInt8(length))
        } else if length < 16_384 {
            append(0x40 | UInt8(length >> 8))
            append(UInt8(truncatingIfNeeded: length))
        } else {
            append(0x80)
            append(littleEndian: UInt32(length).byteSwapped)
        }
    }

    /// Appends what ends a dump: the version of its format, that of Redis 7.0, and the checksum.
    mutating func appendDumpEnd() {
        append(littleEndian: UInt16(10))
        append(littleEndian: withUnsafeBytes(DumpChecksum.of))
    }
}
