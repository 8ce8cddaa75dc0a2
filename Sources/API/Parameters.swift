import HTTPServer
import Query
import Spelling

/// Reads query parameters; a bad one is a `Problem` that names it.
struct Parameters {
    private let request: Request
    private let status: Int

    /// The parameters of a request for a path that knows only the names in `known` and `lists`.
    ///
    /// Bad parameters are answered with `status`. An unknown name is refused, because an answer
    /// would not show that a filter was ignored. A name in `lists` may also have one of the forms
    /// that clients use for arrays: `name[]`, `name[0]`.
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

    /// The value of a parameter that may be given once.
    ///
    /// An empty value is refused: most likely it is an input of a form that was not filled in, and
    /// an answer about the empty text would look like an answer without numbers.
    func text(_ name: String) throws(Problem) -> [UInt8]? {
        guard let value = try anyText(name) else { return nil }
        guard !value.isEmpty else { throw problem("\(name) is empty") }
        return value
    }

    /// The value of a parameter that may be given once and may be empty.
    func anyText(_ name: String) throws(Problem) -> [UInt8]? {
        switch request.parameter(name) {
        case .absent: return nil
        case .once(let value): return value
        case .repeated: throw problem("\(name) is given more than once")
        }
    }

    /// The values of a parameter that may be given many times, in the order of the query; they may
    /// be empty.
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

    /// The whole UTC days between two seconds since 1970, by the rules that all day-based paths
    /// share.
    ///
    /// The start is floored and the end raised to midnight. Without both: the 30 days that end with
    /// today. At most 366 days.
    func wholeDays(
        start: Int64?, end: Int64?, names: (start: String, end: String), nowSeconds: Int64
    ) throws(Problem) -> TimeRange {
        let range: TimeRange
        switch (start, end) {
        case (nil, nil): range = .days(30, until: nowSeconds)
        case (let start?, nil):
            // A start later than today gives its own day, with zeros, as two future dates do.
            range = TimeRange(
                wholeDaysFrom: start, to: max(start, TimeRange.days(1, until: nowSeconds).end))
            guard range.dayCount <= 366 else {
                throw problem("\(names.start) is more than 366 days ago; give \(names.end) too")
            }
        case (nil, let end?):
            let last = TimeRange(wholeDaysFrom: end - 1, to: end)
            range = TimeRange(start: last.end - 30 * TimeRange.secondsPerDay, end: last.end)
        case (let start?, let end?):
            guard start <= end else { throw problem("\(names.start) is after \(names.end)") }
            range = TimeRange(wholeDaysFrom: start, to: end)
        }
        guard range.dayCount <= 366 else {
            throw problem("\(names.start) and \(names.end) are more than 366 days apart")
        }
        return range
    }

    /// The windows that answer exactly these days for all these meters.
    ///
    /// Throws where the meters no longer keep such windows; the message says which days are kept.
    /// An answer is never about more days than were asked for.
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
