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

    /// The windows of single groups; where a catalog has not all of them, periods are of quarter-hours.
    static let groupNeeds: [MeterNeed] = {
        let group = [["service", "protocol", "dataCenter"]]
        func need(_ name: String, _ kind: String, _ windows: [String]) -> MeterNeed {
            MeterNeed("connection_group_\(name)", kind, windows, scopes: group)
        }
        return [("opened", "count"), ("closed", "count"), ("seconds", "sum"), ("first", "extreme")]
            .map { need($0.0, $0.1, ["minute", "quarter"]) }
            + [("last", "extreme"), ("activity", "extreme"), ("keys", "distinct")]
            .map { need($0.0, $0.1, ["minute"]) }
    }()

    func matches(_ group: [[UInt8]]) -> Bool {
        group.count == 3 && service.map { $0 == group[0] } ?? true
            && protocolName.map { $0 == group[1] } ?? true
            && dataCenter.map { $0 == group[2] } ?? true
    }

    /// The only group that can match, where all three are given.
    fileprivate var onlyGroup: ConnectionGroup? {
        guard let service, let protocolName, let dataCenter else { return nil }
        return ConnectionGroup(
            name: KeyLayout.tupleMember([service, protocolName, dataCenter]),
            values: [service, protocolName, dataCenter])
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
    /// Cells of the answer of which something is parked.
    public var parked = 0
    /// Closings more than openings, of the groups where it is so: those connections were opened
    /// before the counting began.
    public var orphans: Int64 = 0
}

extension QueryWorker {
    /// Answers a question about the connections of an organization.
    ///
    /// The keys of single groups hold the groups' names, so the groups are asked for first. A group
    /// that appears between the two reads is asked for again; so is everything where what was
    /// supposed about the second read turns out to be wrong (`ConnectionReading.Finding`).
    public func connections(
        _ question: ConnectionQuestion, of organization: [UInt8]
    ) throws(QueryError) -> ConnectionAnswer {
        var isByGroup =
            question.range != nil && engine.missing(ConnectionQuestion.groupNeeds).isEmpty
        var span = ConnectionSpan(question.range, isByGroup: isByGroup, engine)
        var (groups, begin) = try findGroups(question, organization, span.answered)
        for _ in 0..<6 {
            span.begin = begin
            span.groupCount = groups.count
            let reading = ConnectionReading(
                question: question, groups: groups, span: span, inquiry: inquiry(organization))
            let answers = try answer(reading.inquiry)
            switch reading.finding(answers) {
            case .unknownGroups(let unknown): groups += unknown
            case .laterEvents: span.isUpToNow = false
            case .missingWindows:
                isByGroup = false
                span = ConnectionSpan(question.range, isByGroup: isByGroup, engine)
            case .rows(let rows, let orphans):
                return ConnectionAnswer(
                    rows: rows, range: span.answered, asOf: answers.asOf,
                    isAtomic: answers.isAtomic, parked: answers.parked,
                    orphans: orphans)
            }
        }
        throw QueryError(.unavailable, "new groups of connections appear faster than they are read")
    }

    /// Finds the groups that ever had a connection, and the month of the first event where the
    /// period is so long that empty months would be read.
    private func findGroups(
        _ question: ConnectionQuestion, _ organization: [UInt8], _ range: TimeRange?
    ) throws(QueryError) -> (groups: [ConnectionGroup], begin: Int64) {
        let isLong = range.map { $0.end - $0.start > 800 * TimeRange.day } ?? false
        if let only = question.onlyGroup, !isLong { return ([only], .min) }
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
        let groups = connectionGroups.groups(of: organization) { body in
            known.forEach(answers.snapshot) { name, _ in body(name) }
        }.filter { question.matches($0.values) }
        guard isLong else { return (groups, .min) }
        let first = answers[sizes].firstIndex { $0 > 0 } ?? months.count
        return (groups, Window.month.start(of: months.lowerBound + Int32(first)))
    }
}
