internal import Glibc
internal import Ledger

/// Reads the values of cells.
enum CellText {
    /// A decimal; 0 where the cell is absent.
    static func integer(_ value: UnsafeRawBufferPointer?) -> Int64 {
        value.flatMap { IntegerText.value($0) } ?? 0
    }

    /// A number written as 20 digits of value + 2^63.
    static func shifted(_ value: UnsafeRawBufferPointer) -> Int64? {
        guard value.count == 20 else { return nil }
        var number: UInt64 = 0
        for byte in value {
            let digit = byte &- 48
            let (product, overflows) = number.multipliedReportingOverflow(by: 10)
            let (sum, passes) = product.addingReportingOverflow(UInt64(digit))
            guard digit < 10, !overflows, !passes else { return nil }
            number = sum
        }
        return Int64(bitPattern: number ^ (1 << 63))
    }

    /// A number written as 20 digits of value + 2^63.
    static func shifted(_ value: [UInt8]) -> Int64? { value.withUnsafeBytes { shifted($0) } }

    /// The sum; one that overflows becomes the least or greatest number.
    static func add(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflows) = left.addingReportingOverflow(right)
        guard overflows else { return sum }
        return left < 0 ? .min : .max
    }

    /// The difference; one that overflows becomes the least or greatest number.
    static func subtract(_ left: Int64, _ right: Int64) -> Int64 {
        let (difference, overflows) = left.subtractingReportingOverflow(right)
        guard overflows else { return difference }
        return left < 0 ? .min : .max
    }

    /// Whether the left text comes before the right one, byte by byte.
    static func precedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else {
            return left.count < right.count
        }
        let order = memcmp(leftStart, rightStart, min(left.count, right.count))
        return order != 0 ? order < 0 : left.count < right.count
    }

    /// What follows `head` in a name; nil where the name does not begin with it.
    static func rest(
        of name: UnsafeRawBufferPointer, after head: [UInt8]
    ) -> UnsafeRawBufferPointer? {
        guard name.count >= head.count else { return nil }
        let start = UnsafeRawBufferPointer(rebasing: name[..<head.count])
        guard head.withUnsafeBytes({ isSame($0, start) }) else { return nil }
        return UnsafeRawBufferPointer(rebasing: name[head.count...])
    }

    /// Whether two texts are the same.
    static func isSame(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else {
            return true
        }
        return memcmp(leftStart, rightStart, left.count) == 0
    }
}
