internal import Ledger
internal import Metering

/// One set of a meter's cells: the values of the dimensions that are part of the key.
public struct CellScope: Sendable, Hashable {
    /// A dimension and its value.
    public struct Dimension: Sendable, Hashable {
        /// Name in the catalog.
        public var name: String
        /// Value, any bytes.
        public var value: [UInt8]
    }
    /// Dimensions in the catalog's order.
    public var dimensions: [Dimension]

    /// The cells kept for the whole organization.
    public static let organization = CellScope([])

    /// A scope of these dimensions.
    public init(_ dimensions: [(name: String, value: [UInt8])]) {
        self.dimensions = dimensions.map { Dimension(name: $0.name, value: $0.value) }
    }
}

/// One question within an inquiry; `Answers` has its answer.
public struct Question<Answer> {
    let resolve: (CellSnapshot) -> Answer

    init(_ resolve: @escaping (CellSnapshot) -> Answer) { self.resolve = resolve }
}

/// The answers to all questions of one inquiry, of one moment where `isAtomic`.
public struct Answers {
    let snapshot: CellSnapshot
    /// Record time (ms) of the newest record counted; nil before the first.
    public var asOfMilliseconds: Int64? { snapshot.asOfMilliseconds }
    /// Whether everything was read at one moment.
    public var isAtomic: Bool { snapshot.isAtomic }
    /// Cells of the answers of which something is parked.
    public var parked: Int { snapshot.parked }
    /// How far the levels in these answers are below zero, added up: removals of what was never
    /// added.
    public var orphans: Int64 { belowZero.amount }
    let belowZero: BelowZero
    /// What several answers say of themselves, without their numbers.
    public static func summary(of answers: [Answers]) -> Answers {
        Answers(snapshot: .summary(of: answers.map(\.snapshot)), belowZero: BelowZero())
    }
    /// The answer to a question of this inquiry.
    public subscript<Answer>(question: Question<Answer>) -> Answer { question.resolve(snapshot) }
}

/// Questions about one organization that are answered together.
public struct Inquiry {
    /// The organization that is asked about.
    public let organization: [UInt8]
    let engine: QueryEngine
    var names: OrganizationNames
    var plan = ReadPlan()
    /// Meters that were asked for but are not in the catalog.
    private(set) var unknownMeters: [String] = []
    let belowZero = BelowZero()

    init(organization: [UInt8], engine: QueryEngine) {
        self.organization = organization
        self.engine = engine
        names = OrganizationNames(engine.layout, organization)
    }

    // MARK: Numbers over a range

