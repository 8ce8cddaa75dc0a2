import HTTPServer
import Query
import Spelling

/// Reads query parameters; what is wrong with one is a problem that names it.
struct Parameters {
    private let request: Request
    private let status: Int

    /// The parameters of a request for a path that takes `known` and no others; bad parameters are
    /// answered with `status`.
    ///
    /// An unknown name is refused, because an answer does not show that a filter was ignored. A name
    /// in `lists` may also be written as clients write arrays: `name[]`, `name[0]`.
    init(
        _ request: Request, known: [String], lists: [String] = [], badStatus status: Int
    ) throws(Problem) {
        self.request = request
        self.status = status
        for parameter in request.query {
            let name = parameter.name
            if known.contains(where: { $0.utf8.elementsEqual(name) })
                || lists.contains(where: { Parameters.isItem(name, of: $0) })
            {
                continue
            }
            throw problem(Parameters.unknown(name, known: known + lists))
        }
    }

    /// Refuses every parameter, for a path that takes none.
    static func refuseAll(of request: Request, badStatus status: Int) throws(Problem) {
        _ = try Parameters(request, known: [], badStatus: status)
    }

    func problem(_ message: String) -> Problem { Problem(status, message) }

    /// The value of a parameter that may stand once.
    ///
    /// An empty one is refused: it is most likely a field of a form that nobody filled in, and an
    /// answer for the value of no length would look like one about nothing.
    func text(_ name: String) throws(Problem) -> [UInt8]? {
        guard let value = try anyText(name) else { return nil }
        guard !value.isEmpty else { throw problem("\(name) is empty") }
        return value
    }

    /// The value of a parameter that may stand once and may be empty.
    func anyText(_ name: String) throws(Problem) -> [UInt8]? {
        switch request.parameter(name) {
        case .absent: return nil
        case .once(let value): return value
        case .repeated: throw problem("\(name) is given more than once")
        }
    }

    /// The values of a parameter that may stand many times, also empty ones, in the order of the
    /// query.
    func texts(_ name: String) -> [[UInt8]] {
        request.query.filter { Parameters.isItem($0.name, of: name) }.map(\.value)
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

    /// Whether a name is `list`, `list[]` or `list[DIGITS]`.
    private static func isItem(_ name: [UInt8], of list: String) -> Bool {
        guard name.starts(with: list.utf8) else { return false }
        let rest = name.dropFirst(list.utf8.count)
        guard let first = rest.first else { return true }
        return rest.count >= 2 && first == UInt8(ascii: "[") && rest.last == UInt8(ascii: "]")
            && rest.dropFirst().dropLast().allSatisfy { (48...57).contains($0) }
    }

    private static func unknown(_ name: [UInt8], known: [String]) -> String {
        let longest = 64
        let text = String(decoding: name.prefix(longest), as: UTF8.self)
        let shown = "unknown parameter \"\(text)\(name.count > longest ? "…" : "")\""
        if known.isEmpty { return "\(shown): this path takes no parameters" }
        let suggestion = name.count > longest ? "" : Suggestion.text(for: text, among: known)
        return suggestion.isEmpty
            ? "\(shown); known are: \(known.joined(separator: ", "))" : shown + suggestion
    }

    /// Whole UTC days from two seconds: see the common rules of the day-based shapes.
    func wholeDays(
        start: Int64?, end: Int64?, names: (start: String, end: String), now: Int64
    ) throws(Problem) -> TimeRange {
        let range: TimeRange
        switch (start, end) {
        case (nil, nil): range = .days(30, until: now)
        case (let start?, nil):
            // A start that is later than today has its own day: zeros, as between two future dates.
            range = TimeRange(
                wholeDaysFrom: start, to: max(start, TimeRange.days(1, until: now).end))
            guard range.dayCount <= 366 else {
                throw problem("\(names.start) is more than 366 days ago; give \(names.end) too")
            }
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
