internal import Metering

/// Which windows answer a period of lifetimes.
struct LifetimeSpan {
    /// What is answered; nil: everything.
    let answered: TimeRange?
    /// Whether windows shorter than a day are read a group at a time, else from tables.
    ///
    /// Groups keep minutes and quarter-hours, tables have no minutes.
    let isByGroup: Bool
    /// Whether nothing happened after the period, as far as is known: then it may as well end with
    /// its day, and no window behind it has to be looked at.
    var isUpToNow: Bool
    /// Nothing was counted before this second.
    var begin: Int64 = .min
    /// Groups that are asked for.
    var groupCount = 0
    private let meters: LifetimeMeters
    private let engine: QueryEngine
    /// The time of the question: windows that go meanwhile are not left out in one place only.
    private let now: Int64

    init(_ question: LifetimeQuestion, isByGroup: Bool, _ engine: QueryEngine) {
        let meters = question.meters
        self.meters = meters
        self.engine = engine
        self.isByGroup = isByGroup
        let now = engine.clock.seconds
        self.now = now
        answered = question.range.flatMap {
            Self.coverage($0, meters, isByGroup, engine, now: now).range
        }
        isUpToNow = isByGroup && (answered.map { $0.end > now } ?? false)
    }

    private static func coverage(
        _ range: TimeRange, _ meters: LifetimeMeters, _ isByGroup: Bool, _ engine: QueryEngine,
        now: Int64
    ) -> Coverage {
        // All that is answered for a period, so that every number is about the same time: days of
        // sketches go after 400 days.
        let (table, single) = (meters.tables, meters.series)
        let tables = [table.opened, table.closed, table.activity, table.distinct]
        let series = [single.opened, single.closed]
        let short = Coverage.Kept.shared(series.compactMap { engine.meter($0)?.kept })
        let long = Coverage.Kept.shared(tables.compactMap { engine.meter($0)?.kept })
        guard isByGroup else { return Coverage(range, kept: long, now: now) }
        let minute = short.filter { $0.window == .minute }
        let quarter = Coverage.Kept.shared(
            [short, long].map { $0.filter { $0.window == .quarter } })
        return Coverage(
            range, kept: minute + quarter + long.filter { $0.window != .quarter },
            now: now)
    }

    private func coverage(from start: Int64, to end: Int64) -> Coverage {
        // Over before anything was counted: an empty range would be raised to a window.
        guard begin < end else {
            return Coverage(range: TimeRange(start: end, end: end), pieces: [])
        }
        return Self.coverage(
            TimeRange(start: max(start, begin), end: end), meters, isByGroup, engine, now: now)
    }

    /// The windows of the period itself.
    var inside: Coverage {
        guard let answered else { return .allTime }
        guard isUpToNow else { return coverage(from: answered.start, to: answered.end) }
        let day = Window.day.number(ofSecond: answered.end - 1)
        // Of the same day, its table would hold what was before the start, too.
        let quarter = Window.quarter.number(ofSecond: answered.end - 1)
        let end =
            Window.day.start(of: day) < answered.start
            ? Window.quarter.end(of: quarter) : Window.day.end(of: day)
        return coverage(from: answered.start, to: end)
    }

    /// Whether quarter-hours are read by group: where there are more of them than groups.
    ///
    /// A table holds all groups of one window, a group's key all windows of a day.
    var areQuartersByGroup: Bool {
        let quarters = (since ?? inside).pieces.filter { $0.window == .quarter }
        return isByGroup && quarters.reduce(0) { $0 + $1.numbers.count } > groupCount
    }

    /// The windows from the period's start on; nil where they are those of the period itself.
    var since: Coverage? {
        guard let answered, !isUpToNow else { return nil }
        // "Open now" may hold events a little later than our clock: a day is more than any bound.
        let later = now + TimeRange.day
        let month = TimeRange.month(of: later)
        // One window of a month is less than its days up to here, where all of it is wanted.
        let end =
            answered.start <= month.start
            ? month.end : Window.day.end(of: Window.day.number(ofSecond: later))
        return coverage(from: answered.start, to: max(answered.end, end))
    }

    /// Windows of a coverage that are read by group, and those that stand in tables.
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

    /// The windows of that length that these pieces touch.
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
