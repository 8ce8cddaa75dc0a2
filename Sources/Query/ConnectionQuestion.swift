internal import Ledger
internal import Metering

/// Connections by service, protocol and data center.
public struct ConnectionQuestion: Sendable {
    /// The period; nil = everything.
    public var range: TimeRange?
    /// Only this service; nil = all.
    public var service: [UInt8]?
    /// Only this protocol; nil = all.
    public var protocolName: [UInt8]?
    /// Only this data center; nil = all.
    public var dataCenter: [UInt8]?

    /// A question of these parts.
    public init(
        range: TimeRange?, service: [UInt8]? = nil, protocolName: [UInt8]? = nil,
        dataCenter: [UInt8]? = nil
    ) {
        self.range = range
        self.service = service
        self.protocolName = protocolName
        self.dataCenter = dataCenter
    }

    /// Meters that an answer is made of.
    public static let needs: [MeterNeed] = {
        let by = ["service", "protocol", "dataCenter"]
        let windows = ["quarter", "day", "month", "all"]
        return [MeterNeed("connections_open", "level", ["all"], by: by)]
            + [
                ("connections_opened", "count"), ("connections_closed", "count"),
                ("connection_seconds", "sum"), ("connection_first", "extreme"),
                ("connection_last", "extreme"), ("connection_activity", "extreme"),
            ].map { MeterNeed($0.0, $0.1, windows, by: by) }
            + [MeterNeed("connection_keys", "distinct", windows, scopes: [by])]
    }()

    fileprivate func matches(_ group: [[UInt8]]) -> Bool {
        group.count == 3 && service.map { $0 == group[0] } ?? true
            && protocolName.map { $0 == group[1] } ?? true
            && dataCenter.map { $0 == group[2] } ?? true
    }

    /// The only group that can match, where all three are given.
    fileprivate var onlyGroup: [[UInt8]]? {
        guard let service, let protocolName, let dataCenter else { return nil }
        return [service, protocolName, dataCenter]
    }
}

/// One group of connections.
public struct ConnectionRow: Sendable, Hashable {
    /// Service.
    public var service: [UInt8]
    /// Protocol.
    public var protocolName: [UInt8]
    /// Data center.
    public var dataCenter: [UInt8]
    /// Connections whose life overlaps the period.
    public var total: Int64
    /// Opened in it.
    public var opened: Int64
    /// Closed in it.
    public var closed: Int64
    /// Seconds of those closed in it.
    public var seconds: Int64
    /// Different keys seen in it.
    public var keys: Int64
    /// First opening in it, nanoseconds since 1970.
    public var first: Int64?
    /// Last opening in it.
    public var last: Int64?
    /// Last opening, activity or closing in it.
    public var lastActivity: Int64?
}

/// All groups that have a connection in the period.
public struct ConnectionAnswer: Sendable {
    /// Ordered by service, protocol, data center.
    public var rows: [ConnectionRow]
    /// What was really answered; nil = everything.
    public var range: TimeRange?
    /// Record time (ms) of the newest record counted.
    public var asOf: Int64?
    /// Whether everything was read at one moment.
    public var isAtomic: Bool
}

extension QueryWorker {
    /// Answers a question about the connections of an organization.
    ///
    /// The keys of the distinct counts hold the groups' names, so the groups are asked for first. A
    /// group that appears between the two reads is asked for again.
    public func connections(
        _ question: ConnectionQuestion, of organization: [UInt8]
    ) throws(QueryError) -> ConnectionAnswer {
        var coverage = Coverage.allTime
        let tables = ["connections_opened", "connections_closed", "connection_activity"]
        if let range = question.range { coverage = engine.coverage(of: tables, range) }
        let answered = coverage.range
        var groups: Set<[[UInt8]]> = []
        let begin = try findGroups(question, organization, answered, &groups)
        for _ in 0..<5 {
            let reading = ConnectionReading(
                question: question, groups: groups, range: answered, begin: begin,
                inquiry: inquiry(organization), now: engine.clock.seconds)
            let answers = try answer(reading.inquiry)
            let rows = reading.rows(answers)
            let unknown = rows.filter { !groups.contains($0.group) }
            guard unknown.isEmpty else {
                groups.formUnion(unknown.map(\.group))
                continue
            }
            return ConnectionAnswer(
                rows: rows, range: answered, asOf: answers.asOf, isAtomic: answers.isAtomic)
        }
        throw QueryError(.unavailable, "new groups of connections appear faster than they are read")
    }

