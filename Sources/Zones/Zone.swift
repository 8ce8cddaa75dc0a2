/// A time zone of the tz database: how far its clocks are ahead of UTC, and when that changes.
///
/// Times are seconds since 1970 in UTC; a local time is the seconds that the same date and time of
/// day would be in UTC. A value without state: safe on every thread.
public struct Zone: Sendable {
    /// Its name in the database, such as `Europe/Berlin`.
    public let name: String
    /// Times at which the offset changes, ascending: those of the file, and those that its rule
    /// makes until 2100.
    let changes: [Int64]
    /// Seconds ahead of UTC from `changes[index - 1]` to `changes[index]`; one more than changes.
    let offsets: [Int32]
    /// What holds after the last change; nil where the offset then stays as it is.
    let rule: ZoneRule?

    /// UTC.
    public static let utc = Zone(name: "UTC", changes: [], offsets: [0], rule: nil)

    /// Seconds that clocks are ahead of UTC at this time, at least −93,599 and at most 93,599.
    public func offset(at second: Int64) -> Int64 { span(at: second).offset }

    /// A stretch of time with one offset: from `start` to before `end`.
    public struct Span: Sendable, Equatable {
        /// Its first second; `Int64.min` where there is no change before.
        public var start: Int64
        /// The first second after it; `Int64.max` where no change follows.
        public var end: Int64
        /// Seconds ahead of UTC.
        public var offset: Int64
    }

    /// The stretch with one offset that holds this time, so that the caller need not ask again
    /// within it.
    public func span(at second: Int64) -> Span {
        if let rule, second >= changes.last ?? .min { return rule.span(at: second, after: self) }
        // The number of changes at or before the second.
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return Span(
            start: low == 0 ? .min : changes[low - 1],
            end: low == changes.count ? .max : changes[low], offset: Int64(offsets[low]))
    }

    /// What a local time means.
    public enum LocalTime: Sendable, Equatable {
        /// It comes once.
        case once(Int64)
        /// Clocks are put back over it, so it comes twice: both times.
        case twice(Int64, Int64)
        /// Clocks are put forward over it: the time that many seconds later is meant, as java.time
        /// does.
        case skipped(Int64, gap: Int64)

        /// The time that is taken: the only one, the first of two, or the one after the gap.
        public var second: Int64 {
            switch self {
            case .once(let second), .twice(let second, _), .skipped(let second, gap: _): second
            }
        }
    }

    /// What a local time means, which must be within a million years of 1970.
    public func time(ofLocal local: Int64) -> LocalTime {
        // No offset is 26 hours or more, so the time is within these bounds.
        let margin: Int64 = 26 * 3_600
        var span = span(at: local - margin)
        // Far from every change: nearly every time.
        if span.end > local + margin { return .once(local - span.offset) }
        var first: Int64?
        var skipped: LocalTime?
        while true {
            let second = local - span.offset
            if second >= span.start, second < span.end {
                if let first { return .twice(first, second) }
                first = second
            }
            guard span.end <= local + margin else { break }
            let next = self.span(at: span.end)
            let gap = next.offset - span.offset
            if gap > 0, local >= span.end + span.offset, local < span.end + next.offset {
                skipped = .skipped(second, gap: gap)
            }
            span = next
        }
        if let first { return .once(first) }
        return skipped ?? .once(local - span.offset)
    }
}
