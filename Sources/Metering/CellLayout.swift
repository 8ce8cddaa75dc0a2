/// The structure in Redis that a meter's cells live in.
public enum CellShape: UInt8, Sendable, Hashable {
    /// A hash of one meter without `by`: one field a window, many windows a key.
    case series
    /// A hash with one field for each value of the `by` tuple: one key a window.
    case table
    /// A sorted set with one member for each value of the `by` tuple: one key a window.
    case ranking
    /// A HyperLogLog: one key a window.
    case distinct
    /// A hash with one field a step: one key a window.
    case histogram
    /// Seven hashes, one a weekday, with one field an hour.
    case grid
}

extension MeterDeclaration {
    /// The structure that this meter's cells live in.
    public var shape: CellShape {
        switch kind {
        case .count, .sum, .level, .extreme: by.isEmpty ? .series : .table
        case .ranking: .ranking
        case .distinct: .distinct
        case .histogram: .histogram
        case .grid: .grid
        }
    }
}

/// Steps of a histogram: exact below 128, then 64 steps to each doubling, so a step's middle is
/// within 0.8 % of every value in it.
public enum HistogramStep {
    /// Step of a value, 0 … 3,071; negative values are in step 0.
    @inlinable
    public static func index(of value: Int64) -> Int64 {
        guard value >= 128 else { return max(0, value) }
        let exponent = 63 - value.leadingZeroBitCount
        return Int64(exponent - 6) * 64 + (value >> Int64(exponent - 6))
    }

    /// Least value of a step and the first value after it.
    public static func bounds(of index: Int64) -> (low: Int64, high: Int64) {
        guard index >= 128 else { return (index, index + 1) }
        let exponent = index / 64 - 1
        let low = (64 + index % 64) << exponent
        return (low, low + (1 << exponent))
    }
}
