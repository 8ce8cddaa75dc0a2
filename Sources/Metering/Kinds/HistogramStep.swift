/// The steps of a histogram: exact below 128, then 64 steps for each doubling.
///
/// So a step's middle is within 0.8 % of every value in it.
public enum HistogramStep {
    /// Step of a value, 0 … 3,071; negative values are in step 0.
    @inlinable
    public static func index(of value: Int64) -> Int64 {
        guard value >= 128 else { return max(0, value) }
        let exponent = 63 - value.leadingZeroBitCount
        return Int64(exponent - 6) * 64 + (value >> Int64(exponent - 6))
    }

    /// The least value of a step and the first value after it.
    public static func bounds(of index: Int64) -> (low: Int64, high: Int64) {
        guard index >= 128 else { return (index, index + 1) }
        let exponent = index / 64 - 1
        let low = (64 + index % 64) << exponent
        return (low, low + (1 << exponent))
    }
}
