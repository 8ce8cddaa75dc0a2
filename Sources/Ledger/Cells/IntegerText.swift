/// Whole numbers as Redis writes them.
public enum IntegerText {
    /// A whole number, with a sign where it is negative; nil for anything else.
    public static func value(_ text: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        guard text.count > (isNegative ? 1 : 0), text.count <= 20 else { return nil }
        var value: Int64 = 0
        for index in (isNegative ? 1 : 0)..<text.count {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            // Downwards, because the least number has no positive counterpart.
            let (sum, passes) = product.subtractingReportingOverflow(Int64(digit))
            if overflows || passes { return nil }
            value = sum
        }
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }
}
