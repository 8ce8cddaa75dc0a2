internal import Metering

/// The windows that answer a period of lives.
struct LifetimeSpan {
    /// What is answered; nil: everything.
    let answered: TimeRange?
    /// Whether windows shorter than a day are read group by group; else from tables.
    ///
    /// Series of groups keep minutes and quarter-hours; tables have no minutes.
    let isByGroup: Bool
    /// Whether, as far as is known, nothing happened after the period.
    ///
    /// Then it can be read up to the end of its day, and no later window has to be read.
    var isUpToNow: Bool
    /// Nothing was counted before this second.
    var begin: Int64 = .min
    /// How many groups are read.
    var groupCount = 0
    private let meters: LifetimeMeters
    private let engine: QueryEngine
    /// The time of the question; one clock reading, so that all coverages leave out the same
    /// expired windows.
    private let nowSeconds: Int64

    init(_ question: LifetimeQuestion, isByGroup: Bool, _ engine: QueryEngine) {
        let meters = question.meters
        self.meters = meters
        self.engine = engine
        self.isByGroup = isByGroup
        let nowSeconds = engine.clock.seconds
        self.nowSeconds = nowSeconds
        answered = question.range.flatMap {
            Self.coverage($0, meters, isByGroup, engine, nowSeconds: nowSeconds).range
        }
        isUpToNow = isByGroup && (answered.map { $0.end > nowSeconds } ?? false)
    }

    private static func coverage(
        _ range: TimeRange, _ meters: LifetimeMeters, _ isByGroup: Bool, _ engine: QueryEngine,
        nowSeconds: Int64
    ) -> Coverage {
        // One coverage for all meters of an answer, so that every number is about the same time:
        // the meters keep their windows for different times (distinct counts keep days for 400
        // days).
        let (table, single) = (meters.tables, meters.series)
        let tables = [table.opened, table.closed, table.activity, table.distinct]
        let series = [single.opened, single.closed]
        let short = Coverage.Kept.shared(series.compactMap { engine.meter($0)?.kept })
        let long = Coverage.Kept.shared(tables.compactMap { engine.meter($0)?.kept })
        guard isByGroup else { return Coverage(range, kept: long, nowSeconds: nowSeconds) }
        let minute = short.filter { $0.window == .minute }
        let quarter = Coverage.Kept.shared(
            [short, long].map { $0.filter { $0.window == .quarter } })
        return Coverage(
            range, kept: minute + quarter + long.filter { $0.window != .quarter },
            nowSeconds: nowSeconds)
    }

    private func coverage(from start: Int64, to end: Int64) -> Coverage {
        // The period is over before anything was counted. A coverage of an empty range would still
        // have a window.
        guard begin < end else {
            return Coverage(range: TimeRange(start: end, end: end), pieces: [])
        }
        return Self.coverage(
            TimeRange(start: max(start, begin), end: end), meters, isByGroup, engine,
            nowSeconds: nowSeconds)
    }

    /// The windows of the period itself.
    var inside: Coverage {
        guard let answered else { return .allTime }
        guard isUpToNow else { return coverage(from: answered.start, to: answered.end) }
        let day = Window.day.number(ofSecond: answered.end - 1)
        // Where the period begins in its last day, the day's table holds events before the start
        // too.
        let quarter = Window.quarter.number(ofSecond: answered.end - 1)
        let end =
            Window.day.start(of: day) < answered.start
            ? Window.quarter.end(of: quarter) : Window.day.end(of: day)
        return coverage(from: answered.start, to: end)
    }

    /// Whether quarter-hours are read by group: cheaper where there are more of them than groups.
    ///
    /// A table holds all groups of one window; a group's key holds all windows of one day.
    var areQuartersByGroup: Bool {
        let quarters = (since ?? inside).pieces.filter { $0.window == .quarter }
        return isByGroup && quarters.reduce(0) { $0 + $1.numbers.count } > groupCount
    }

    /// The windows from the period's start up to now; nil where they are those of the period
    /// itself.
    var since: Coverage? {
        guard let answered, !isUpToNow else { return nil }
        // "Open now" may hold events a little ahead of our clock; no future bound is above a day.
        let later = nowSeconds + TimeRange.secondsPerDay
        let month = TimeRange.month(of: later)
        // Where the whole month is wanted, its one window is less to read than its days.
        let end =
            answered.start <= month.start
            ? month.end : Window.day.end(of: Window.day.number(ofSecond: later))
        return coverage(from: answered.start, to: max(answered.end, end))
    }

    /// The windows of a coverage that are read by group, and those that are read from tables.
    func split(
        _ coverage: Coverage, quartersByGroup: Bool = true
    ) -> (
        groups: [Coverage.Piece], tables: Coverage
    ) {
        guard isByGroup else { return ([], coverage) }
        func isShort(_ piece: Coverage.Piece) -> Bool {
            piece.window == .minute || quartersByGroup && piece.window == .quarter
        }
        return (
            coverage.pieces.filter(isShort),
            Coverage(range: coverage.range, pieces: coverage.pieces.filter { !isShort($0) })
        )
    }

    /// Numbers of the windows of that length that these pieces touch, in order.
    func windows(_ window: Window, _ pieces: [Coverage.Piece]) -> [Int32] {
        var numbers: Set<Int32> = []
        for piece in pieces {
            let first = piece.window.start(of: piece.numbers.lowerBound)
            let last = piece.window.end(of: piece.numbers.upperBound - 1) - 1
            numbers.formUnion(window.number(ofSecond: first)...window.number(ofSecond: last))
        }
        return numbers.sorted()
    }
}
