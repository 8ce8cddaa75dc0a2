/// The order of rankings; nothing else decides which of two equal members comes first.
///
/// The greatest number comes first. In a ranking by the sum of two meters, the greater number in
/// the first meter decides between equal sums. Last, the bytes of the members decide.
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

    /// Whether the left member comes before the right one.
    ///
    /// `byName` is called where their numbers are equal.
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
        for (leftValue, rightValue) in zip(left, right) where leftValue != rightValue {
            return leftValue.withUnsafeBytes { leftValue in
                rightValue.withUnsafeBytes { precedes(leftValue, $0) }
            }
        }
        return left.count < right.count
    }
}
