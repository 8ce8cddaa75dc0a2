import HTTPServer
import Query

/// Reads query parameters; what is wrong with one is a problem that names it.
struct Parameters {
    private let request: Request
    private let status: Int

    /// Bad parameters are answered with `status`.
    init(_ request: Request, badStatus status: Int) {
        self.request = request
        self.status = status
    }

    func problem(_ message: String) -> Problem { Problem(status, message) }

    /// The value of a parameter that may stand once.
    func text(_ name: String) throws(Problem) -> [UInt8]? {
        switch request.parameter(name) {
        case .absent: return nil
        case .once(let value): return value
        case .repeated: throw problem("\(name) is given more than once")
        }
    }

    /// A decimal integer within a range.
    func integer(_ name: String, _ range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let text = try text(name) else { return nil }
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        guard (1...18).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
            let number = Int64(String(decoding: text, as: UTF8.self))
        else { throw problem("\(name) is not an integer") }
        guard range.contains(number) else {
            throw problem("\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// An RFC 3339 time, in whole seconds since 1970, rounded down or up.
    func time(_ name: String, roundingUp: Bool = false) throws(Problem) -> Int64? {
        guard let text = try text(name) else { return nil }
        guard let nanoseconds = TimeText.nanoseconds(rfc3339: text) else {
            throw problem("\(name) is not an RFC 3339 time with a zone")
        }
        let seconds = nanoseconds / 1_000_000_000
        let rest = nanoseconds % 1_000_000_000
        if rest < 0 { return roundingUp ? seconds : seconds - 1 }
        return rest > 0 && roundingUp ? seconds + 1 : seconds
    }

    /// Whole UTC days from two seconds: see the common rules of the day-based shapes.
    func wholeDays(
        start: Int64?, end: Int64?, names: (start: String, end: String), now: Int64
    ) throws(Problem) -> TimeRange {
        let range: TimeRange
        switch (start, end) {
        case (nil, nil): range = .days(30, until: now)
        case (let start?, nil):
            let today = TimeRange.days(1, until: now)
            guard start < today.end else {
                throw problem("\(names.start) is later than today")
            }
            range = TimeRange(wholeDaysFrom: start, to: today.end)
        case (nil, let end?):
            let last = TimeRange(wholeDaysFrom: end - 1, to: end)
            range = TimeRange(start: last.end - 30 * TimeRange.day, end: last.end)
        case (let start?, let end?):
            guard start <= end else { throw problem("\(names.start) is after \(names.end)") }
            range = TimeRange(wholeDaysFrom: start, to: end)
        }
        guard range.dayCount <= 366 else {
            throw problem("\(names.start) and \(names.end) are more than 366 days apart")
        }
        return range
    }

    /// The windows that answer exactly these days for all these meters; a range that the meters no
    /// longer hold so is a problem that says what they hold, never an answer about more days.
    func exactCoverage(
        of meters: [String], _ range: TimeRange, names: (start: String, end: String),
        _ engine: QueryEngine
    ) throws(Problem) -> Coverage {
        guard let coverage = engine.exactCoverage(of: meters, range) else {
            throw problem("\(names.start) and \(names.end): \(engine.keptDays(of: meters))")
        }
        return coverage
    }
}
