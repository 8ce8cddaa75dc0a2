/// Numbers as the 20 decimal digits of number + 2^63, whose order as strings is that of the
/// numbers.
public enum SortableNumber {
    /// How many digits.
    public static var digits: Int { 20 }

    /// Writes the 20 digits of a number.
    public static func write(_ number: Int64, to memory: UnsafeMutableRawPointer) {
        var rest = UInt64(bitPattern: number) ^ (1 << 63)
        for index in stride(from: digits - 1, through: 0, by: -1) {
            let digit = UInt8(ascii: "0") + UInt8(rest % 10)
            memory.storeBytes(of: digit, toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
    }

    /// The number whose 20 digits these are; nil for other bytes.
    public static func read(_ bytes: some Collection<UInt8>) -> Int64? {
        guard bytes.count == digits else { return nil }
        var value: UInt64 = 0
        for byte in bytes {
            guard case let digit = byte &- UInt8(ascii: "0"), digit <= 9 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return Int64(bitPattern: value ^ (1 << 63))
    }
}
