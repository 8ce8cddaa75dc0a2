internal import Ledger
internal import Metering

/// Adds cells up by group and column; a column is one bucket, or what it is compared with.
///
/// A class, because the closures that read answers change it.
final class GroupFold {
    /// The most numbers of one answer: 16 MB of them.
    static let mostNumbers = 2_000_000

    let columns: Int
    private(set) var groups: [[[UInt8]]] = []
    private(set) var sums: [Int64] = []
    private(set) var extremes: [UnsafeRawBufferPointer?] = []
    private(set) var steps: [[Int64: Int64]] = []
    /// Different values; nil where there are some that are not told apart.
    ///
    /// `sums` has an estimate then.
    private(set) var distinct: [Set<[UInt8]>?] = []
    /// Whether there are more numbers than one answer has; those beyond it are left out.
    private(set) var isTooLarge = false
    /// Whether members beyond a meter's limit are in it, which are not told apart.
    private(set) var hasOthers = false
    private var indices: [[[UInt8]]: Int] = [:]
    private let kind: Kind
    private let subjectAt: Int?
    /// Whose cells are added, where rows tell organizations apart.
    private var subject: [UInt8] = []
    /// Unions of distinct values over several shards, by number.
    private var sketches: [Int: DistinctSketch] = [:]

    /// What is kept of a group's column.
    enum Kind {
        case sum
        case extreme(MeterDeclaration.Keep?)
        case steps
        case unique
    }

    init(_ plan: QuestionPlan) {
        // Of a ratio both numbers.
        columns = (plan.coverages.count + plan.comparedCoverages.count) * (plan.isRatio ? 2 : 1)
        subjectAt = plan.subjectAt
        switch plan.known.form {
        case _ where plan.isUnique: kind = .unique
        case .sum, .table, .ranking, .distinct, .grid: kind = .sum
        case .extreme, .extremeTable: kind = .extreme(plan.known.keep)
        case .histogram: kind = .steps
        }
    }

    /// Says whose cells come next.
    func setSubject(_ organization: [UInt8]) { subject = organization }

    /// The number of a group; −1 where there are too many.
    func group(_ own: [[UInt8]]) -> Int {
        var values = own
        if let subjectAt { values.insert(subject, at: subjectAt) }
        if let known = indices[values] { return known }
        guard (groups.count + 1) * columns <= GroupFold.mostNumbers else {
            isTooLarge = true
            return -1
        }
        indices[values] = groups.count
        groups.append(values)
        switch kind {
        case .sum: sums.append(contentsOf: repeatElement(0, count: columns))
        case .extreme: extremes.append(contentsOf: repeatElement(nil, count: columns))
        case .steps: steps.append(contentsOf: repeatElement([:], count: columns))
        case .unique:
            sums.append(contentsOf: repeatElement(0, count: columns))
            distinct.append(contentsOf: repeatElement([], count: columns))
        }
        return groups.count - 1
    }

    func add(_ number: Int64, _ group: Int, _ column: Int) {
        let index = group * columns + column
        sums[index] = CellText.add(sums[index], number)
    }

    /// Adds values to those that are counted once.
    func merge(_ sketch: DistinctSketch, _ group: Int, _ column: Int) {
        sketches[group * columns + column, default: DistinctSketch()].merge(sketch)
    }

    /// Counts what `merge` has added up.
    func countSketches() {
        for (index, sketch) in sketches { sums[index] = sketch.count }
        sketches = [:]
    }

    func keep(_ text: UnsafeRawBufferPointer, _ group: Int, _ column: Int) {
        guard case .extreme(let keep) = kind else { return }
        let index = group * columns + column
        extremes[index] = Extreme.better(extremes[index], text, keep)
    }

    func add(step: Int64, _ number: Int64, _ group: Int, _ column: Int) {
        let index = group * columns + column
        steps[index][step] = CellText.add(steps[index][step] ?? 0, number)
    }

    /// Adds a member of a table with one dimension, as it is in Redis.
    func insert(_ member: UnsafeRawBufferPointer, _ group: Int, _ column: Int) {
        let index = group * columns + column
        if member.elementsEqual(Most.other.utf8) {
            distinct[index] = nil
        } else {
            distinct[index]?.insert([UInt8](member))
        }
    }

    /// The group of a member in Redis; −1 where a filter leaves it out or its name is no tuple.
    func group(
        ofMember name: UnsafeRawBufferPointer, _ choice: ScopeChoice, _ part: ScopeChoice.Part
    ) -> Int {
        guard let members = KeyLayout.tupleValues(name) else { return -1 }
        for filter in choice.filters {
            guard filter.position < members.count, filter.admits(members[filter.position]) else {
                return -1
            }
        }
        var values: [[UInt8]] = []
        for (position, value) in zip(choice.positions, part.values) {
            if let value {
                values.append(value)
            } else if let position, position < members.count {
                values.append(members[position])
            } else {
                return -1
            }
        }
        if choice.readsMembers, members.contains(where: { $0.elementsEqual("__other__".utf8) }) {
            hasOthers = true
        }
        return group(values)
    }

    /// Makes the groups that an answer has even where nothing was counted: those that the question
    /// names.
    func begin(_ plan: QuestionPlan) { plan.sources.forEach { begin($0.choice) } }

    private func begin(_ choice: ScopeChoice) {
        guard choice.positions.allSatisfy({ $0 == nil }) else { return }
        if choice.positions.isEmpty {
            _ = group([])
        } else {
            for part in choice.parts { _ = group(part.values.compactMap { $0 }) }
        }
    }
}

/// The windows of one length that a question reads, and the columns that they are in.
struct WindowColumns {
    /// Ascending, without overlap.
    private var ranges: [(numbers: Range<Int32>, column: Int)] = []
    private var last = 0

    mutating func append(_ numbers: Range<Int32>, column: Int) {
        ranges.append((numbers, column))
    }

    /// The windows, neighbours joined.
    var joined: [Range<Int32>] {
        var joined: [Range<Int32>] = []
        for (numbers, _) in ranges {
            if let before = joined.last, before.upperBound == numbers.lowerBound {
                joined[joined.count - 1] = before.lowerBound..<numbers.upperBound
            } else {
                joined.append(numbers)
            }
        }
        return joined
    }

    /// The column of a window; quick where windows are asked for one after the other.
    mutating func column(_ number: Int32) -> Int? {
        if ranges[last].numbers.contains(number) { return ranges[last].column }
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].numbers.upperBound <= number {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < ranges.count, ranges[low].numbers.contains(number) else { return nil }
        last = low
        return ranges[low].column
    }
}
