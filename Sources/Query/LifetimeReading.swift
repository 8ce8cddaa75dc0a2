internal import Ledger
internal import Metering

/// The second read: all numbers of the groups in one inquiry.
struct LifetimeReading {
    /// What the read brought.
    enum Finding {
        /// Orphans: closings without openings.
        case rows([LifetimeRow], orphans: Int64)
        /// Groups of the question that were not asked for.
        case unknownGroups([TupleGroup])
        /// Something happened after the period, though nothing was supposed to.
        case laterEvents
        /// The windows of single groups do not hold what the tables hold: they were added later.
        case missingWindows
    }

    var inquiry: Inquiry
    private let question: LifetimeQuestion
    private let groups: [TupleGroup]
    private let span: LifetimeSpan
    private let openNow: TableEntries
    /// From the period's start on, up to now; nil where that is the period.
    private let openedSince: TableEntries?
    private let closedSince: TableEntries?
    private let opened: TableEntries
    private let closed: TableEntries
    private let seconds: TableEntries
    private let first: TableEntries
    private let last: TableEntries
    private let activity: TableEntries
    /// Of all time, where groups are read one by one.
    private let everActive: TableEntries?
    private let series: GroupSeries?
    /// The read of each group's different values.
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
        // Tables first: a window of a group that is read later can only hold more.
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
        // The latest of all time is that of a period after which nothing happened.
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

    /// What is known about one group.
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
            // What was closed was open before, also where nobody saw it opened.
            guard span.answered != nil else { return max(opened, closed) }
            let since =
                span.isUpToNow
                ? CellText.subtract(opened, closed) : CellText.subtract(openedSince, closedSince)
            let openAtStart = max(0, CellText.subtract(max(0, openNow), since))
            return max(CellText.add(openAtStart, opened), closed)
        }
    }

    /// Groups by their names as they stand in Redis: nine tables have the same ones.
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
        // First, because the groups were found in its order.
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

    /// Adds what the windows of one group hold.
    private func add(_ place: Int, _ snapshot: CellSnapshot, to numbers: inout Numbers) {
        guard let series else { return }
        func sum(_ parts: [[SeriesPart]]?) -> Int64 {
            var sum: Int64 = 0
            if let parts {
                snapshot.forEachWindow(parts[place]) {
                    sum = CellText.add(sum, CellText.integer($1))
                }
            }
            return sum
        }
        func better(
            _ parts: [[SeriesPart]], _ known: UnsafeRawBufferPointer?, _ table: TableEntries
        ) -> UnsafeRawBufferPointer? {
            var best = known
            snapshot.forEachWindow(parts[place]) { best = Extreme.better(best, $1, table.keep) }
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

    /// The rows of the groups that the question means and in which something lived, in
    /// order; or why they cannot be made of this read.
    func finding(_ answers: Answers) -> Finding {
        let snapshot = answers.snapshot
        var all = [Numbers](repeating: Numbers(), count: groups.count)
        var unknown: [TupleGroup] = []
        var places = GroupPlaces(groups)
        let labels = GroupLabels(question.meters.dimensions)
        for (name, numbers) in tableNumbers(snapshot).entries {
            if let place = places.place(name) {
                all[place] = numbers
            } else if span.isByGroup || numbers.total(span) > 0,
                let group = TupleGroup(name, labels: labels), question.matches(group.values)
            {
                unknown.append(group)
            }
        }
        guard unknown.isEmpty else { return .unknownGroups(unknown) }
        if let series, !series.holdsWhatTablesHold(snapshot, groups) { return .missingWindows }
        for place in all.indices { add(place, snapshot, to: &all[place]) }
        if let answered = span.answered, span.isUpToNow {
            func isBefore(_ text: UnsafeRawBufferPointer?, _ second: Int64) -> Bool {
                guard let time = text.flatMap({ CellText.shifted($0) }) else { return true }
                return TimeText.floorDivide(time, 1_000_000_000) < second
            }
            // Beyond its limit of groups the table of all time has no name for one.
            func isKnown(_ numbers: Numbers) -> Bool {
                numbers.everActive != nil || numbers.opened == 0 && numbers.closed == 0
            }
            guard all.allSatisfy({ isKnown($0) && isBefore($0.everActive, answered.end) }) else {
                return .laterEvents
            }
            for place in all.indices {
                if isBefore(all[place].last, answered.start) { all[place].last = nil }
                if isBefore(all[place].activity, answered.start) { all[place].activity = nil }
            }
        }
        let found = all.indices.filter { all[$0].total(span) > 0 }
        let orphans = BelowZero.amount(of: found.lazy.map { all[$0].openNow })
        return .rows(
            inOrder(found).map { index in
                let place = found[index]
                return row(
                    groups[place], all[place],
                    distinct: distinct[place].map { snapshot.count($0) } ?? 0)
            }, orphans: orphans)
    }

    /// Indices of these places in the order of the groups that stand there.
    private func inOrder(_ places: [Int]) -> [Int] {
        // All texts are in one piece of memory, or each comparison would count references to the
        // groups' parts.
        var texts: [UInt8] = []
        texts.reserveCapacity(places.count * 48)
        var ends = [0]
        ends.reserveCapacity(places.count + 1)
        for place in places {
            texts.append(contentsOf: groups[place].order)
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
            first: numbers.first.flatMap { CellText.shifted($0) },
            last: numbers.last.flatMap { CellText.shifted($0) },
            lastActivity: numbers.activity.flatMap { CellText.shifted($0) })
    }
}
