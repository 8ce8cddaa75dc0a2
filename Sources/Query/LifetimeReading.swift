internal import Ledger
internal import Metering

/// The second read of a question about lives: all numbers of the groups in one inquiry.
struct LifetimeReading {
    /// The rows, or why they cannot be made from this read.
    enum Result {
        /// The rows; `orphans`: closings without openings.
        case rows([LifetimeRow], orphans: Int64)
        /// The read shows groups of the question that were not known when it was planned.
        case unknownGroups([TupleGroup])
        /// Something happened after the period; the read was planned as if nothing had.
        case laterEvents
        /// The windows of single groups hold less than the tables: their meters are newer.
        case missingWindows
    }

    var inquiry: Inquiry
    private let question: LifetimeQuestion
    private let groups: [TupleGroup]
    private let span: LifetimeSpan
    private let openNow: TableEntries
    /// From the start of the period up to now; nil where the period ends now.
    private let openedSince: TableEntries?
    private let closedSince: TableEntries?
    private let opened: TableEntries
    private let closed: TableEntries
    private let seconds: TableEntries
    private let first: TableEntries
    private let last: TableEntries
    private let activity: TableEntries
    /// The last activity of all time; nil where groups are not read one by one.
    private let everActive: TableEntries?
    private let series: GroupSeries?
    /// The read of each group's number of distinct values.
    private let distinct: [Int?]

    init(
        question: LifetimeQuestion, groups: [TupleGroup], span: LifetimeSpan,
        inquiry: Inquiry
    ) {
        var inquiry = inquiry
        self.question = question
        self.groups = groups
        self.span = span
        let meters = question.meters
        let inside = span.inside
        let since = span.since
        openNow = inquiry.tableEntries(meters.open, .allTime)
        everActive =
            span.isByGroup ? inquiry.tableEntries(meters.tables.activity, .allTime) : nil
        // Tables first: what a group's windows hold only grows, so they cannot seem to hold less.
        series =
            span.isByGroup
            ? GroupSeries(
                meters, span, inside: inside, since: since, groups, &inquiry) : nil
        let isByQuarters = span.areQuartersByGroup
        func table(
            _ name: String, _ coverage: Coverage, quartersByGroup: Bool
        )
            -> TableEntries
        {
            inquiry.tableEntries(
                name, span.split(coverage, quartersByGroup: quartersByGroup).tables)
        }
        openedSince = since.map {
            table(meters.tables.opened, $0, quartersByGroup: isByQuarters)
        }
        closedSince = since.map {
            table(meters.tables.closed, $0, quartersByGroup: isByQuarters)
        }
        opened = table(meters.tables.opened, inside, quartersByGroup: isByQuarters)
        closed = table(meters.tables.closed, inside, quartersByGroup: isByQuarters)
        seconds = table(meters.tables.seconds, inside, quartersByGroup: isByQuarters)
        first = table(meters.tables.first, inside, quartersByGroup: isByQuarters)
        // Where nothing happened after the period, its latest is the latest of all time.
        let latest = span.isUpToNow ? .allTime : inside
        last = table(meters.tables.last, latest, quartersByGroup: false)
        activity = table(meters.tables.activity, latest, quartersByGroup: false)
        distinct = LifetimeReading.distinctReads(meters, groups, span, inside, &inquiry)
        self.inquiry = inquiry
    }

    private static func distinctReads(
        _ meters: LifetimeMeters, _ groups: [TupleGroup], _ span: LifetimeSpan,
        _ inside: Coverage, _ inquiry: inout Inquiry
    ) -> [Int?] {
        let (minutes, longer) = span.split(inside, quartersByGroup: false)
        return inquiry.distinctReads(
            [
                (meters.series.distinct, Coverage(range: inside.range, pieces: minutes)),
                (meters.tables.distinct, longer),
            ], scopes: groups.map(\.scopeText))
    }

    /// The numbers of one group.
    private struct Numbers {
        var openNow: Int64 = 0
        var openedSince: Int64 = 0
        var closedSince: Int64 = 0
        var opened: Int64 = 0
        var closed: Int64 = 0
        var seconds: Int64 = 0
        var first: UnsafeRawBufferPointer?
        var last: UnsafeRawBufferPointer?
        var activity: UnsafeRawBufferPointer?
        var everActive: UnsafeRawBufferPointer?

        /// How many lives overlap the period.
        func total(_ span: LifetimeSpan) -> Int64 {
            // A life that was closed was open before, even if no event says so.
            guard span.answered != nil else { return max(opened, closed) }
            let since =
                span.isUpToNow
                ? CellText.subtract(opened, closed) : CellText.subtract(openedSince, closedSince)
            let openAtStart = max(0, CellText.subtract(max(0, openNow), since))
            return max(CellText.add(openAtStart, opened), closed)
        }
    }

    /// The numbers from the tables, by the groups' names in Redis, which are the same in all
    /// tables.
    private func tableNumbers(_ snapshot: CellSnapshot) -> NamedValues<Numbers> {
        var found = NamedValues<Numbers>()
        func take(
            _ table: TableEntries?, _ change: (inout Numbers, UnsafeRawBufferPointer) -> Void
        ) {
            table?.forEach(snapshot) { name, value in
                found.update(name, initial: Numbers()) { change(&$0, value) }
            }
        }
        func sum(_ table: TableEntries?, _ add: (inout Numbers, Int64) -> Void) {
            take(table) { add(&$0, CellText.integer($1)) }
        }
        // First, because `groups` has its order: finding their indices is then cheap.
        take(everActive) { $0.everActive = $1 }
        take(activity) { $0.activity = Extreme.better($0.activity, $1, activity.keep) }
        sum(openNow) { $0.openNow = CellText.add($0.openNow, $1) }
        sum(openedSince) { $0.openedSince = CellText.add($0.openedSince, $1) }
        sum(closedSince) { $0.closedSince = CellText.add($0.closedSince, $1) }
        sum(opened) { $0.opened = CellText.add($0.opened, $1) }
        sum(closed) { $0.closed = CellText.add($0.closed, $1) }
        sum(seconds) { $0.seconds = CellText.add($0.seconds, $1) }
        take(first) { $0.first = Extreme.better($0.first, $1, first.keep) }
        take(last) { $0.last = Extreme.better($0.last, $1, last.keep) }
        return found
    }

