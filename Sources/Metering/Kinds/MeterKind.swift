/// A family of meters: how a declaration lowers to instructions and cells, and how it is answered.
///
/// The raw value is the word in a catalog, and it is part of every ledger's contract. The file of
/// a kind in this folder says what the kind is and does.
public enum MeterKind: String, Sendable, CaseIterable {
    /// Number of events, or of the things that an event reports.
    case count
    /// Sum of a field.
    case sum
    /// What was added minus what was removed; clamped at 0 when read, never in Redis.
    case level
    /// First, last, least or greatest value.
    case extreme
    /// How many different values (HyperLogLog, standard error 0.81 %).
    case distinct
    /// Numbers of values by size, 64 steps to each doubling.
    case histogram
    /// Members ordered by amount.
    case ranking
    /// Numbers by weekday and hour (UTC), over all of time.
    case grid

    /// The rules of this kind.
    var rules: any MeterKindRules.Type {
        switch self {
        case .count: CountKind.self
        case .sum: SumKind.self
        case .level: LevelKind.self
        case .extreme: ExtremeKind.self
        case .distinct: DistinctKind.self
        case .histogram: HistogramKind.self
        case .ranking: RankingKind.self
        case .grid: GridKind.self
        }
    }

    /// How long a window is kept where a meter of this kind says nothing else.
    public func defaultRetention(of window: Window) -> MeterDeclaration.Retention {
        switch window {
        case .minute: .seconds(26 * 3_600)
        case .quarter: .seconds(92 * 86_400)
        case .day: rules.dayRetention
        case .month, .all: .forever
        }
    }

    /// Whether answers show a number below zero as 0.
    public var isClampedAtZero: Bool { rules.isClampedAtZero }
}
