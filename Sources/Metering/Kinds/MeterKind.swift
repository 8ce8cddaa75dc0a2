/// A kind of meters: which instructions and cells a declaration becomes, and how it is answered.
///
/// The raw value is the word in a catalog and part of every ledger's contract. Each kind has a file
/// in this folder with its rules.
public enum MeterKind: String, Sendable, CaseIterable {
    /// The number of events, or the sum of the numbers that they report.
    case count
    /// Sum of a field.
    case sum
    /// What was added minus what was removed; clamped at 0 when read, never in Redis.
    case level
    /// First, last, least or greatest value.
    case extreme
    /// How many different values a field has (HyperLogLog, standard error 0.81 %).
    case distinct
    /// Numbers of values by size, 64 steps for each doubling.
    case histogram
    /// Members ordered by amount.
    case ranking
    /// Numbers by weekday and hour (UTC), over all time.
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

    /// How long a window is kept where a meter of this kind does not declare it.
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
