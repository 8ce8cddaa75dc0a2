internal import Ledger
internal import Metering
internal import Zones

/// What a question reads and which stretches of time its answer has; made without Redis.
public struct QuestionPlan: Sendable {
    /// An edge of the range that was moved, because it is inside a cell.
    public struct Clip: Sendable, Hashable {
        /// Whether it is the start, else the end.
        public var isStart: Bool
        /// The second asked for.
        public var asked: Int64
        /// The second that is the edge of the answer.
        public var answered: Int64
    }

    /// The question.
    public let ask: MeterAsk
    /// The meter.
    public let meter: MeterSummary
    /// The buckets, oldest first; one with all of time where `range` is nil.
    public let buckets: [Bucket]
    /// For each bucket what it is compared with; an empty range where clocks leave that out.
    ///
    /// Empty where nothing is compared.
    public let compared: [TimeRange]
    /// What is really answered; nil: all of time.
    public let range: TimeRange?
    /// Edges that were moved.
    public let clips: [Clip]
    /// Whose cells are read.
    let owners: SubjectChoice
    /// The meters whose cells are read; those of a derived meter in its order.
    let sources: [Source]
    let coverages: [Coverage]
    let comparedCoverages: [Coverage]

    /// A meter whose cells a question reads, and which sets of them.
    struct Source {
        let known: KnownMeter
        let choice: ScopeChoice
        /// Decimals of its numbers.
        let scale: Int
    }

    /// The only meter, or the first one of a derived meter.
    var known: KnownMeter { sources[0].known }

    /// The order of the rows.
    public var order: MeterAsk.Order {
        if let order = ask.order { return order }
        // Steps of a histogram have no order.
        let hasValues = known.form != .histogram
        return ask.step == .none && !ask.by.isEmpty && hasValues ? .valueDescending : .time
    }

    /// The most buckets of one answer.
    public static let mostBuckets = 2_000
    /// The most cells, or tables of them, that the questions of one request read.
    ///
    /// A year of quarter-hours is 35,040. It bounds the plan's memory before its keys are written.
    public static let mostCells = 500_000

    /// Where the organization is among the dimensions of the rows; nil: it is none of them.
    var subjectAt: Int? { owners.place }
    /// Whether the question itself names all groups, so that they are there without any number.
    var isNamed: Bool {
        !owners.areListed
            && sources.allSatisfy { $0.choice.positions.allSatisfy { $0 == nil } }
    }
    /// Whether one value may be in several sketches that are not in one shard.
    var mergesSketches: Bool {
        sources.contains { $0.known.form == .distinct } && ask.subjects != .own
            && subjectAt == nil
    }

    /// How many cells, or tables of them, the answer needs; of organizations that must be listed
    /// first: for one of them.
    public var cells: Int { cellsOfOwner * owners.count }

    /// How many cells, or tables of them, are read of one organization.
    var cellsOfOwner: Int {
        let perPart = (coverages + comparedCoverages).reduce(0) { sum, coverage in
            sum + coverage.pieces.reduce(0) { $0 + $1.numbers.count }
        }
        return perPart * sources.reduce(0) { $0 + $1.choice.parts.count }
    }
}

extension QuestionPlan {
    /// Refuses questions that need more cells than one request may read.
    public static func check(cells: Int) throws(QuestionError) {
        guard cells > mostCells else { return }
        throw QuestionError(
            "the answer would need \(cells) cells, at most \(mostCells) are read at a time: ask for "
                + "less time, a longer window, UTC or fewer values")
    }
}

extension QuestionPlan {
    /// The most unions of distinct values that are made here: 16 KB each.
    static let mostSketches = 2_000
    /// The most of them that are kept apart by shard while the others are read.
    static let mostSketchesByShard = 10_000

    /// Refuses more unions of distinct values than there is memory for.
    fileprivate func checkSketches() throws(QuestionError) {
        guard mergesSketches else { return }
        let groups = Set(sources[0].choice.parts.map { $0.values.compactMap { $0 } }).count
        let count = groups * (coverages.count + comparedCoverages.count)
        let most = min(QuestionPlan.mostSketches, QuestionPlan.mostSketchesByShard / owners.count)
        guard count > most else { return }
        throw QuestionError(
            "the answer would need \(count) unions of distinct values over \(owners.count) shards "
                + "or organizations, at most \(most) are made: ask for fewer windows or values")
    }
}

