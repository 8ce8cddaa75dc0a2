/// Reads the values of cells.
enum CellText {
    /// A decimal; 0 where the cell is absent.
    static func integer(_ value: [UInt8]?) -> Int64 {
        guard let value else { return 0 }
        return Int64(String(decoding: value, as: UTF8.self)) ?? 0
    }

    /// A number written as 20 digits of value + 2^63.
    static func shifted(_ value: some Collection<UInt8>) -> Int64? {
        guard value.count == 20, let number = UInt64(String(decoding: value, as: UTF8.self)) else {
            return nil
        }
        return Int64(bitPattern: number ^ (1 << 63))
    }

    /// The sum, held at the ends of the number range.
    static func add(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflows) = left.addingReportingOverflow(right)
        guard overflows else { return sum }
        return left < 0 ? .min : .max
    }

    /// Whether one id stands before another, byte by byte.
    static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.lexicographicallyPrecedes(right)
    }
}
