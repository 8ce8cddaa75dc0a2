/// Commands written out in Redis' protocol, in one block of raw memory that is used many
/// times.
///
/// A command is an array header with the number of its arguments, then the arguments. Arguments are
/// copied into the block, so nothing is allocated unless the block must grow.
public struct CommandBuffer: ~Copyable, @unchecked Sendable {
    // @unchecked: the block has this one owner, and nothing outside refers to it.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    /// Bytes written so far.
    public private(set) var byteCount = 0

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int = 4_096) {
        self.capacity = max(64, capacity)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// What is written; valid until the buffer is changed.
    public var bytes: UnsafeRawBufferPointer { .init(start: base, count: byteCount) }

    /// Forgets what is written and keeps the memory.
    public mutating func removeAll() { byteCount = 0 }

    /// Begins a command or an array of `count` arguments.
    public mutating func appendHeader(count: Int) {
        reserve(24)
        writeByte(UInt8(ascii: "*"))
        writeDecimal(Int64(count))
        writeLineEnd()
    }

    /// Appends an argument of these bytes.
    public mutating func append(_ argument: UnsafeRawBufferPointer) {
        reserve(argument.count + 32)
        writeByte(UInt8(ascii: "$"))
        writeDecimal(Int64(argument.count))
        writeLineEnd()
        write(argument)
        writeLineEnd()
    }

    /// Appends an argument that is these two pieces one after the other.
    public mutating func append(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) {
        let count = first.count + second.count
        reserve(count + 32)
        writeByte(UInt8(ascii: "$"))
        writeDecimal(Int64(count))
        writeLineEnd()
        write(first)
        write(second)
        writeLineEnd()
    }

    /// Appends an argument of these bytes.
    public mutating func append(_ argument: [UInt8]) {
        argument.withUnsafeBytes { append($0) }
    }

    /// Appends a fixed text as an argument.
    public mutating func append(_ argument: StaticString) {
        append(UnsafeRawBufferPointer(start: argument.utf8Start, count: argument.utf8CodeUnitCount))
    }

    /// Appends a number in decimal as an argument.
    public mutating func append(_ number: Int64) {
        reserve(48)
        let digits = Self.decimalLength(number)
        writeByte(UInt8(ascii: "$"))
        writeDecimal(Int64(digits))
        writeLineEnd()
        writeDecimal(number)
        writeLineEnd()
    }

    /// Appends a text as an argument, for cold code.
    public mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends an argument of ten digits, to be filled in by `fill`, and returns its offset.
    public mutating func appendBlankNumber() -> Int {
        append("0000000000")
        return byteCount - 12
    }

    /// Writes a number, 0 to 9,999,999,999, into the blank at this offset, with leading zeros.
    public mutating func fill(_ offset: Int, with number: Int) {
        precondition(
            offset >= 0 && offset + 12 <= byteCount && (0...9_999_999_999).contains(number))
        var rest = number
        for index in stride(from: offset + 9, through: offset, by: -1) {
            base.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: index,
                as: UInt8.self)
            rest /= 10
        }
    }

    /// Appends bytes that are already in Redis' protocol.
    public mutating func appendEncoded(_ encoded: UnsafeRawBufferPointer) {
        reserve(encoded.count)
        write(encoded)
    }

    // MARK: Writing without checks, after `reserve`

    private mutating func reserve(_ more: Int) {
        guard byteCount + more > capacity else { return }
        var larger = capacity
        while larger < byteCount + more { larger *= 2 }
        let block = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        block.copyMemory(from: base, byteCount: byteCount)
        base.deallocate()
        base = block
        capacity = larger
    }

    private mutating func writeByte(_ byte: UInt8) {
        base.storeBytes(of: byte, toByteOffset: byteCount, as: UInt8.self)
        byteCount += 1
    }

    private mutating func writeLineEnd() {
        writeByte(UInt8(ascii: "\r"))
        writeByte(UInt8(ascii: "\n"))
    }

    private mutating func write(_ piece: UnsafeRawBufferPointer) {
        guard let start = piece.baseAddress, piece.count > 0 else { return }
        (base + byteCount).copyMemory(from: start, byteCount: piece.count)
        byteCount += piece.count
    }

    private mutating func writeDecimal(_ number: Int64) {
        let length = Self.decimalLength(number)
        var rest = number.magnitude
        var index = byteCount + length - 1
        repeat {
            base.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: index,
                as: UInt8.self)
            rest /= 10
            index -= 1
        } while rest > 0
        if number < 0 {
            base.storeBytes(of: UInt8(ascii: "-"), toByteOffset: index, as: UInt8.self)
        }
        byteCount += length
    }

    private static func decimalLength(_ number: Int64) -> Int {
        var length = number < 0 ? 2 : 1
        var rest = number.magnitude
        while rest >= 10 {
            rest /= 10
            length += 1
        }
        return length
    }
}
