/// Reads decimal numbers as people write them, without rounding.
enum ForeignDecimal {
    /// A number times a factor; nil when that is not an integer, or too large.
    static func integer(
        _ text: [UInt8], factor: Int64, decimal: UInt8, group: UInt8? = nil
    ) -> Int64? {
        var digits: Int64 = 0
        var scale: Int64 = 1
        var isBehind = false
        var isNegative = false
        var count = 0
        for (place, byte) in text.enumerated() {
            if place == 0, byte == 0x2D || byte == 0x2B {
                isNegative = byte == 0x2D
            } else if byte == decimal, !isBehind {
                isBehind = true
            } else if byte == group, !isBehind {
                continue
            } else {
                guard 0x30...0x39 ~= byte else { return nil }
                let (tens, isHigh) = digits.multipliedReportingOverflow(by: 10)
                let (sum, isHigher) = tens.addingReportingOverflow(Int64(byte - 0x30))
                guard !isHigh, !isHigher, count < 18 else { return nil }
                digits = sum
                count += 1
                if isBehind { scale *= 10 }
            }
        }
        guard count > 0 else { return nil }
        let (product, isTooLarge) = digits.multipliedReportingOverflow(by: factor)
        guard !isTooLarge, product % scale == 0 else { return nil }
        return (isNegative ? -1 : 1) * (product / scale)
    }
}
