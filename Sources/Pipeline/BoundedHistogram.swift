/// A histogram with fixed upper bounds.
public struct BoundedHistogram: Sendable {
    /// Upper bounds of the buckets; a last bucket takes all greater values.
    public let bounds: [Double]
    /// How many values are in each bucket; one more than there are bounds.
    public private(set) var counts: [Int64]
    /// Sum of all values.
    public private(set) var sum: Double = 0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    init(bounds: [Double], counts: [Int64], sum: Double) {
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }

    mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    mutating func add(_ other: BoundedHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        sum += other.sum
    }
}
