/// When the records of a replay are due.
public enum ReplayPace: Sendable, Equatable {
    /// At once: as fast as Kafka takes them.
    case flat
    /// So many records a second, whatever becomes of the earlier ones.
    case constant(Double)
    /// At their original distances, divided by the factor.
    ///
    /// `longestGap`, in milliseconds: a longer silence of the source is shortened to it.
    case spacing(factor: Double, longestGap: Int64)
}

/// Reckons the moment at which each record is due, in microseconds since the start.
///
/// Due times never depend on what was sent or acknowledged, and never go back: a record whose time lies before
/// that of an earlier one is due with the earlier one.
public struct DueTimes: Sendable {
    private let pace: ReplayPace
    private var number: Int64 = 0
    private var spacing: SpacingClock

    /// The due times of a pace.
    public init(_ pace: ReplayPace) {
        self.pace = pace
        if case .spacing(_, let longestGap) = pace {
            spacing = SpacingClock(longestGap: longestGap)
        } else {
            spacing = SpacingClock(longestGap: .max)
        }
    }

    /// When the next record is due; nil = at once.
    ///
    /// - Parameter time: the record's own, in milliseconds since 1970.
    public mutating func next(time: Int64?) -> Int64? {
        defer { number += 1 }
        switch pace {
        case .flat: return nil
        case .constant(let rate): return Int64(Double(number) * 1_000_000 / rate)
        case .spacing(let factor, _):
            return Int64(Double(spacing.elapsed(at: time)) * 1_000 / factor)
        }
    }
}

/// Time as a stream tells it, which only goes on: milliseconds since its first record.
///
/// One time far ahead of all others is an error of its record and moves nothing; where the next one is
/// there as well, the stream was silent, and the silence counts as `longestGap`.
public struct SpacingClock: Sendable {
    private let longestGap: Int64
    private var latest: Int64?
    private var elapsed: Int64 = 0
    private var suspect: Int64?
    /// Times that were left out because they were far ahead of all others.
    public private(set) var outliers = 0

    /// A clock before its first record.
    public init(longestGap: Int64) { self.longestGap = longestGap }

    /// The latest time of the stream so far, errors left out; nil before the first.
    public var last: Int64? { latest }

    /// Takes a record's time, in milliseconds since 1970; how much has passed since the first.
    public mutating func elapsed(at time: Int64?) -> Int64 {
        guard let time else { return elapsed }
        guard let latest else {
            self.latest = time
            return 0
        }
        let (step, isTooFar) = time.subtractingReportingOverflow(latest)
        guard step > 0 || isTooFar && time > latest else {
            // So early that it must be the first that was wrong is not told apart: due at once.
            return elapsed
        }
        guard isTooFar || step > longestGap else {
            suspect = nil
            self.latest = time
            elapsed += step
            return elapsed
        }
        if let suspect, !isTooFar, abs(time - suspect) <= longestGap {
            self.suspect = nil
            self.latest = max(time, suspect)
            elapsed += longestGap
            outliers -= 1
        } else {
            suspect = time
            outliers += 1
        }
        return elapsed
    }
}
