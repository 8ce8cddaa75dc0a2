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
        /// Of a histogram: how many values, and the percentiles asked for in their order.
        case percentiles(count: Int64, [Int64?])
        /// Of a ratio; nil where the number that it is divided by is 0.
        case quotient(Quotient?)
    }

    /// Values of the asked dimensions, group by group, in the order of their bytes.
    public let groups: [[[UInt8]]]
    /// How many rows there are on all pages.
    public var count: Int {
        if let member { return group(member) == nil ? 0 : 1 }
        return groups.count * buckets
    }
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
    /// The one member that is answered; nil: all.
    private let member: [[UInt8]]?
    private let percentiles: [Percentile]
    /// Of a ratio: the decimals of both numbers; else nil.
    private let scales: [Int]?
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
        percentiles = plan.ask.percentiles
        member = plan.ask.member.map { member in plan.ask.by.compactMap { member[$0] } }
        scales = plan.isRatio ? plan.sources.map(\.scale) : nil
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

    /// Whether a row's number is an estimate because more values were counted than are told apart.
    public func isEstimate(_ place: Place) -> Bool {
        !fold.distinct.isEmpty
            && fold.distinct[indices[place.group] * columns + place.bucket] == nil
    }

    /// Whether there is an estimate in a row of any page, or in what one is compared with.
    public var hasEstimates: Bool { fold.distinct.contains { $0 == nil } }

    /// What a row is compared with.
    public func compared(_ place: Place) -> Value { value(place.group, buckets + place.bucket) }

    private func value(_ group: Int, _ column: Int) -> Value {
        let index = indices[group] * columns + column
        if !fold.steps.isEmpty {
            let histogram = Histogram(fold.steps[index])
            if percentiles.isEmpty { return .steps(histogram.steps) }
            return .percentiles(
                count: histogram.count, percentiles.map { histogram.value(of: $0) })
        }
        return scales == nil ? .single(single(index)) : .quotient(quotient(index))
    }

    /// The columns of what it is divided by follow those of what is divided.
    private func quotient(_ index: Int) -> Quotient? {
        guard let scales else { return nil }
        return Quotient(
            fold.sums[index], fold.sums[index + columns / 2], numeratorScale: scales[0],
            denominatorScale: scales[1])
    }

    private func single(_ index: Int) -> MeterNumber? {
        if !stored.isEmpty { return stored[index] }
        var sum = fold.sums[index]
        if !fold.distinct.isEmpty, let values = fold.distinct[index] { sum = Int64(values.count) }
        if sum == 0, isNullWhereEmpty { return nil }
        return .integer(isClamped ? max(0, sum) : sum)
    }

    // MARK: Ranks

    /// What the rows are together, and where those of a page are among them.
    public struct Ranks {
        /// The sum of the values of all rows.
        public let total: Int64
        /// The sum of those that are not on the page.
        public let rest: Int64
        /// Of each row of the page one more than there are rows with greater values; nil where it
        /// has no value.
        public let ranks: [Int?]
    }

    /// The ranks of a page of rows of one bucket; O(n log n) for n rows on all pages.
    public func ranks(_ page: [Place]) -> Ranks {
        func number(_ group: Int) -> Int64? {
            if case .integer(let value) = single(indices[group] * columns) { value } else { nil }
        }
        let values = groups.indices.compactMap(number).sorted(by: >)
        let shown = page.map { number($0.group) }
        let total = values.reduce(0, CellText.add)
        return Ranks(
            total: total, rest: shown.reduce(total) { CellText.subtract($0, $1 ?? 0) },
            ranks: shown.map { value in
                guard let value else { return nil }
                var (low, high) = (0, values.count)
                while low < high {
                    let middle = (low + high) / 2
                    if values[middle] > value { low = middle + 1 } else { high = middle }
                }
                return low + 1
            })
    }

    private func group(_ member: [[UInt8]]) -> Int? { groups.firstIndex(of: member) }

    // MARK: Order

    /// The rows of one page.
    public func page(offset: Int, limit: Int) -> [Place] {
        if let member { return group(member).map { [Place(group: $0, bucket: 0)] } ?? [] }
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
        scales == nil
            ? sorted(single, equal: { $0 == $1 }, precedes: { $0.precedes($1) })
            : sorted(quotient, equal: { $0.equals($1) }, precedes: { $0.precedes($1) })
    }

    private func sorted<Number>(
        _ number: (Int) -> Number?, equal: (Number, Number) -> Bool,
        precedes: (Number, Number) -> Bool
    ) -> [Place] {
        var places: [(place: Place, value: Number?)] = []
        places.reserveCapacity(count)
        for group in groups.indices {
            for bucket in 0..<buckets {
                let index = indices[group] * columns + bucket
                places.append((Place(group: group, bucket: bucket), number(index)))
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
                if equal(first, second) { return left.offset < right.offset }
                return isDescending ? precedes(second, first) : precedes(first, second)
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
