internal import Ledger
internal import Metering

/// The meters of lives: of what is opened and later closed, such as connections.
///
/// Lives are counted by group, a tuple of values of the dimensions. Two sets of meters count
/// the same events. A table has all groups of one window. A series has one group and keeps shorter
/// windows. `LifetimeReading` joins the rows of the tables by their tuples.
public struct LifetimeMeters: Sendable {
    /// Names of the meters of one set.
    public struct Names: Sendable {
        /// Count of openings.
        public var opened: String
        /// Count of closings.
        public var closed: String
        /// Sum of the durations of closed lives, in seconds.
        public var seconds: String
        /// Time of the first opening.
        public var first: String
        /// Time of the last opening.
        public var last: String
        /// Time of the last opening, activity or closing.
        public var activity: String
        /// Number of distinct values.
        public var distinct: String

        /// These names.
        public init(
            opened: String, closed: String, seconds: String, first: String, last: String,
            activity: String, distinct: String
        ) {
            self.opened = opened
            self.closed = closed
            self.seconds = seconds
            self.first = first
            self.last = last
            self.activity = activity
            self.distinct = distinct
        }
    }

    /// The dimensions whose values make a group; at least one.
    public let dimensions: [String]
    /// Level by group: openings minus closings over all of time.
    public let open: String
    /// Tables by group; `distinct` has the dimensions in its keys.
    public let tables: Names
    /// Series whose keys have the dimensions.
    public let series: Names
    // Made once, because every request asks for them.
    let labels: GroupLabels
    /// The meters of single groups; without one of them, periods consist of whole quarter-hours.
    let seriesNeeds: [MeterNeed]

    /// Meters of these names.
    public init(dimensions: [String], open: String, tables: Names, series: Names) {
        precondition(!dimensions.isEmpty, "a group has at least one dimension")
        self.dimensions = dimensions
        self.open = open
        self.tables = tables
        self.series = series
        labels = GroupLabels(dimensions)
        seriesNeeds = LifetimeMeters.seriesNeeds(series, dimensions)
    }

    /// The meters that every answer needs.
    public var needs: [MeterNeed] {
        let windows: [Window] = [.quarter, .day, .month, .all]
        let kinds: [(String, MeterKind)] = [
            (tables.opened, .count), (tables.closed, .count), (tables.seconds, .sum),
            (tables.first, .extreme), (tables.last, .extreme), (tables.activity, .extreme),
        ]
        return [MeterNeed(open, .level, [.all], by: dimensions)]
            + kinds.map { MeterNeed($0.0, $0.1, windows, by: dimensions) }
            + [MeterNeed(tables.distinct, .distinct, windows, scopes: [dimensions])]
    }

    private static func seriesNeeds(_ series: Names, _ dimensions: [String]) -> [MeterNeed] {
        let long: [(String, MeterKind)] = [
            (series.opened, .count), (series.closed, .count), (series.seconds, .sum),
            (series.first, .extreme),
        ]
        let short: [(String, MeterKind)] = [
            (series.last, .extreme), (series.activity, .extreme), (series.distinct, .distinct),
        ]
        return long.map { MeterNeed($0.0, $0.1, [.minute, .quarter], scopes: [dimensions]) }
            + short.map { MeterNeed($0.0, $0.1, [.minute], scopes: [dimensions]) }
    }
}

/// What was opened and closed in a period, by group.
public struct LifetimeQuestion: Sendable {
    /// The meters that are read.
    public var meters: LifetimeMeters
    /// The period; nil: everything.
    public var range: TimeRange?
    /// For each dimension the only wanted value; nil: every value.
    public var wanted: [[UInt8]?]

    /// A question of these parts; `wanted` has an element for each dimension of the meters.
    public init(_ meters: LifetimeMeters, range: TimeRange?, wanted: [[UInt8]?]) {
        precondition(wanted.count == meters.dimensions.count, "one element a dimension")
        self.meters = meters
        self.range = range
        self.wanted = wanted
    }

    func matches(_ group: [[UInt8]]) -> Bool {
        group.count == wanted.count
            && zip(group, wanted).allSatisfy { value, wanted in
                wanted.map { $0 == value } ?? true
            }
    }

    /// The only group that can match; nil where a dimension may have several values.
    fileprivate var onlyGroup: TupleGroup? {
        let values = wanted.compactMap(\.self)
        guard values.count == meters.dimensions.count else { return nil }
        return TupleGroup(
            name: KeyLayout.tupleMember(values), values: values,
            labels: meters.labels)
    }
}

