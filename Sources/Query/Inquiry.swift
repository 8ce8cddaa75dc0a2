internal import Ledger
internal import Metering

/// One set of a meter's cells: values for the dimensions that stand in the key.
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
    public var asOf: Int64? { snapshot.asOf }
    /// Whether everything was read at one moment.
    public var isAtomic: Bool { snapshot.isAtomic }
    /// The answer to a question of this inquiry.
    public subscript<Answer>(question: Question<Answer>) -> Answer { question.resolve(snapshot) }
}

/// Questions about one organization that are answered together.
public struct Inquiry {
    /// The organization that everything is about.
    public let organization: [UInt8]
    let engine: QueryEngine
    private(set) var plan = ReadPlan()
    /// Meters that were asked for but are not in the catalog.
    private(set) var unknownMeters: [String] = []

    init(organization: [UInt8], engine: QueryEngine) {
        self.organization = organization
        self.engine = engine
    }

    // MARK: Numbers over a range

    /// The sum over a coverage and over several scopes; a level never below 0.
    public mutating func sum(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<Int64> {
        guard let meter = meter(name) else { return Question { _ in 0 } }
        let slots = seriesSlots(meter, coverage, scopes)
        let isLevel = meter.kind == .level
        return Question { snapshot in
            let sum = slots.reduce(0) { CellText.add($0, CellText.integer(snapshot[$1])) }
            return isLevel ? max(0, sum) : sum
        }
    }

    /// The number that stands now, or was ever counted.
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
        var slots: [[ReadPlan.Slot]] = []
        for number in first..<first + Int32(range.dayCount) {
            slots.append(scopes.map { seriesSlot(meter, .day, number, $0) })
        }
        return Question { snapshot in
            slots.map { $0.reduce(0) { CellText.add($0, CellText.integer(snapshot[$1])) } }
        }
    }

    /// The least or greatest value, or the first or last one, as it stands in Redis.
    mutating func extremeText(
        _ meter: MeterDeclaration, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> Question<[UInt8]?> {
        let slots = seriesSlots(meter, coverage, scopes)
        return Question { snapshot in
            slots.compactMap { snapshot[$0] }.reduce(nil) { Extreme.better($0, $1, meter.keep) }
        }
    }

    /// The least or greatest value (times are nanoseconds since 1970); nil where nothing was counted.
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
        let keys = scopes.flatMap { scope in self.keys(meter, coverage, scope) }
        guard !keys.isEmpty else { return Question { _ in 0 } }
        let read = plan.whole(.distinct(keys))
        return Question { $0.count(read) }
    }

    // MARK: Numbers by member

