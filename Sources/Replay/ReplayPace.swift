/// When the records of a replay are due.
public enum ReplayPace: Sendable, Equatable {
    /// As fast as Kafka takes them.
    case flat
    /// This many records a second, whether or not earlier ones were acknowledged.
    case constant(Double)
    /// At their original distances, divided by the factor.
    ///
    /// A silence of the source longer than `longestGapMilliseconds` is shortened to it.
    case spacing(factor: Double, longestGapMilliseconds: Int64)
}

/// Computes when each record is due, in microseconds since the start.
///
/// Due times do not depend on what was sent or acknowledged, and never go back: a record whose time
/// is before that of an earlier one is due together with that one.
public struct DueTimes: Sendable {
    private let pace: ReplayPace
    private var number: Int64 = 0
    private var spacing: SpacingClock

    /// Makes the due times of a pace.
    public init(_ pace: ReplayPace) {
        self.pace = pace
        if case .spacing(_, let longestGapMilliseconds) = pace {
            spacing = SpacingClock(longestGapMilliseconds: longestGapMilliseconds)
        } else {
            spacing = SpacingClock(longestGapMilliseconds: .max)
        }
    }

    /// When the next record is due, in microseconds since the start; nil: at once.
    ///
    /// - Parameter time: the record's own time, in milliseconds since 1970.
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

/// The time of a stream by its records, in milliseconds since the first one; it never goes back.
///
/// A single time far ahead of the others is taken for an error and ignored. When the next record is
/// near it, the stream was silent, and the silence counts as `longestGapMilliseconds`.
public struct SpacingClock: Sendable {
    private let longestGapMilliseconds: Int64
    private var latest: Int64?
    private var elapsed: Int64 = 0
    private var suspect: Int64?
    /// Times that were ignored because they were far ahead of all others.
    public private(set) var outliers = 0

    /// Makes a clock before its first record.
    public init(longestGapMilliseconds: Int64) {
        self.longestGapMilliseconds = longestGapMilliseconds
    }

    /// The latest time of the stream so far, errors left out, in milliseconds since 1970; nil
    /// before the first record.
    public var last: Int64? { latest }

    /// Takes a record's time, in milliseconds since 1970, and returns how much has passed since the
    /// first record, in milliseconds.
    public mutating func elapsed(at time: Int64?) -> Int64 {
        guard let time else { return elapsed }
        guard let latest else {
            self.latest = time
            return 0
        }
        let (step, isTooFar) = time.subtractingReportingOverflow(latest)
        guard step > 0 || isTooFar && time > latest else {
            // An earlier time: the stream does not go back. Nor does it when the first time was
            // wrong and this one is right.
            return elapsed
        }
        guard isTooFar || step > longestGapMilliseconds else {
            suspect = nil
            self.latest = time
            elapsed += step
            return elapsed
        }
        if let suspect, !isTooFar, abs(time - suspect) <= longestGapMilliseconds {
            self.suspect = nil
            self.latest = max(time, suspect)
            elapsed += longestGapMilliseconds
            outliers -= 1
        } else {
            suspect = time
            outliers += 1
        }
        return elapsed
    }
}
