internal import Metering

/// The rows of one answer: a value for each group and bucket.
public struct QuestionRows {
    /// Where a row is.
    public struct Place: Sendable, Hashable {
        /// Index of its group.
        public var group: Int
        /// Index of its bucket.
        public var bucket: Int
    }
    /// What a row shows.
    public enum Value {
        /// A number, a time or a text; nil where nothing was counted.
        case single(MeterNumber?)
        /// Of a histogram: how many values of each size.
        case steps([Histogram.Step])
    }

    /// Values of the asked dimensions, group by group, in the order of their bytes.
    public let groups: [[[UInt8]]]
    /// How many rows there are on all pages.
    public var count: Int { groups.count * buckets }
    /// Whether the answer would have more rows than one answer can have.
    public let isTooLarge: Bool
    /// Whether members beyond a meter's limit are counted together in one of the rows.
    public let hasOthers: Bool
    private let buckets: Int
    private let columns: Int
    private let order: MeterAsk.Order
    private let isNullWhereEmpty: Bool
    /// The fold's numbers of the groups.
    private let indices: [Int]
    private let fold: GroupFold
    private let isClamped: Bool
    /// Of extremes: the fold's values, read while Redis' answers are there.
    private let stored: [MeterNumber?]

    /// The most rows of one answer, on all pages.
    public static let most = 500_000

    /// Rows of what was added up; Redis' answers must still be there.
    init(_ plan: QuestionPlan, _ fold: GroupFold) {
        buckets = plan.buckets.count
        columns = fold.columns
        order = plan.order
        isNullWhereEmpty = plan.ask.fill == .null
        self.fold = fold
        hasOthers = fold.hasOthers
        // Only what holds now is a level; a range has its change, which may be below zero.
        isClamped = plan.range == nil && plan.known.isClampedAtZero
        fold.countSketches()
        let isNamed = plan.isNamed
        let kept = fold.groups.indices.filter { isNamed || QuestionRows.hasNumbers(fold, $0) }
        indices = kept.sorted { RankingOrder.precedes(fold.groups[$0], fold.groups[$1]) }
        groups = indices.map { fold.groups[$0] }
        let (kind, keep) = (plan.meter.valueKind, plan.known.keep)
        stored = fold.extremes.map { text in text.flatMap { kind.number([UInt8]($0), keep) } }
        isTooLarge = fold.isTooLarge || groups.count * buckets > QuestionRows.most
    }

    /// Whether a group has a number other than 0: members at 0 are not told from absent ones.
    private static func hasNumbers(_ fold: GroupFold, _ group: Int) -> Bool {
        let range = group * fold.columns..<(group + 1) * fold.columns
        if !fold.sums.isEmpty { return fold.sums[range].contains { $0 != 0 } }
        if !fold.extremes.isEmpty { return fold.extremes[range].contains { $0 != nil } }
        return true
    }

    // MARK: Values

    /// The value of a row.
    public func value(_ place: Place) -> Value { value(place.group, place.bucket) }

    /// What a row is compared with.
    public func compared(_ place: Place) -> Value { value(place.group, buckets + place.bucket) }

    private func value(_ group: Int, _ column: Int) -> Value {
        let index = indices[group] * columns + column
        if !fold.steps.isEmpty { return .steps(Histogram(fold.steps[index]).steps) }
        return .single(single(index))
    }

    private func single(_ index: Int) -> MeterNumber? {
        if !stored.isEmpty { return stored[index] }
        let sum = fold.sums[index]
        if sum == 0, isNullWhereEmpty { return nil }
        return .integer(isClamped ? max(0, sum) : sum)
    }

    // MARK: Order

    /// The rows of one page.
    public func page(offset: Int, limit: Int) -> [Place] {
        let range = min(offset, count)..<min(offset + limit, count)
        switch order {
        case .time:
            return range.map { Place(group: $0 % groups.count, bucket: $0 / groups.count) }
        case .timeDescending:
            return range.map {
                Place(group: $0 % groups.count, bucket: buckets - 1 - $0 / groups.count)
            }
        case .name: return range.map { Place(group: $0 / buckets, bucket: $0 % buckets) }
        case .value, .valueDescending:
            return Array(sortedByValue[range])
        }
    }

    private var sortedByValue: [Place] {
        var places: [(place: Place, value: MeterNumber?)] = []
        places.reserveCapacity(count)
        for group in groups.indices {
            for bucket in 0..<buckets {
                let index = indices[group] * columns + bucket
                places.append((Place(group: group, bucket: bucket), single(index)))
            }
        }
        let isDescending = order == .valueDescending
        // Groups and buckets ascend already, and decide between equal values.
        let sorted = places.enumerated().sorted { left, right in
            switch (left.element.value, right.element.value) {
            case (nil, nil): return left.offset < right.offset
            case (nil, _): return false
            case (_, nil): return true
            case (let first?, let second?):
                if first == second { return left.offset < right.offset }
                return isDescending ? second.precedes(first) : first.precedes(second)
            }
        }
        return sorted.map(\.element.place)
    }
}

extension MeterNumber {
    /// Numbers and times by size, texts by their bytes.
    fileprivate func precedes(_ other: MeterNumber) -> Bool {
        switch (self, other) {
        case (.integer(let left), .integer(let right)), (.time(let left), .time(let right)):
            left < right
        case (.text(let left), .text(let right)): left.lexicographicallyPrecedes(right)
        default: false
        }
    }
}
