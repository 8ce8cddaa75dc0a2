internal import Metering
public import Zones

/// One stretch of an answer: a step of the calendar, or the part of it that is in the range.
public struct Bucket: Sendable, Hashable {
    /// First second, since 1970.
    public var start: Int64
    /// First second after it.
    public var end: Int64
    /// The local time that its label says, as if it were UTC.
    public var local: Int64
    /// Whether a part of the step is outside the range.
    public var isPartial: Bool { start > wholeStart || end < wholeEnd }
    /// Whether its numbers are those of exactly this stretch.
    ///
    /// They are not where clocks change at a minute that is no edge of a cell.
    public internal(set) var isExact = true
    /// First second of the step, which may be before the range.
    public let wholeStart: Int64
    /// First second after the step, which may be after the range.
    public let wholeEnd: Int64
}

/// Cuts ranges into buckets by the clocks of a zone.
///
/// A date begins at the first moment when clocks show it or a later one: at 01:00 where they leave
/// midnight out, at the first of two midnights. A date that is left out whole has no bucket.
struct ZoneCalendar {
    let zone: Zone
    let step: CalendarStep

    /// The buckets of a range, oldest first; at most `most`.
    func buckets(_ range: TimeRange, most: Int) throws(QuestionError) -> [Bucket] {
        try checkOffsets(range)
        let buckets =
            switch step {
            case .none: [whole(range)]
            case .minute, .quarter, .hour: fixed(range, step.fixedSeconds ?? 60, most)
            case .day, .week, .month: dates(range, most)
            }
        guard let buckets else {
            throw QuestionError(
                "the range holds more than \(most) buckets of one \(step.rawValue): "
                    + "ask for less time or for a longer window")
        }
        return buckets
    }

    private func whole(_ range: TimeRange) -> Bucket {
        Bucket(
            start: range.start, end: range.end, local: range.start + zone.offset(at: range.start),
            wholeStart: range.start, wholeEnd: range.end)
    }

    /// Cells are quarter-hours of UTC, so an offset between them would cut every cell.
    private func checkOffsets(_ range: TimeRange) throws(QuestionError) {
        var second = range.start
        while second < range.end {
            let span = zone.span(at: second)
            guard span.offset % 900 == 0 else {
                let until =
                    span.end == .max
                    ? "" : "; from \(TimeText.second(span.end)) on it can be answered"
                throw QuestionError(
                    "zone \(zone.name) is \(span.offset) seconds from UTC at "
                        + "\(TimeText.second(second)), which is no multiple of 15 minutes\(until)")
            }
            second = span.end
        }
    }

    /// Minutes, quarter-hours or hours; a change of the offset begins another one.
    private func fixed(_ range: TimeRange, _ length: Int64, _ most: Int) -> [Bucket]? {
        var found: [Bucket] = []
        var span = zone.span(at: range.start)
        var start = range.start
        while start < range.end {
            guard found.count < most else { return nil }
            if start >= span.end { span = zone.span(at: start) }
            let local = Metering.floorDivide(start + span.offset, length) * length
            let end = min(local - span.offset + length, span.end)
            found.append(
                Bucket(
                    start: start, end: min(end, range.end), local: local,
                    wholeStart: max(local - span.offset, span.start), wholeEnd: end))
            start = end
        }
        return found
    }

    /// Days, weeks or months.
    private func dates(_ range: TimeRange, _ most: Int) -> [Bucket]? {
        var found: [Bucket] = []
        var number = number(at: range.start)
        var start = first(number)
        while start < range.end {
            let end = first(number + 1)
            if end > start {
                guard found.count < most else { return nil }
                found.append(
                    Bucket(
                        start: max(start, range.start), end: min(end, range.end),
                        local: step.local(of: number), wholeStart: start, wholeEnd: end))
            }
            start = end
            number += 1
        }
        return found
    }

    /// The start of the bucket that holds a second.
    func start(at second: Int64) -> Int64 { whole(at: second).start }

    /// The first second after the bucket that holds a second.
    func end(at second: Int64) -> Int64 { whole(at: second).end }

    private func whole(at second: Int64) -> TimeRange {
        switch step {
        case .none: return TimeRange(start: second, end: second)
        case .minute, .quarter, .hour:
            let length = step.fixedSeconds ?? 60
            let span = zone.span(at: second)
            let start = Metering.floorDivide(second + span.offset, length) * length - span.offset
            return TimeRange(start: max(start, span.start), end: min(start + length, span.end))
        case .day, .week, .month:
            let number = number(at: second)
            return TimeRange(start: first(number), end: first(number + 1))
        }
    }

    private func first(_ number: Int32) -> Int64 {
        zone.firstMoment(ofLocal: step.local(of: number))
    }

    /// The number of the last step that has begun.
    ///
    /// Where midnight comes twice, clocks show the day before once more although its bucket is
    /// over.
    private func number(at second: Int64) -> Int32 {
        var number = step.number(ofLocal: second + zone.offset(at: second))
        while first(number + 1) <= second { number += 1 }
        while first(number) > second { number -= 1 }
        return number
    }
}

extension Zone {
    /// The first moment at which clocks show this local time or a later one; within a million years
    /// of 1970.
    public func firstMoment(ofLocal local: Int64) -> Int64 {
        // No offset is 26 hours or more, so clocks show less before that.
        var span = span(at: local - 26 * 3_600)
        while true {
            let moment = max(span.start, local - span.offset)
            if moment < span.end { return moment }
            span = self.span(at: span.end)
        }
    }

    /// A time of this zone in RFC 3339, with its offset; `Z` only in UTC itself.
    public func text(_ second: Int64) -> String {
        if name == "UTC" { return TimeText.second(second) }
        let offset = offset(at: second)
        let minutes = abs(offset) / 60
        func two(_ value: Int64) -> String { (value < 10 ? "0" : "") + String(value) }
        return TimeText.second(second + offset).dropLast()
            + (offset < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60)
    }
}