    /// Adds the numbers from one group's own windows.
    private func add(_ groupIndex: Int, _ snapshot: CellSnapshot, to numbers: inout Numbers) {
        guard let series else { return }
        func sum(_ parts: [[SeriesPart]]?) -> Int64 {
            var sum: Int64 = 0
            if let parts {
                snapshot.forEachWindow(parts[groupIndex]) {
                    sum = CellText.add(sum, CellText.integer($1))
                }
            }
            return sum
        }
        func better(
            _ parts: [[SeriesPart]], _ known: UnsafeRawBufferPointer?, _ table: TableEntries
        ) -> UnsafeRawBufferPointer? {
            var best = known
            snapshot.forEachWindow(parts[groupIndex]) {
                best = Extreme.better(best, $1, table.keep)
            }
            return best
        }
        numbers.opened = CellText.add(numbers.opened, sum(series.opened))
        numbers.closed = CellText.add(numbers.closed, sum(series.closed))
        numbers.seconds = CellText.add(numbers.seconds, sum(series.seconds))
        numbers.openedSince = CellText.add(numbers.openedSince, sum(series.openedSince))
        numbers.closedSince = CellText.add(numbers.closedSince, sum(series.closedSince))
        numbers.first = better(series.first, numbers.first, first)
        numbers.last = better(series.last, numbers.last, last)
        numbers.activity = better(series.activity, numbers.activity, activity)
    }

    /// The rows of the groups that match and have a life in the period, in order of their values;
    /// or why they cannot be made from this read.
    func result(_ answers: Answers) -> Result {
        let snapshot = answers.snapshot
        var all = [Numbers](repeating: Numbers(), count: groups.count)
        var unknown: [TupleGroup] = []
        var groupIndices = GroupIndices(groups)
        for (name, numbers) in tableNumbers(snapshot).entries {
            if let groupIndex = groupIndices.index(of: name) {
                all[groupIndex] = numbers
            } else if span.isByGroup || numbers.total(span) > 0,
                let group = TupleGroup(name, labels: question.meters.labels),
                question.matches(group.values)
            {
                unknown.append(group)
            }
        }
        guard unknown.isEmpty else { return .unknownGroups(unknown) }
        if let series, !series.holdsWhatTablesHold(snapshot, groups) { return .missingWindows }
        for groupIndex in all.indices { add(groupIndex, snapshot, to: &all[groupIndex]) }
        if let answered = span.answered, span.isUpToNow {
            func isBefore(_ text: UnsafeRawBufferPointer?, _ second: Int64) -> Bool {
                guard let time = text.flatMap({ CellText.shifted($0) }) else { return true }
                return TimeText.floorDivide(time, 1_000_000_000) < second
            }
            // Beyond its limit of groups, the table of all time counts a group as `__other__`.
            func isKnown(_ numbers: Numbers) -> Bool {
                numbers.everActive != nil || numbers.opened == 0 && numbers.closed == 0
            }
            guard all.allSatisfy({ isKnown($0) && isBefore($0.everActive, answered.end) }) else {
                return .laterEvents
            }
            for groupIndex in all.indices {
                if isBefore(all[groupIndex].last, answered.start) { all[groupIndex].last = nil }
                if isBefore(all[groupIndex].activity, answered.start) {
                    all[groupIndex].activity = nil
                }
            }
        }
        let found = all.indices.filter { all[$0].total(span) > 0 }
        let orphans = BelowZero.amount(of: found.lazy.map { all[$0].openNow })
        return .rows(
            inOrder(found).map { index in
                let groupIndex = found[index]
                return row(
                    groups[groupIndex], all[groupIndex],
                    distinct: distinct[groupIndex].map { snapshot.count($0) } ?? 0)
            }, orphans: orphans)
    }

    /// The positions in `indices`, sorted by the groups that are meant.
    private func inOrder(_ indices: [Int]) -> [Int] {
        // The sort keys are copied into one array: comparing the groups' own arrays would count
        // references at each comparison.
        var texts: [UInt8] = []
        texts.reserveCapacity(indices.count * 48)
        var ends = [0]
        ends.reserveCapacity(indices.count + 1)
        for index in indices {
            texts.append(contentsOf: groups[index].order)
            ends.append(texts.count)
        }
        return texts.withUnsafeBytes { texts in
            let texts = ends.indices.dropLast().map { index in
                UnsafeRawBufferPointer(rebasing: texts[ends[index]..<ends[index + 1]])
            }
            return texts.indices.sorted { CellText.precedes(texts[$0], texts[$1]) }
        }
    }

    private func row(_ group: TupleGroup, _ numbers: Numbers, distinct: Int64) -> LifetimeRow {
        LifetimeRow(
            group: group.values, total: numbers.total(span), opened: numbers.opened,
            closed: numbers.closed, seconds: numbers.seconds, distinct: distinct,
            firstNanoseconds: numbers.first.flatMap { CellText.shifted($0) },
            lastNanoseconds: numbers.last.flatMap { CellText.shifted($0) },
            lastActivityNanoseconds: numbers.activity.flatMap { CellText.shifted($0) })
    }
}
