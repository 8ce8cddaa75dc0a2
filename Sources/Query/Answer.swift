internal import Metering

/// A number by weekday and hour.
public struct GridCell: Sendable, Hashable {
    /// 0 = Sunday … 6.
    public var weekday: Int
    /// 0 … 23, UTC.
    public var hour: Int
    /// How many.
    public var count: Int64
}

/// How many values there are of each size: exact below 128, then in steps.
///
/// The middle of a step is within 0.8 % of each value in it.
public struct Histogram: Sendable, Hashable {
    /// A range of values and how many there are.
    public struct Step: Sendable, Hashable {
        /// Least value.
        public var low: Int64
        /// First value after it.
        public var high: Int64
        /// How many values.
        public var count: Int64
    }
    /// Steps that hold values, least first.
    public let steps: [Step]

    init(_ counts: [Int64: Int64]) {
        // A value of 63 bits falls into one of 3,712 steps; another number was not written by us.
        let valid = counts.filter { (0..<3_712).contains($0.key) && $0.value > 0 }
        steps = valid.sorted { $0.key < $1.key }.map { index, count in
            let bounds = HistogramStep.bounds(of: index)
            return Step(low: bounds.low, high: bounds.high, count: count)
        }
    }

    /// How many values.
    public var count: Int64 { steps.reduce(0) { CellText.add($0, $1.count) } }

    /// Four times the median, which makes it a whole number, within 1 %; nil without values.
    public var medianTimesFour: Int64? {
        let count = self.count
        guard count > 0 else { return nil }
        return CellText.add(
            twiceMiddle(ofRank: (count - 1) / 2), twiceMiddle(ofRank: count / 2))
    }

    private func twiceMiddle(ofRank rank: Int64) -> Int64 {
        var before: Int64 = 0
        for step in steps {
            before += step.count
            if rank < before { return CellText.add(step.low, step.high - 1) }
        }
        return 0
    }
}

/// Chooses between two stored extremes.
enum Extreme {
    static func better(
        _ left: UnsafeRawBufferPointer?, _ right: UnsafeRawBufferPointer,
        _ keep: MeterDeclaration.Keep?
    ) -> UnsafeRawBufferPointer {
        guard let left else { return right }
        let isRightGreater = CellText.precedes(left, right)
        switch keep {
        case .min: return isRightGreater ? left : right
        case .first:
            // Both begin with 20 digits of time; at the same time the greater value wins.
            let (leftTime, rightTime) = (left.prefix(20), right.prefix(20))
            if leftTime.elementsEqual(rightTime) { return isRightGreater ? right : left }
            return isRightGreater ? left : right
        case .max, .last, nil: return isRightGreater ? right : left
        }
    }
}
