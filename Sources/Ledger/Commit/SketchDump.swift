/// Writes a HyperLogLog of few values as Redis' `RESTORE` takes it.
///
/// It is what `PFADD` would make of them.
///
/// The sparse form: runs of registers at 0, and registers with their values. Its memory is used
/// again. One thread.
package struct SketchDump: ~Copyable {
    /// More values are left to Redis: their dump would be no shorter than the values.
    static let mostValues = 16
    /// The largest value of a register that the sparse form can hold.
    private static let largest = 32

    /// Registers that are not 0, in their order.
    private var registers: [(index: Int, value: UInt8)] = []
    private var content: [UInt8] = []
    private var text: [UInt8] = []

    /// A sketch without values.
    package init() {}

    /// Starts a sketch without values.
    package mutating func begin() { registers.removeAll(keepingCapacity: true) }

    /// Adds a value; false where only the dense form can hold it.
    package mutating func insert(_ value: UnsafeRawBufferPointer) -> Bool {
        let hash = Self.hash(value)
        let index = Int(hash & UInt64(DistinctSketch.registerCount - 1))
        // One bit above the others, so that the search ends.
        let rest =
            hash >> UInt64(DistinctSketch.registerBits) | 1
            << UInt64(64 - DistinctSketch.registerBits)
        let count = UInt8(rest.trailingZeroBitCount + 1)
        guard count <= Self.largest else { return false }
        let place = registers.firstIndex { $0.index >= index } ?? registers.count
        if place < registers.count, registers[place].index == index {
            registers[place].value = max(registers[place].value, count)
        } else {
            registers.insert((index, count), at: place)
        }
        return true
    }

    /// The text for `RESTORE`; valid in the closure only.
    package mutating func withText(_ body: (UnsafeRawBufferPointer) -> Void) {
        content.removeAll(keepingCapacity: true)
        // The form is sparse; the number of values is not kept, which the highest bit says.
        content.append(contentsOf: [72, 89, 76, 76, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80])
        var next = 0
        var place = 0
        while place < registers.count {
            let (index, value) = registers[place]
            appendZeros(index - next)
            var length = 1
            while length < 4, place + length < registers.count,
                registers[place + length] == (index + length, value)
            {
                length += 1
            }
            content.append(0x80 | (value - 1) << 2 | UInt8(length - 1))
            place += length
            next = index + length
        }
        appendZeros(DistinctSketch.registerCount - next)
        text.removeAll(keepingCapacity: true)
        // A string.
        text.append(0)
        text.append(dumpedLength: content.count)
        text.append(contentsOf: content)
        text.appendDumpEnd()
        text.withUnsafeBytes(body)
    }

    private mutating func appendZeros(_ count: Int) {
        guard count > 0 else { return }
        if count <= 64 {
            content.append(UInt8(count - 1))
        } else {
            content.append(0x40 | UInt8((count - 1) >> 8))
            content.append(UInt8(truncatingIfNeeded: count - 1))
        }
    }

    /// MurmurHash64A with the seed that Redis takes for HyperLogLogs.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let factor: UInt64 = 0xC6A4_A793_5BD1_E995
        var hash: UInt64 = 0xADC8_3B19 ^ UInt64(bytes.count) &* factor
        var index = 0
        while index + 8 <= bytes.count {
            var word = UInt64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            word &*= factor
            word ^= word >> 47
            word &*= factor
            hash ^= word
            hash &*= factor
            index += 8
        }
        if index < bytes.count {
            for rest in (index..<bytes.count).reversed() {
                hash ^= UInt64(bytes[rest]) << UInt64(8 * (rest - index))
            }
            hash &*= factor
        }
        hash ^= hash >> 47
        hash &*= factor
        hash ^= hash >> 47
        return hash
    }
}