    /// The sum over a coverage and over several scopes; that of a level is at least 0.
    public mutating func sum(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<Int64> {
        guard let meter = meter(name) else { return Question { _ in 0 } }
        let parts = series(meter, coverage.pieces, scopes)
        let isClamped = meter.isClampedAtZero
        let orphans = orphanEntry(of: meter, coverage)
        return Question { snapshot in
            var sum: Int64 = 0
            snapshot.forEachWindow(parts) { sum = CellText.add(sum, CellText.integer($1)) }
            orphans?.note(CollectionOfOne(sum))
            return isClamped ? max(0, sum) : sum
        }
    }

    /// The entry for the orphans of a question; nil where a sum below zero says nothing about them.
    ///
    /// It does for all of time, and for a meter that books changes at the time of creation. A
    /// level's sum over another window is only its change in that window. Meters whose negative
    /// sums are shown as they are have no orphans.
    private func orphanEntry(
        of meter: KnownMeter, _ coverage: Coverage
    ) -> BelowZero.Entry? {
        guard meter.isClampedAtZero else { return nil }
        let isBookedAtCreation = meter.declaration.clauses.contains { $0.time != nil }
        return coverage == .allTime || isBookedAtCreation ? belowZero.newEntry() : nil
    }

    /// The sum over all of time: what a level is now, or what was ever counted.
    public mutating func total(
        _ name: String, scopes: [CellScope] = [.organization]
    ) -> Question<Int64> {
        sum(name, .allTime, scopes: scopes)
    }

    /// One number for each UTC day of a range of whole days, oldest first.
    public mutating func days(
        _ name: String, _ range: TimeRange, scopes: [CellScope] = [.organization]
    ) -> Question<[Int64]> {
        guard let meter = meter(name) else { return Question { _ in [] } }
        let first = Window.day.number(ofSecond: range.start)
        let count = Int(range.dayCount)
        let piece = Coverage.Piece(window: .day, numbers: first..<first + Int32(count))
        let parts = series(meter, [piece], scopes)
        return Question { snapshot in
            var days = [Int64](repeating: 0, count: count)
            snapshot.forEachWindow(parts) { number, value in
                let day = Int(number - first)
                days[day] = CellText.add(days[day], CellText.integer(value))
            }
            return days
        }
    }

    /// The least or greatest value, or the first or last one, as Redis has it.
    mutating func extremeText(
        _ meter: KnownMeter, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> Question<[UInt8]?> {
        let parts = series(meter, coverage.pieces, scopes)
        return Question { snapshot in
            var best: UnsafeRawBufferPointer?
            snapshot.forEachWindow(parts) { best = Extreme.better(best, $1, meter.keep) }
            return best.map { [UInt8]($0) }
        }
    }

    /// The least or greatest value; nil where nothing was counted.
    ///
    /// A time is in nanoseconds since 1970.
    public mutating func extreme(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<Int64?> {
        guard let meter = meter(name) else { return Question { _ in nil } }
        let text = extremeText(meter, coverage, scopes)
        return Question { snapshot in text.resolve(snapshot).flatMap { CellText.shifted($0) } }
    }

    /// How many different values over a coverage and several scopes (standard error 0.81 %).
    public mutating func distinct(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<Int64> {
        guard let meter = meter(name) else { return Question { _ in 0 } }
        let keys = keys(meter, coverage, scopes)
        guard !keys.isEmpty else { return Question { _ in 0 } }
        let read = plan.whole(.distinct(keys))
        return Question { $0.count(read) }
    }

    // MARK: Numbers by member

    /// Sums by the values of the meter's `by` dimensions, without zeros; those of levels are at
    /// least 0.
    public mutating func table(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<Breakdown> {
        guard let meter = meter(name) else { return Question { _ in Breakdown() } }
        let entries = tableReads(meter, coverage, scopes)
        let orphans = orphanEntry(of: meter, coverage)
        let isClamped = meter.isClampedAtZero
        return Question { snapshot in
            let sums = Inquiry.sums(snapshot, entries) { CellText.integer($0) }
            orphans?.note(sums.entries.lazy.map(\.value))
            return Breakdown(sums.tuples { (isClamped ? $0 > 0 : $0 != 0) ? $0 : nil })
        }
    }

    /// The entries of a meter's tables as Redis has them, for a question that joins several meters.
    mutating func tableEntries(_ name: String, _ coverage: Coverage) -> TableEntries {
        guard let meter = meter(name) else {
            return TableEntries(reads: [], keep: nil, head: [])
        }
        return tableReads(meter, coverage, [.organization])
    }

    mutating func extremeTextTable(
        _ meter: KnownMeter, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> Question<[[[UInt8]]: [UInt8]]> {
        let entries = tableReads(meter, coverage, scopes)
        return Question { snapshot in
            Inquiry.extremes(snapshot, entries).tuples { $0.map { [UInt8]($0) } }
        }
    }

    /// Amounts by member, over a coverage.
    public mutating func ranking(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<Breakdown> {
        guard let meter = meter(name) else { return Question { _ in Breakdown() } }
        let keys = keys(meter, coverage, scopes)
        guard let first = keys.first else { return Question { _ in Breakdown() } }
        let read = plan.whole(keys.count == 1 ? .ranking(first) : .rankingSum(keys))
        let entries = TableEntries(reads: [read], keep: nil, head: [])
        return Question { snapshot in
            let sums = Inquiry.sums(snapshot, entries) { CellSnapshot.score($0) }
            return Breakdown(sums.tuples { $0 != 0 ? $0 : nil })
        }
    }

    /// How many values there are of each size.
    public mutating func histogram(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<Histogram> {
        guard let meter = meter(name) else { return Question { _ in Histogram([:]) } }
        let entries = tableReads(meter, coverage, scopes)
        return Question { snapshot in
            var counts: [Int64: Int64] = [:]
            entries.forEach(snapshot) { member, value in
                let step = CellText.integer(member)
                counts[step] = CellText.add(counts[step] ?? 0, CellText.integer(value))
            }
            return Histogram(counts)
        }
    }

    /// Numbers by weekday (0 = Sunday) and hour, UTC, without zeros, in that order.
    public mutating func grid(
        _ name: String, scopes: [CellScope] = [.organization]
    ) -> Question<[GridCell]> {
        guard let meter = meter(name) else { return Question { _ in [] } }
        var days: [[Int]] = []
        for weekday in Int32(0)..<7 {
            let keys = scopes.map { names.cellKey(scope: $0.text, meter, .all, weekday) }
            days.append(keys.map { plan.whole(.bucket($0, most: 24)) })
        }
        return Question { snapshot in
            var counts = [Int64](repeating: 0, count: 7 * 24)
            for (weekday, reads) in days.enumerated() {
                for read in reads {
                    snapshot.forEachPair(read) { member, value in
                        guard member.count == 2, let hour = IntegerText.value(member),
                            (0..<24).contains(hour)
                        else { return }
                        let cell = weekday * 24 + Int(hour)
                        counts[cell] = CellText.add(counts[cell], CellText.integer(value))
                    }
                }
            }
            return counts.indices.compactMap { cell in
                counts[cell] == 0
                    ? nil
                    : GridCell(weekday: cell / 24, hour: cell % 24, count: counts[cell])
            }
        }
    }

    /// How many members the hash of each of these windows has, in their order.
    mutating func sizes(
        _ name: String, _ window: Window, _ numbers: Range<Int32>
    ) -> Question<[Int64]> {
        guard let meter = meter(name) else { return Question { _ in [] } }
        let reads = numbers.map { plan.whole(.size(names.cellKey(scope: [], meter, window, $0))) }
        return Question { snapshot in reads.map { snapshot.count($0) } }
    }

    // MARK: The directory

    /// Members of a profile: of an `organization`, `plan`, `user` or `project`.
    ///
    /// The answer is nil where the profile is unknown or deleted.
    public mutating func profile(
        _ kind: String, id: [UInt8]? = nil, members: ProfileMembers
    ) -> Question<Profile?> {
        let slots = plan.members(members.hashMembers, of: names.profileKey(kind: kind, id: id))
        return Question { Profile(members, slots, $0) }
    }

    // MARK: Names

    mutating func meter(_ name: String) -> KnownMeter? {
        let found = engine.meter(name)
        if found == nil { unknownMeters.append(name) }
        return found
    }

    private func keys(
        _ meter: KnownMeter, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> [[UInt8]] {
        if scopes.count == 1 { return keys(meter, coverage, scope: scopes[0].text) }
        return scopes.flatMap { keys(meter, coverage, scope: $0.text) }
    }

    func keys(
        _ meter: KnownMeter, _ coverage: Coverage, scope: [UInt8]
    ) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        keys.reserveCapacity(coverage.pieces.reduce(0) { $0 + $1.numbers.count })
        for piece in coverage.pieces {
            for number in piece.numbers {
                keys.append(names.cellKey(scope: scope, meter, piece.window, number))
            }
        }
        return keys
    }

    private mutating func tableReads(
        _ meter: KnownMeter, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> TableEntries {
        TableEntries(
            reads: keys(meter, coverage, scopes).map { key in plan.whole(.hash(key)) },
            keep: meter.keep, head: meter.head)
    }

    // MARK: Values by name

    private static func sums(
        _ snapshot: CellSnapshot, _ entries: TableEntries,
        _ number: (UnsafeRawBufferPointer) -> Int64
    ) -> NamedValues<Int64> {
        var sums = NamedValues<Int64>()
        entries.forEach(snapshot) { name, value in
            let value = number(value)
            sums.update(name, initial: 0) { $0 = CellText.add($0, value) }
        }
        return sums
    }

    private static func extremes(
        _ snapshot: CellSnapshot, _ entries: TableEntries
    ) -> NamedValues<UnsafeRawBufferPointer?> {
        var best = NamedValues<UnsafeRawBufferPointer?>()
        entries.forEach(snapshot) { name, value in
            best.update(name, initial: nil) { $0 = Extreme.better($0, value, entries.keep) }
        }
        return best
    }
}

extension CellScope {
    var text: [UInt8] {
        OrganizationNames.scopeText(dimensions.map { (name: $0.name, value: $0.value) })
    }
}

extension OrganizationNames {
    func cellKey(
        scope: [UInt8], _ meter: KnownMeter, _ window: Window, _ number: Int32
    ) -> [UInt8] {
        cellKey(
            scope: scope, meter: meter.keyName, isFamily: meter.isFamily, shape: meter.shape,
            window: window, number: number)
    }
}