/// The numbers of one group in the period.
public struct LifetimeRow: Sendable, Hashable {
    /// Values of the dimensions, in their order.
    public var group: [[UInt8]]
    /// Lives that overlap the period.
    public var total: Int64
    /// Lives opened in it.
    public var opened: Int64
    /// Lives closed in it.
    public var closed: Int64
    /// Durations of the lives closed in it, added up, in seconds.
    public var seconds: Int64
    /// Number of distinct values in it.
    public var distinct: Int64
    /// First opening in it, in nanoseconds since 1970.
    public var firstNanoseconds: Int64?
    /// Last opening in it, in nanoseconds since 1970.
    public var lastNanoseconds: Int64?
    /// Last opening, activity or closing in it, in nanoseconds since 1970.
    public var lastActivityNanoseconds: Int64?
}

/// All groups with a life that overlaps the period.
public struct LifetimeAnswer: Sendable {
    /// Ordered by the values of the dimensions, one after the other.
    public var rows: [LifetimeRow]
    /// What was really answered; nil: everything.
    public var range: TimeRange?
    /// Record time (ms) of the newest record counted.
    public var asOfMilliseconds: Int64?
    /// Whether everything was read at one moment.
    public var isAtomic: Bool
    /// Cells of the answer of which something is parked.
    public var parked = 0
    /// By how much closings exceed openings, added up over the groups where they do.
    ///
    /// Such lives were opened before the counting began.
    public var orphans: Int64 = 0
}

extension QueryWorker {
    /// Answers a question about what was opened and closed in an organization.
    ///
    /// The keys of single groups contain the groups' names, so the names are read first. The second
    /// read is repeated where it shows a group that was not known, or that an assumption about it
    /// was wrong (`LifetimeReading.Result`).
    public func lifetimes(
        _ question: LifetimeQuestion, of organization: [UInt8]
    ) throws(QueryError) -> LifetimeAnswer {
        var isByGroup =
            question.range != nil && engine.missing(question.meters.seriesNeeds).isEmpty
        var span = LifetimeSpan(question, isByGroup: isByGroup, engine)
        var (groups, begin) = try findGroups(question, organization, span.answered)
        for _ in 0..<6 {
            span.begin = begin
            span.groupCount = groups.count
            let reading = LifetimeReading(
                question: question, groups: groups, span: span, inquiry: inquiry(organization))
            let answers = try answer(reading.inquiry)
            switch reading.result(answers) {
            case .unknownGroups(let unknown): groups += unknown
            case .laterEvents: span.isUpToNow = false
            case .missingWindows:
                isByGroup = false
                span = LifetimeSpan(question, isByGroup: isByGroup, engine)
            case .rows(let rows, let orphans):
                return LifetimeAnswer(
                    rows: rows, range: span.answered, asOfMilliseconds: answers.asOfMilliseconds,
                    isAtomic: answers.isAtomic, parked: answers.parked,
                    orphans: orphans)
            }
        }
        throw QueryError(.unavailable, "new groups appear faster than they are read")
    }

    /// Finds the groups in which anything ever happened.
    ///
    /// For a long period it also finds the month of the first event, so that no empty months before
    /// it are read; `begin` is its first second.
    private func findGroups(
        _ question: LifetimeQuestion, _ organization: [UInt8], _ range: TimeRange?
    ) throws(QueryError) -> (groups: [TupleGroup], begin: Int64) {
        let isLong = range.map { $0.end - $0.start > 800 * TimeRange.secondsPerDay } ?? false
        if let only = question.onlyGroup, !isLong { return ([only], .min) }
        let activity = question.meters.tables.activity
        var search = inquiry(organization)
        let known = search.tableEntries(activity, .allTime)
        var months: Range<Int32> = 0..<0
        if isLong, let range {
            months =
                Window.month.number(ofSecond: range.start)..<Window.month.number(
                    ofSecond: min(range.end, engine.clock.seconds)) + 1
        }
        let sizes = search.sizes(activity, .month, months)
        let answers = try answer(search)
        let fresh = KnownGroups(labels: question.meters.labels)
        let groups = knownGroups[activity, default: fresh].groups(of: organization) { body in
            known.forEach(answers.snapshot) { name, _ in body(name) }
        }.filter { question.matches($0.values) }
        guard isLong else { return (groups, .min) }
        let first = answers[sizes].firstIndex { $0 > 0 } ?? months.count
        return (groups, Window.month.start(of: months.lowerBound + Int32(first)))
    }
}