    /// Sums by the values of the meter's `by` dimensions; levels never below 0, zeros left out.
    public mutating func table(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<[[[UInt8]]: Int64]> {
        guard let meter = meter(name) else { return Question { _ in [:] } }
        let reads = tableReads(meter, coverage, scopes)
        let isLevel = meter.kind == .level
        return Question { snapshot in
            var sums: [[UInt8]: Int64] = [:]
            for read in reads {
                for (field, value) in snapshot.hash(read) {
                    sums[field] = CellText.add(sums[field] ?? 0, CellText.integer(value))
                }
            }
            return Inquiry.tuples(sums.filter { isLevel ? $0.value > 0 : $0.value != 0 })
        }
    }

    /// Least or greatest values by the values of the meter's `by` dimensions.
    public mutating func extremeTable(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<[[[UInt8]]: Int64]> {
        guard let meter = meter(name) else { return Question { _ in [:] } }
        let texts = extremeTextTable(meter, coverage, scopes)
        return Question { snapshot in
            texts.resolve(snapshot).compactMapValues { CellText.shifted($0) }
        }
    }

    mutating func extremeTextTable(
        _ meter: MeterDeclaration, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> Question<[[[UInt8]]: [UInt8]]> {
        let reads = tableReads(meter, coverage, scopes)
        return Question { snapshot in
            var best: [[UInt8]: [UInt8]] = [:]
            for read in reads {
                for (field, value) in snapshot.hash(read) {
                    best[field] = Extreme.better(best[field], value, meter.keep)
                }
            }
            return Inquiry.tuples(best)
        }
    }

    /// Amounts by member, over a coverage.
    public mutating func ranking(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<[[[UInt8]]: Int64]> {
        guard let meter = meter(name) else { return Question { _ in [:] } }
        let reads = scopes.flatMap { scope in self.keys(meter, coverage, scope) }
            .map { key in plan.whole(.ranking(key)) }
        return Question { snapshot in
            var sums: [[UInt8]: Int64] = [:]
            for read in reads {
                for (member, score) in snapshot.ranking(read) {
                    sums[member] = CellText.add(sums[member] ?? 0, score)
                }
            }
            return Inquiry.tuples(sums.filter { $0.value != 0 })
        }
    }

    /// Numbers of values by their size.
    public mutating func histogram(
        _ name: String, _ coverage: Coverage, scopes: [CellScope] = [.organization]
    ) -> Question<Histogram> {
        guard let meter = meter(name) else { return Question { _ in Histogram([:]) } }
        let reads = tableReads(meter, coverage, scopes)
        return Question { snapshot in
            var counts: [Int64: Int64] = [:]
            for read in reads {
                for (field, value) in snapshot.hash(read) {
                    let step = CellText.integer(field)
                    counts[step] = CellText.add(counts[step] ?? 0, CellText.integer(value))
                }
            }
            return Histogram(counts)
        }
    }

    /// Numbers by weekday (0 = Sunday) and hour, UTC, without zeros, in that order.
    public mutating func grid(
        _ name: String, scopes: [CellScope] = [.organization]
    ) -> Question<[GridCell]> {
        guard let meter = meter(name) else { return Question { _ in [] } }
        var cells: [(weekday: Int, hour: Int, slots: [ReadPlan.Slot])] = []
        for weekday in 0..<7 {
            let keys = scopes.map { key(meter, .all, Int32(weekday), $0) }
            for hour in 0..<24 {
                let field = Array((hour < 10 ? "0\(hour)" : "\(hour)").utf8)
                cells.append((weekday, hour, keys.map { plan.field(field, of: $0) }))
            }
        }
        return Question { snapshot in
            cells.compactMap { cell in
                let count = cell.slots.reduce(0) {
                    CellText.add($0, CellText.integer(snapshot[$1]))
                }
                return count == 0
                    ? nil : GridCell(weekday: cell.weekday, hour: cell.hour, count: count)
            }
        }
    }

    /// Whether each of these windows' hashes holds anything, in their order.
    mutating func sizes(
        _ name: String, _ window: Window, _ numbers: Range<Int32>
    ) -> Question<[Int64]> {
        guard let meter = meter(name) else { return Question { _ in [] } }
        let reads = numbers.map { plan.whole(.size(key(meter, window, $0, .organization))) }
        return Question { snapshot in reads.map { snapshot.count($0) } }
    }

    // MARK: The directory

    /// Members of a profile (`organization`, `plan`, `user`, `project`); nil where it is unknown or deleted.
    public mutating func profile(
        _ kind: String, id: [UInt8]? = nil, members: [String]
    ) -> Question<Profile?> {
        let key = engine.layout.profileKey(organization: organization, kind: kind, id: id)
        let deleted = plan.field(Array("@deleted".utf8), of: key)
        let offset = plan.field(Array("@offset".utf8), of: key)
        let slots = members.map { (name: $0, slot: plan.field(Array($0.utf8), of: key)) }
        return Question { snapshot in
            guard snapshot[deleted] == nil, snapshot[offset] != nil else { return nil }
            return Profile(
                members: Dictionary(
                    slots.compactMap { entry in snapshot[entry.slot].map { (entry.name, $0) } },
                    uniquingKeysWith: { first, _ in first }))
        }
    }

    // MARK: Names

    mutating func meter(_ name: String) -> MeterDeclaration? {
        let found = engine.meter(name)
        if found == nil { unknownMeters.append(name) }
        return found
    }

    private func key(
        _ meter: MeterDeclaration, _ window: Window, _ number: Int32, _ scope: CellScope
    ) -> [UInt8] {
        engine.layout.cellKey(
            organization: organization,
            scope: scope.dimensions.map { (name: $0.name, value: $0.value) }, meter: meter.name,
            shape: meter.shape, window: window, number: number)
    }

    private func keys(
        _ meter: MeterDeclaration, _ coverage: Coverage, _ scope: CellScope
    ) -> [[UInt8]] {
        coverage.pieces.flatMap { piece in
            piece.numbers.map { key(meter, piece.window, $0, scope) }
        }
    }

    private mutating func tableReads(
        _ meter: MeterDeclaration, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> [Int] {
        let keys = scopes.flatMap { scope in self.keys(meter, coverage, scope) }
        return keys.map { key in plan.whole(.hash(key)) }
    }

    private mutating func seriesSlot(
        _ meter: MeterDeclaration, _ window: Window, _ number: Int32, _ scope: CellScope
    ) -> ReadPlan.Slot {
        plan.field(
            KeyLayout.seriesField(meter: meter.name, window: window, number: number),
            of: key(meter, window, number, scope))
    }

    private mutating func seriesSlots(
        _ meter: MeterDeclaration, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> [ReadPlan.Slot] {
        var slots: [ReadPlan.Slot] = []
        for scope in scopes {
            for piece in coverage.pieces {
                for number in piece.numbers {
                    slots.append(seriesSlot(meter, piece.window, number, scope))
                }
            }
        }
        return slots
    }

    /// The values of the tuples that fields or members stand for; a broken name is no tuple of ours.
    private static func tuples<Value>(_ fields: [[UInt8]: Value]) -> [[[UInt8]]: Value] {
        var tuples: [[[UInt8]]: Value] = [:]
        tuples.reserveCapacity(fields.count)
        for (field, value) in fields {
            if let values = KeyLayout.tupleValues(field) { tuples[values] = value }
        }
        return tuples
    }
}
