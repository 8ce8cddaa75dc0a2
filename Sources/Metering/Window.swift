/// A length of event time that one cell covers.
///
/// Window number w of a fixed length of n seconds covers the seconds `[w·n, (w+1)·n)` of UTC since
/// 1970-01-01. Month number m covers the calendar month `1970-01 + m` in UTC. `all` has only the
/// number 0 and covers all time. Numbers before 1970 are negative, for the division rounds down.
public enum Window: UInt8, Sendable, CaseIterable, Hashable {
    /// 60 seconds.
    case minute = 0
    /// 900 seconds: the offset of every time zone is a multiple of it.
    case quarter = 1
    /// 86,400 seconds: one UTC day.
    case day = 2
    /// One calendar month, UTC.
    case month = 3
    /// All time.
    case all = 4

    /// The word in a catalog file and in a key name.
    public var name: String {
        switch self {
        case .minute: "minute"
        case .quarter: "quarter"
        case .day: "day"
        case .month: "month"
        case .all: "all"
        }
    }

    /// The window with that word, or nil.
    public init?(name: String) {
        guard let found = Window.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// The number of the window with that second (UTC, since 1970).
    @inlinable
    public func number(ofSecond second: Int64) -> Int32 {
        switch self {
        case .minute: Int32(truncatingIfNeeded: floorDivide(second, 60))
        case .quarter: Int32(truncatingIfNeeded: floorDivide(second, 900))
        case .day: Int32(truncatingIfNeeded: floorDivide(second, 86_400))
        case .month: CivilDate(day: Int32(truncatingIfNeeded: floorDivide(second, 86_400))).month
        case .all: 0
        }
    }

    /// The first second of window `number`, since 1970; `Int64.min` for `all`.
    public func start(of number: Int32) -> Int64 {
        switch self {
        case .minute: Int64(number) * 60
        case .quarter: Int64(number) * 900
        case .day: Int64(number) * 86_400
        case .month: Int64(CivilDate(month: number).dayNumber) * 86_400
        case .all: Int64.min
        }
    }

    /// The first second after window `number`, since 1970; `Int64.max` for `all`.
    public func end(of number: Int32) -> Int64 {
        self == .all ? Int64.max : start(of: number + 1)
    }
}

/// The quotient rounded towards minus infinity, for a positive divisor.
@inlinable
public func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}
