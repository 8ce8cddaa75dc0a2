/// The order of rankings: the only place that says who comes first among equals.
///
/// The greatest number comes first. Among equal sums of two meters the greater number of the first
/// meter does, and among equals in that, too, the member whose bytes come first.
enum RankingOrder {
    /// What a member is ranked by.
    struct Numbers {
        let sum: Int64
        let first: Int64

        /// The number of a ranking by one meter.
        init(_ number: Int64) {
            sum = number
            first = number
        }

        /// The numbers of a ranking by the sum of two meters.
        init(first: Int64, second: Int64) {
            sum = CellText.add(first, second)
            self.first = first
        }
    }

    /// Whether the left member comes before the right one; `byName` is asked where their numbers
    /// are the same.
    @inline(__always)
    static func precedes(_ left: Numbers, _ right: Numbers, byName: () -> Bool) -> Bool {
        if left.sum != right.sum { return left.sum > right.sum }
        if left.first != right.first { return left.first > right.first }
        return byName()
    }

    /// Whether the left name comes before the right one, byte by byte.
    static func precedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        CellText.precedes(left, right)
    }

    /// Whether the left values come before the right ones, one dimension after the other.
    static func precedes(_ left: [[UInt8]], _ right: [[UInt8]]) -> Bool {
        for (mine, other) in zip(left, right) where mine != other {
            return mine.withUnsafeBytes { mine in other.withUnsafeBytes { precedes(mine, $0) } }
        }
        return left.count < right.count
    }
}