extension QueryEngine {
    /// The plan of a question; throws where it cannot be answered from the cells that are kept.
    ///
    /// The catalog must have the meter.
    public func plan(_ ask: MeterAsk) throws(QuestionError) -> QuestionPlan {
        guard let summary = summary(ask.meter) else {
            throw QuestionError("there is no meter \(ask.meter)")
        }
        let (sources, owners) = try sources(of: ask, summary)
        let isUndated = ask.from == nil && ask.to == nil
        if isUndated, ask.step == .none, ask.compare == nil,
            sources.allSatisfy({ $0.known.declaration.windows.contains(.all) })
        {
            let bucket = Bucket(start: .min, end: .max, local: 0, wholeStart: .min, wholeEnd: .max)
            return QuestionPlan(
                ask: ask, meter: summary, buckets: [bucket], compared: [], range: nil, clips: [],
                owners: owners, sources: sources, coverages: [.allTime], comparedCoverages: [])
        }
        let kept = Coverage.Kept.shared(sources.map(\.known.kept))
        let name = QuestionPlan.name(ask, sources)
        guard !kept.isEmpty else {
            throw QuestionError(
                "\(name) keeps only the window all: ask without from, to, window and compare, "
                    + "or add day or quarter to its windows in the catalog")
        }
        var builder = PlanBuilder(ask, name, kept, nowSeconds: clock.seconds)
        try builder.cover()
        if ask.compare != nil { try builder.compare() }
        let plan = QuestionPlan(
            ask: ask, meter: summary, buckets: builder.buckets, compared: builder.compared,
            range: builder.range, clips: builder.clips, owners: owners, sources: sources,
            coverages: builder.coverages, comparedCoverages: builder.comparedCoverages)
        try QuestionPlan.check(cells: plan.cells)
        try plan.checkSketches()
        return plan
    }
}

/// Finds buckets, cells and edges of one question.
private struct PlanBuilder {
    let ask: MeterAsk
    /// What refusals call the meter.
    let name: String
    let calendar: ZoneCalendar
    let cells: CellCover
    let nowSeconds: Int64
    var buckets: [Bucket] = []
    var coverages: [Coverage] = []
    var compared: [TimeRange] = []
    var comparedCoverages: [Coverage] = []
    var clips: [QuestionPlan.Clip] = []
    var range: TimeRange?

    init(_ ask: MeterAsk, _ name: String, _ kept: [Coverage.Kept], nowSeconds: Int64) {
        self.ask = ask
        self.name = name
        self.nowSeconds = nowSeconds
        calendar = ZoneCalendar(zone: ask.zone, step: ask.step)
        cells = CellCover(kept, nowSeconds: nowSeconds)
    }

    /// The range that is asked for, or the default.
    private func asked() throws(QuestionError) -> TimeRange {
        let end: Int64
        if let to = ask.to {
            end = to
        } else if ask.step == .none {
            end = max(cells.endOfNow, (ask.from ?? 0) + 1)
        } else {
            end = calendar.end(at: max(nowSeconds, ask.from ?? nowSeconds))
        }
        let start = ask.from ?? calendar.start(at: end - ask.step.defaultSeconds)
        guard start < end else { throw QuestionError("from is not before to") }
        guard end - start <= 400 * 366 * TimeRange.secondsPerDay else {
            throw QuestionError("from and to are more than 400 years apart")
        }
        if ask.from == nil, ask.step == .none {
            // A default begins at an edge of a cell, so that nothing is clipped.
            let day = Metering.floorDivide(start, TimeRange.secondsPerDay)
            return TimeRange(start: day * TimeRange.secondsPerDay, end: end)
        }
        return TimeRange(start: start, end: end)
    }

    mutating func cover() throws(QuestionError) {
        let wanted = try asked()
        buckets = try calendar.buckets(wanted, most: ask.mostBuckets)
        moveEdgesBetweenCells()
        try coverFirst(wanted)
        try coverLast(wanted)
        guard let first = buckets.first, let last = buckets.last, first.start < last.end else {
            throw QuestionError(
                "the range is shorter than the cells of \(name): "
                    + cells.reason(wanted, meter: name))
        }
        range = TimeRange(start: first.start, end: last.end)
        for bucket in buckets {
            coverages.append(try coverage(TimeRange(start: bucket.start, end: bucket.end)))
        }
    }

    private func coverage(_ range: TimeRange, _ what: String = "") throws(QuestionError) -> Coverage
    {
        let (pieces, holes) = cells.cover(range)
        if let hole = holes.first {
            throw QuestionError(what + cells.reason(hole, meter: name))
        }
        return Coverage(range: range, pieces: pieces)
    }

