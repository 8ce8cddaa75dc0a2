/// A length of event time that one cell covers.
///
/// The law: window number w of a fixed window of n seconds covers `[w·n, (w+1)·n)` seconds of UTC
/// since 1970-01-01, aligned to the epoch and half-open; month number m covers the calendar month
/// `1970-01 + m` in UTC; `all` has the one number 0 and covers everything. Numbers before the epoch
/// are negative (the division floors).
public enum Window: UInt8, Sendable, CaseIterable, Hashable {
    /// 60 seconds.
    case minute = 0
    /// 900 seconds: every offset of every time zone is a multiple of it.
    case quarter = 1
    /// 86,400 seconds: one UTC day.
    case day = 2
    /// One calendar month, UTC.
    case month = 3
    /// All of time.
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

    /// Number of the window that holds the second `second` (UTC, since 1970).
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

    /// First second of window `number`; for `all` it is `Int64.min`.
    public func start(of number: Int32) -> Int64 {
        switch self {
        case .minute: Int64(number) * 60
        case .quarter: Int64(number) * 900
        case .day: Int64(number) * 86_400
        case .month: Int64(CivilDate(month: number).dayNumber) * 86_400
        case .all: Int64.min
        }
    }

    /// First second after window `number`; for `all` it is `Int64.max`.
    public func end(of number: Int32) -> Int64 {
        self == .all ? Int64.max : start(of: number + 1)
    }
}

/// Quotient rounded towards minus infinity, for a positive divisor.
@inlinable
public func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}
