/// Writes members with whole scores as Redis' `RESTORE` takes a sorted set.
///
/// The value of `DUMP`: the type (a sorted set in a listpack), the listpack as a string, the
/// format's version, and a CRC-64 of all that. The version is that of Redis 7.0; later servers read
/// earlier versions. Members must differ, as they do in every sorted set; `TallyEncoder` sees
/// to that. Their order does not matter to a union.
///
/// Its memory is used again. One thread.
package struct SortedSetDump: ~Copyable {
    /// What a listpack has instead of the number of its elements where it does not count them.
    private static let uncounted = 65_535
    private static let type: UInt8 = 17
    private static let version: UInt16 = 10

    private var elements: [UInt8] = []
    private var text: [UInt8] = []
    /// Members since `begin`.
    package private(set) var count = 0

    /// A set without members.
    package init() {}

    /// Starts a set without members.
    package mutating func begin() {
        elements.removeAll(keepingCapacity: true)
        count = 0
    }

    /// Adds a member that is not there yet; its score is 0 or more.
    package mutating func append(_ member: UnsafeRawBufferPointer, score: Int64) {
        appendText(member)
        appendNumber(score)
        count += 1
    }

    /// The text for `RESTORE`; valid in the closure only.
    package mutating func withText(_ body: (UnsafeRawBufferPointer) -> Void) {
        text.removeAll(keepingCapacity: true)
        text.append(Self.type)
        let length = 4 + 2 + elements.count + 1
        appendLength(length)
        text.append(littleEndian: UInt32(length))
        text.append(littleEndian: UInt16(min(2 * count, Self.uncounted)))
        text.append(contentsOf: elements)
        text.append(0xFF)
        text.append(littleEndian: Self.version)
        text.append(littleEndian: text.withUnsafeBytes(DumpChecksum.of))
        text.withUnsafeBytes(body)
    }

    // MARK: Elements of a listpack: encoding, content, length for reading backwards

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
        case 0..<4_096:
            elements.append(0xC0 | UInt8(number >> 8))
            elements.append(UInt8(truncatingIfNeeded: number))
        case 0..<(1 << 15):
            elements.append(0xF1)
            elements.append(littleEndian: UInt16(number))
        case 0..<(1 << 31):
            elements.append(0xF3)
            elements.append(littleEndian: UInt32(number))
        default:
            elements.append(0xF4)
            elements.append(littleEndian: UInt64(bitPattern: number))
        }
        appendBackLength(elements.count - start)
    }

    /// Seven bits a byte, the highest first; all but the first have the eighth bit.
    private mutating func appendBackLength(_ length: Int) {
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

    private mutating func appendLength(_ length: Int) {
        if length < 64 {
            text.append(UInt8(length))
        } else if length < 16_384 {
            text.append(0x40 | UInt8(length >> 8))
            text.append(UInt8(truncatingIfNeeded: length))
        } else {
            text.append(0x80)
            text.append(littleEndian: UInt32(length).byteSwapped)
        }
    }
}

extension SortedSetDump {
    /// Members and scores of a text as `withText` gives it, for a benchmark and tests, which do not
    /// ask Redis.
    package static func entries(
        of text: UnsafeRawBufferPointer
    ) -> [(member: [UInt8], score: Int64)] {
        let prefix = text[1] < 64 ? 2 : text[1] < 128 ? 3 : 6
        var rest = UnsafeRawBufferPointer(rebasing: text.dropFirst(prefix + 6).dropLast(11))
        func take(_ count: Int) -> UnsafeRawBufferPointer {
            defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
            return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        }
        func number(_ bytes: UnsafeRawBufferPointer) -> Int {
            bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        /// A text, or a number in its eight bytes.
        func element() -> UnsafeRawBufferPointer {
            let (before, kind) = (rest.count, Int(take(1)[0]))
            let content =
                switch kind {
                case 0x80..<0xC0: take(kind & 0x3F)
                case 0xE0..<0xF0: take((kind & 0xF) << 8 | Int(take(1)[0]))
                case 0xF0: take(number(take(4)))
                default: take(kind < 0xE0 ? kind >> 7 : kind == 0xF1 ? 2 : kind == 0xF3 ? 4 : 8)
                }
            _ = take(backLength(before - rest.count))
            return content
        }
        var entries: [(member: [UInt8], score: Int64)] = []
        while !rest.isEmpty {
            let member = Array(element())
            let kind = Int(rest[0])
            let content = number(element())
            let score = kind < 0x80 ? kind : kind < 0xE0 ? (kind & 0x1F) << 8 | content : content
            entries.append((member, Int64(score)))
        }
        return entries
    }
}

/// The CRC-64 at the end of a dump: Jones' polynomial, the lowest bit first, from 0.
enum DumpChecksum {
    private static let table: [UInt64] = (0..<256).map { index in
        (0..<8).reduce(UInt64(index)) { rest, _ in
            rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0x95AC_9329_AC4B_C9B5
        }
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        table.withUnsafeBufferPointer { table in
            bytes.reduce(0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
        }
    }
}

extension [UInt8] {
    /// Appends the bytes of a number, the lowest first.
    fileprivate mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
