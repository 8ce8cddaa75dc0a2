/// Latencies in microseconds, counted in buckets of three significant digits.
///
/// Log-linear like HdrHistogram: 2,048 buckets of width 1, then 1,024 for each doubling. A
/// percentile is the highest value of its bucket, so it is never too low and at most 0.1 % too
/// high. Values beyond `limit` (12 days) count as `limit`, those below 0 as 0.
public struct LatencyHistogram: Sendable, Equatable {
    /// The largest value that can be counted, in microseconds.
    public static let limit: Int64 = (1 << 40) - 1

    private var counts = [UInt64](repeating: 0, count: LatencyHistogram.index(of: limit) + 1)
    /// How many values were counted.
    public private(set) var count: UInt64 = 0
    /// The greatest value, exact; 0 when there is none.
    public private(set) var greatest: Int64 = 0
    /// The least value, exact; 0 when there is none.
    public private(set) var least: Int64 = 0
    private var sum = 0.0

    /// Makes an empty histogram.
    public init() {}

    /// The mean of all values; 0 when there is none.
    public var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// Counts a value this many times.
    public mutating func record(_ microseconds: Int64, times: UInt64 = 1) {
        guard times > 0 else { return }
        let value = min(LatencyHistogram.limit, max(0, microseconds))
        counts[LatencyHistogram.index(of: value)] += times
        greatest = max(greatest, value)
        least = count == 0 ? value : min(least, value)
        sum += Double(value) * Double(times)
        count += times
    }

    /// Adds the values of another histogram.
    public mutating func add(_ other: LatencyHistogram) {
        guard other.count > 0 else { return }
        for place in counts.indices { counts[place] += other.counts[place] }
        least = count == 0 ? other.least : min(least, other.least)
        greatest = max(greatest, other.greatest)
        sum += other.sum
        count += other.count
    }

    /// Removes all values without giving memory back.
    public mutating func clear() {
        guard count > 0 else { return }
        for place in 0...LatencyHistogram.index(of: greatest) { counts[place] = 0 }
        (count, greatest, least, sum) = (0, 0, 0, 0)
    }

    /// The least value that this percentage of all values, 0 to 100, does not exceed; 0 when there
    /// is no value.
    public func percentile(_ percent: Double) -> Int64 {
        guard count > 0 else { return 0 }
        let share = min(100, max(0, percent)) / 100 * Double(count)
        // A rounding error just above a whole number must not ask for one more value.
        let wanted = max(1, UInt64((share - 1e-9 * share).rounded(.up)))
        var met: UInt64 = 0
        for (place, number) in counts.enumerated() where number > 0 {
            met += number
            if met >= wanted { return min(LatencyHistogram.last(of: place), greatest) }
        }
        return greatest
    }

    /// How many values are in the buckets up to this value's.
    public func count(upTo microseconds: Int64) -> UInt64 {
        guard microseconds >= 0 else { return 0 }
        let value = min(LatencyHistogram.limit, microseconds)
        return counts[0...LatencyHistogram.index(of: value)].reduce(0, +)
    }

    /// The buckets that are not empty, in rising order: the greatest value of each and its count.
    public var buckets: [(value: Int64, count: UInt64)] {
        counts.enumerated().compactMap { place, number in
            number == 0 ? nil : (LatencyHistogram.last(of: place), number)
        }
    }

    /// The number of a value's bucket.
    static func index(of value: Int64) -> Int {
        guard value >= 2_048 else { return Int(value) }
        let doublings = 53 - value.leadingZeroBitCount
        return doublings * 1_024 + Int(value >> Int64(doublings))
    }

    /// The greatest value of a bucket.
    static func last(of index: Int) -> Int64 {
        guard index >= 2_048 else { return Int64(index) }
        let doublings = Int64(index / 1_024 - 1)
        return ((Int64(index) - doublings * 1_024 + 1) << doublings) - 1
    }
}
