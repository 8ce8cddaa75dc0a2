internal import Ledger
internal import Metering

/// The second read: all numbers of the groups in one inquiry.
struct ConnectionReading {
    var inquiry: Inquiry
    private let question: ConnectionQuestion
    private let groups: [ConnectionGroup]
    private let isEverything: Bool
    private let openNow: TableEntries
    private let openedSince: TableEntries?
    private let closedSince: TableEntries?
    private let opened: TableEntries
    private let closed: TableEntries
    private let seconds: TableEntries
    private let first: TableEntries
    private let last: TableEntries
    private let activity: TableEntries
    /// The read of each group's distinct keys.
    private let keys: [Int?]

    init(
        question: ConnectionQuestion, groups: [ConnectionGroup], range: TimeRange?, begin: Int64,
        inquiry: Inquiry, now: Int64
    ) {
        var inquiry = inquiry
        self.question = question
        self.groups = groups
        isEverything = range == nil
        func cover(_ names: [String], _ range: TimeRange) -> Coverage {
            inquiry.engine.coverage(
                of: names, TimeRange(start: max(range.start, begin), end: range.end))
        }
        let tables = ["connections_opened", "connections_closed", "connection_activity"]
        let coverage = range.map { cover(tables, $0) } ?? .allTime
        openNow = inquiry.tableEntries("connections_open", .allTime)
        if let range {
            // "Open now" may hold events a little later than our clock: go on to a month's end.
            let end = TimeRange.month(of: now + TimeRange.day).end
            let since = cover(tables, TimeRange(start: range.start, end: max(range.end, end)))
            openedSince = inquiry.tableEntries("connections_opened", since)
            closedSince = inquiry.tableEntries("connections_closed", since)
        } else {
            openedSince = nil
            closedSince = nil
        }
        opened = inquiry.tableEntries("connections_opened", coverage)
        closed = inquiry.tableEntries("connections_closed", coverage)
        seconds = inquiry.tableEntries("connection_seconds", coverage)
        first = inquiry.tableEntries("connection_first", coverage)
        last = inquiry.tableEntries("connection_last", coverage)
        activity = inquiry.tableEntries("connection_activity", coverage)
        let keyCoverage = range.map { cover(["connection_keys"], $0) } ?? .allTime
        keys = inquiry.distinctReads(
            "connection_keys", keyCoverage, scopes: groups.map(\.scopeText))
        self.inquiry = inquiry
    }

    /// What the tables say about one group.
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

        /// Connections whose life overlaps the period.
        func total(isEverything: Bool) -> Int64 {
            // Of all time: who was closed and never opened still was connected, as every period says.
            guard !isEverything else { return max(opened, closed) }
            let since = CellText.subtract(openedSince, closedSince)
            return CellText.add(max(0, CellText.subtract(max(0, openNow), since)), opened)
        }
    }

    /// Groups by their names as they stand in Redis: nine tables have the same ones.
    private func numbers(_ snapshot: CellSnapshot) -> NamedValues<Numbers> {
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

    /// Rows of the groups that the question means and that had a connection in its range, in order; and
    /// such groups of which the distinct keys were not read. Orphans: closings without openings.
    func rows(
        _ answers: Answers
    ) -> (rows: [ConnectionRow], unknown: [ConnectionGroup], orphans: Int64) {
        var found: [(place: Int, numbers: Numbers)] = []
        var unknown: [ConnectionGroup] = []
        var orphans: Int64 = 0
        var places = GroupPlaces(groups)
        for (name, numbers) in numbers(answers.snapshot).entries
        where numbers.total(isEverything: isEverything) > 0 {
            if let place = places.place(name) {
                found.append((place, numbers))
                orphans = CellText.add(orphans, CellText.subtract(0, min(0, numbers.openNow)))
            } else if let group = ConnectionGroup(name), question.matches(group.values) {
                unknown.append(group)
            }
        }
        let rows = inOrder(found.map(\.place)).map { index in
            let (place, numbers) = found[index]
            return row(
                groups[place], numbers, keys: keys[place].map { answers.snapshot.count($0) } ?? 0)
        }
        return (rows, unknown, orphans)
    }

    /// Indices of these places in the order of the groups that stand there.
    private func inOrder(_ places: [Int]) -> [Int] {
        // All texts in one piece of memory, or each comparison would count references to the groups' parts.
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

    private func row(_ group: ConnectionGroup, _ numbers: Numbers, keys: Int64) -> ConnectionRow {
        ConnectionRow(
            service: group.values[0], protocolName: group.values[1], dataCenter: group.values[2],
            total: numbers.total(isEverything: isEverything), opened: numbers.opened,
            closed: numbers.closed, seconds: numbers.seconds, keys: keys,
            first: numbers.first.flatMap { CellText.shifted($0) },
            last: numbers.last.flatMap { CellText.shifted($0) },
            lastActivity: numbers.activity.flatMap { CellText.shifted($0) })
    }
}

/// Finds groups by name; those that come in the groups' own order at once.
private struct GroupPlaces {
    private let groups: [ConnectionGroup]
    private var next = 0
    private lazy var places = Dictionary(
        groups.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })

    init(_ groups: [ConnectionGroup]) { self.groups = groups }

    mutating func place(_ name: UnsafeRawBufferPointer) -> Int? {
        if next < groups.count, groups[next].isNamed(name) {
            next += 1
            return next - 1
        }
        guard let place = places[[UInt8](name)] else { return nil }
        next = place + 1
        return place
    }
}
