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
