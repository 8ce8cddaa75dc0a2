internal import Ledger
internal import Metering

/// A ranking by the sum of two meters, and the counts of the same events.
///
/// Each event that changes a ranking adds one to its count on the same day. So a day on which the
/// count has not changed is a day on which the ranking has not changed.
public struct RankingMeters: Sendable, Hashable {
    /// Name of the first ranking: it decides among equal sums (`RankingOrder`).
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

/// What such a ranking is made of over one range of whole days.
struct RankingSource: Hashable, Sendable {
    /// One sorted set.
    struct Part: Hashable, Sendable {
        let key: [UInt8]
        let isFirst: Bool
        /// Whose end is the end of what may still be added to it in the ordinary course.
        let range: TimeRange
    }

    let organization: [UInt8]
    let meters: RankingMeters
    let range: TimeRange
    let parts: [Part]
    /// Sorted sets that hold every member of the ranking, with at least the score of its parts.
    let bounds: [[UInt8]]

    /// Nil where the catalog's meters are of another kind, so that nothing can be said about changes.
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
                // A month holds its days: one list instead of many. Of few days it would be a loose bound.
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

    /// The days of a part, in a list of the days of the range.
    func days(_ part: Part) -> Range<Int> {
        let first = Int((part.range.start - range.start) / TimeRange.day)
        return first..<first + Int(part.range.dayCount)
    }
}

/// How much was counted on each day: equal numbers, the same rankings.
struct RankingVersion: Equatable, Sendable {
    let firsts: [Int64]
    let seconds: [Int64]

    /// Whether nothing was added to a part since.
    func isSame(_ part: RankingSource.Part, of source: RankingSource, as other: Self) -> Bool {
        let days = source.days(part)
        return part.isFirst
            ? firsts[days] == other.firsts[days] : seconds[days] == other.seconds[days]
    }
}
