internal import Ledger
internal import Metering

/// The meters of a ranking by the sum of two rankings, with a count of the events of each.
///
/// Each event that changes a ranking adds one to its count on the same day. So where a day's count
/// has not changed, its ranking has not changed either.
public struct RankingMeters: Sendable, Hashable {
    /// Name of the first ranking; it decides between equal sums (`RankingOrder`).
    public var first: String
    /// Name of the second ranking.
    public var second: String
    /// Name of the count of the first one's events.
    public var firstCount: String
    /// Name of the count of the second one's events.
    public var secondCount: String

    /// A ranking of these meters.
    public init(first: String, firstCount: String, second: String, secondCount: String) {
        self.first = first
        self.firstCount = firstCount
        self.second = second
        self.secondCount = secondCount
    }
}

/// The sorted sets that make up such a ranking over one range of whole days.
struct RankingSource: Hashable, Sendable {
    /// One sorted set.
    struct Part: Hashable, Sendable {
        let key: [UInt8]
        let isFirst: Bool
        /// The time of its events; late ones apart, nothing is added to the set after its end.
        let range: TimeRange
    }

    let organization: [UInt8]
    let meters: RankingMeters
    let range: TimeRange
    let parts: [Part]
    /// Sorted sets that hold every member of the ranking, with at least the score of its parts.
    let bounds: [[UInt8]]

    /// Nil where the counts do not show every change of the rankings, as in some other catalogs.
    init?(
        _ meters: RankingMeters, _ coverage: Coverage, _ organization: [UInt8],
        _ engine: QueryEngine
    ) {
        guard let range = coverage.range, let first = engine.meter(meters.first),
            let second = engine.meter(meters.second),
            let firstCount = engine.meter(meters.firstCount),
            let secondCount = engine.meter(meters.secondCount),
            RankingSource.counts(firstCount, first), RankingSource.counts(secondCount, second)
        else { return nil }
        self.organization = organization
        self.meters = meters
        self.range = range
        let names = OrganizationNames(engine.layout, organization)
        var parts: [Part] = []
        var bounds: [[UInt8]] = []
        for (meter, isFirst) in [(first, true), (second, false)] {
            let hasMonths = meter.kept.contains { $0.window == .month && $0.seconds == nil }
            for piece in coverage.pieces {
                let keys = piece.numbers.map { number in
                    names.cellKey(scope: [], meter, piece.window, number)
                }
                for (number, key) in zip(piece.numbers, keys) {
                    let window = TimeRange(
                        start: piece.window.start(of: number), end: piece.window.end(of: number))
                    parts.append(Part(key: key, isFirst: isFirst, range: window))
                }
                guard piece.window == .day, hasMonths else {
                    bounds += keys
                    continue
                }
                // A month's set bounds the sums of its days: one list instead of many. For three
                // days or fewer that bound is too loose.
                let months = Dictionary(grouping: zip(piece.numbers, keys)) { number, _ in
                    Window.month.number(ofSecond: Window.day.start(of: number))
                }
                for (month, days) in months.sorted(by: { $0.key < $1.key }) {
                    bounds +=
                        days.count > 3
                        ? [names.cellKey(scope: [], meter, .month, month)] : days.map(\.1)
                }
            }
        }
        self.parts = parts
        self.bounds = bounds
    }

    /// Whether `count` adds one on the same day for each event that adds one to `ranking`.
    private static func counts(_ count: KnownMeter, _ ranking: KnownMeter) -> Bool {
        func isPlain(_ clause: Clause) -> Bool {
            clause.amount == .constant(1) && clause.time == nil
        }
        let counted = count.declaration.clauses.filter { isPlain($0) && $0.needs.isEmpty }
        let ranked = ranking.declaration.clauses
        return count.form == .sum && !count.isClampedAtZero
            && count.declaration.windows.contains(.day)
            && count.declaration.retention(of: .day) == .forever && ranking.form == .ranking
            && counted.count == count.declaration.clauses.count
            && ranked.allSatisfy { clause in
                isPlain(clause) && counted.contains { $0.event == clause.event }
            }
    }

    /// The indices of a part's days in a list of the days of the range.
    func days(_ part: Part) -> Range<Int> {
        let first = Int((part.range.start - range.start) / TimeRange.secondsPerDay)
        return first..<first + Int(part.range.dayCount)
    }
}

/// How many events were counted on each day; while the counts are equal, so are the rankings.
struct RankingVersion: Equatable, Sendable {
    let firsts: [Int64]
    let seconds: [Int64]

    /// Whether nothing was added to a part between the two versions.
    func isSame(_ part: RankingSource.Part, of source: RankingSource, as other: Self) -> Bool {
        let days = source.days(part)
        return part.isFirst
            ? firsts[days] == other.firsts[days] : seconds[days] == other.seconds[days]
    }
}