    /// Finds the groups that ever had a connection, and the month of the first event where the
    /// period is so long that empty months would be read.
    private func findGroups(
        _ question: ConnectionQuestion, _ organization: [UInt8], _ range: TimeRange?,
        _ groups: inout Set<[[UInt8]]>
    ) throws(QueryError) -> Int64 {
        let isLong = range.map { $0.end - $0.start > 800 * TimeRange.day } ?? false
        if let only = question.onlyGroup, !isLong {
            groups = [only]
            return .min
        }
        var search = inquiry(organization)
        let known = search.tableEntries("connection_activity", .allTime)
        var months: Range<Int32> = 0..<0
        if isLong, let range {
            months =
                Window.month.number(ofSecond: range.start)..<Window.month.number(
                    ofSecond: min(range.end, engine.clock.seconds)) + 1
        }
        let sizes = search.sizes("connection_activity", .month, months)
        let answers = try answer(search)
        known.forEach(answers.snapshot) { name, _ in
            if let group = KeyLayout.tupleValues(name), question.matches(group) {
                groups.insert(group)
            }
        }
        guard isLong else { return .min }
        let first = answers[sizes].firstIndex { $0 > 0 } ?? months.count
        return Window.month.start(of: months.lowerBound + Int32(first))
    }
}

extension ConnectionRow {
    fileprivate var group: [[UInt8]] { [service, protocolName, dataCenter] }
}

/// The second read: all numbers of the groups in one inquiry.
private struct ConnectionReading {
    var inquiry: Inquiry
    let question: ConnectionQuestion
    let isEverything: Bool
    let openNow: TableEntries
    let openedSince: TableEntries?
    let closedSince: TableEntries?
    let opened: TableEntries
    let closed: TableEntries
    let seconds: TableEntries
    let first: TableEntries
    let last: TableEntries
    let activity: TableEntries
    let keys: [[[UInt8]]: Question<Int64>]

    init(
        question: ConnectionQuestion, groups: Set<[[UInt8]]>, range: TimeRange?, begin: Int64,
        inquiry: Inquiry, now: Int64
    ) {
        var inquiry = inquiry
        self.question = question
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
        var keys: [[[UInt8]]: Question<Int64>] = [:]
        // In one order, so that the same question reads the same.
        for group in groups.sorted(by: Inquiry.precedes) {
            let scope = CellScope([
                ("service", group[0]), ("protocol", group[1]), ("dataCenter", group[2]),
            ])
            keys[group] = inquiry.distinct("connection_keys", keyCoverage, scopes: [scope])
        }
        self.keys = keys
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
    }

    /// Groups by their names as they stand in Redis: nine tables have the same ones, and each is taken apart once.
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
        sum(openNow) { $0.openNow = CellText.add($0.openNow, $1) }
        sum(openedSince) { $0.openedSince = CellText.add($0.openedSince, $1) }
        sum(closedSince) { $0.closedSince = CellText.add($0.closedSince, $1) }
        sum(opened) { $0.opened = CellText.add($0.opened, $1) }
        sum(closed) { $0.closed = CellText.add($0.closed, $1) }
        sum(seconds) { $0.seconds = CellText.add($0.seconds, $1) }
        take(first) { $0.first = Extreme.better($0.first, $1, first.keep) }
        take(last) { $0.last = Extreme.better($0.last, $1, last.keep) }
        take(activity) { $0.activity = Extreme.better($0.activity, $1, activity.keep) }
        return found
    }

    /// Rows of the groups that the question means and that had a connection in its range, in order.
    func rows(_ answers: Answers) -> [ConnectionRow] {
        var rows: [ConnectionRow] = []
        for (name, numbers) in numbers(answers.snapshot).entries {
            var openAtStart: Int64 = 0
            if !isEverything {
                let since = CellText.subtract(numbers.openedSince, numbers.closedSince)
                openAtStart = max(0, CellText.subtract(max(0, numbers.openNow), since))
            }
            let total = CellText.add(openAtStart, numbers.opened)
            guard total > 0, let group = KeyLayout.tupleValues(name), question.matches(group)
            else { continue }
            rows.append(
                ConnectionRow(
                    service: group[0], protocolName: group[1], dataCenter: group[2], total: total,
                    opened: numbers.opened, closed: numbers.closed, seconds: numbers.seconds,
                    keys: keys[group].map { answers[$0] } ?? 0,
                    first: numbers.first.flatMap { CellText.shifted($0) },
                    last: numbers.last.flatMap { CellText.shifted($0) },
                    lastActivity: numbers.activity.flatMap { CellText.shifted($0) }))
        }
        return rows.sorted { left, right in Inquiry.precedes(left.group, right.group) }
    }
}