    /// Where clocks change inside a quarter-hour and no minutes are kept, that quarter-hour counts
    /// to the bucket in which it begins; both buckets say so.
    private mutating func moveEdgesBetweenCells() {
        for index in buckets.indices.dropFirst() {
            let edge = buckets[index].start
            guard edge % 900 != 0, ask.step != .minute, !cells.hasMinutes(at: edge) else {
                continue
            }
            let moved = min((Metering.floorDivide(edge, 900) + 1) * 900, buckets[index].end)
            buckets[index - 1].end = moved
            buckets[index].start = moved
            buckets[index - 1].isExact = false
            buckets[index].isExact = false
        }
    }

    /// Moves the start on to the first edge of a cell, where it is no edge itself.
    private mutating func coverFirst(_ wanted: TimeRange) throws(QuestionError) {
        guard let first = buckets.first else { return }
        let holes = cells.cover(TimeRange(start: first.start, end: first.end)).holes
        guard let hole = holes.first, hole.start == first.start else { return }
        if hole.end < first.end {
            buckets[0].start = hole.end
        } else if first.isPartial, buckets.count > 1 {
            buckets.removeFirst()
        } else {
            return
        }
        clips.append(.init(isStart: true, asked: wanted.start, answered: buckets[0].start))
    }

    /// Moves the end: on to the end of a cell that is not over yet, else back to an edge.
    private mutating func coverLast(_ wanted: TimeRange) throws(QuestionError) {
        guard let last = buckets.last else { return }
        let index = buckets.count - 1
        let holes = cells.cover(TimeRange(start: last.start, end: last.end)).holes
        guard let hole = holes.last, hole.end == last.end else { return }
        if let end = cells.openEnd(at: last.end - 1), end > last.end,
            end <= last.wholeEnd
                || ask.step == .none,
            cells.cover(TimeRange(start: last.start, end: end)).holes.isEmpty
        {
            buckets[index].end = end
        } else if hole.start > last.start {
            buckets[index].end = hole.start
        } else if last.isPartial, buckets.count > 1 {
            buckets.removeLast()
        } else {
            return
        }
        guard let end = buckets.last?.end else { return }
        clips.append(.init(isStart: false, asked: wanted.end, answered: end))
    }

    // MARK: Comparison

    mutating func compare() throws(QuestionError) {
        guard let range else { return }
        let shift = LocalShift(ask, range)
        var edge = shift.moved(range.start)
        for bucket in buckets {
            // Where clocks are put back local times do not ascend; then nothing is left to compare.
            let end = max(edge, shift.moved(bucket.end))
            compared.append(TimeRange(start: edge, end: end))
            comparedCoverages.append(
                try coverage(TimeRange(start: edge, end: end), "compare: "))
            edge = end
        }
    }
}

/// Moves times back by the clocks of a zone.
private struct LocalShift {
    private enum Length {
        case seconds(Int64)
        case months(Int32)
        case year
    }

    private let zone: Zone
    private let length: Length

    init(_ ask: MeterAsk, _ range: TimeRange) {
        zone = ask.zone
        let start = range.start + zone.offset(at: range.start)
        let end = range.end + zone.offset(at: range.end)
        if ask.compare == .year {
            length = ask.step == .week ? .seconds(364 * TimeRange.secondsPerDay) : .year
        } else if ask.step == .none || ask.step == .month, LocalShift.isMonth(start),
            LocalShift.isMonth(end)
        {
            length = .months(
                Window.month.number(ofSecond: end) - Window.month.number(ofSecond: start))
        } else {
            length = .seconds(end - start)
        }
    }

    private static func isMonth(_ local: Int64) -> Bool {
        Window.month.start(of: Window.month.number(ofSecond: local)) == local
    }

    /// The first moment of the local time that is so much earlier.
    func moved(_ second: Int64) -> Int64 {
        let local = second + zone.offset(at: second)
        switch length {
        case .seconds(let seconds): return zone.firstMoment(ofLocal: local - seconds)
        case .months(let count): return zone.firstMoment(ofLocal: moved(local, months: count))
        case .year: return zone.firstMoment(ofLocal: moved(local, months: 12))
        }
    }

    /// A date that the month does not have is the first of the next one.
    private func moved(_ local: Int64, months: Int32) -> Int64 {
        let day = Window.day.number(ofSecond: local)
        let date = CivilDate(day: day)
        let month = CivilDate(month: date.month - months)
        let time = local - Window.day.start(of: day)
        guard date.dayOfMonth <= month.daysInMonth else {
            return Window.month.end(of: month.month)
        }
        return Window.day.start(of: month.dayNumber + date.dayOfMonth - 1) + time
    }
}
