/// The structure in Redis that a meter's cells live in.
public enum CellShape: UInt8, Sendable, Hashable {
    /// A hash of a meter without `by`: one member for each window, many windows in one key.
    case series
    /// A hash with one member for each value of the `by` tuple: one key for each window.
    case table
    /// A sorted set with one member for each value of the `by` tuple: one key for each window.
    case ranking
    /// A HyperLogLog: one key for each window.
    case distinct
    /// A hash with one member for each step: one key for each window.
    case histogram
    /// Seven hashes, one for each weekday, with one member for each hour.
    case grid
}
