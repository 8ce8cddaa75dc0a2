internal import Metering

/// What a meter of any kind holds for one range.
public enum MeterValue: Sendable, Hashable {
    /// A value by the meter's `by` dimensions.
    public struct Row: Sendable, Hashable {
        /// Values of the dimensions, in the meter's order.
        public var members: [[UInt8]]
        /// The value.
        public var value: MeterNumber
    }
    /// One value; nil where an extreme was never set.
    case single(MeterNumber?)
    /// In the order of rankings; extremes by member.
    case rows([Row])
    /// A histogram.
    case steps([Histogram.Step])
    /// By weekday and hour.
    case grid([GridCell])
}

/// One value of a meter.
public enum MeterNumber: Sendable, Hashable {
    /// A number times 10^scale of the meter.
    case integer(Int64)
    /// Nanoseconds since 1970.
    case time(Int64)
    /// A text.
    case text([UInt8])
}

extension QueryEngine {
    /// How many windows of that name touch a range; 0 where there is no such window.
    public static func windowCount(_ windowName: String, _ range: TimeRange) -> Int64 {
        guard let window = Window(name: windowName) else { return 0 }
        let first = window.number(ofSecond: range.start)
        let last = max(first, window.number(ofSecond: range.end - 1))
        return Int64(last) - Int64(first) + 1
    }

    /// The coverages of the single windows of that name that touch a range, oldest first.
    ///
    /// Nil where the meter does not keep such windows or there would be more than `most`.
    public func windows(
        of name: String, _ windowName: String, _ range: TimeRange, most: Int
    ) -> [Coverage]? {
        guard let meter = meter(name), let window = Window(name: windowName),
            meter.declaration.windows.contains(window)
        else { return nil }
        if window == .all { return [.allTime] }
        let first = window.number(ofSecond: range.start)
        let last = max(first, window.number(ofSecond: range.end - 1))
        guard Int64(last) - Int64(first) < Int64(most) else { return nil }
        return (first...last).map { Coverage(window, number: $0) }
    }
}

extension Coverage {
    init(_ window: Window, number: Int32) {
        self.init(
            range: TimeRange(start: window.start(of: number), end: window.end(of: number)),
            pieces: [Piece(window: window, numbers: number..<number + 1)])
    }
}

extension Inquiry {
    /// What a meter of any kind holds over a coverage.
    public mutating func value(
        of name: String, _ coverage: Coverage, scope: CellScope = .organization
    ) -> Question<MeterValue> {
        guard let meter = meter(name) else { return Question { _ in .single(nil) } }
        let scopes = [scope]
        switch meter.form {
        case .grid:
            let cells = grid(name, scopes: scopes)
            return Question { .grid(cells.resolve($0)) }
        case .histogram:
            let histogram = histogram(name, coverage, scopes: scopes)
            return Question { .steps(histogram.resolve($0).steps) }
        case .distinct:
            let count = distinct(name, coverage, scopes: scopes)
            return Question { .single(.integer(count.resolve($0))) }
        case .ranking:
            let members = ranking(name, coverage, scopes: scopes)
            return Question { .rows(Inquiry.rows(members.resolve($0))) }
        case .extreme:
            let text = extremeText(meter, coverage, scopes)
            let number = storedNumber(of: meter)
            return Question { .single(text.resolve($0).flatMap(number)) }
        case .extremeTable:
            return extremeRows(meter, coverage, scopes)
        case .table:
            let members = table(name, coverage, scopes: scopes)
            return Question { .rows(Inquiry.rows(members.resolve($0))) }
        case .sum:
            let sum = sum(name, coverage, scopes: scopes)
            return Question { .single(.integer(sum.resolve($0))) }
        }
    }

    /// A function that reads stored values of that meter.
    func storedNumber(of meter: KnownMeter) -> ([UInt8]) -> MeterNumber? {
        let kind = engine.summary(meter.declaration.name)?.valueKind ?? .text
        return { kind.number($0, meter.keep) }
    }

    private mutating func extremeRows(
        _ meter: KnownMeter, _ coverage: Coverage, _ scopes: [CellScope]
    ) -> Question<MeterValue> {
        let number = storedNumber(of: meter)
        let texts = extremeTextTable(meter, coverage, scopes)
        return Question { snapshot in
            let rows = texts.resolve(snapshot).compactMap { members, text in
                number(text).map { MeterValue.Row(members: members, value: $0) }
            }
            return .rows(rows.sorted { RankingOrder.precedes($0.members, $1.members) })
        }
    }

    private static func rows(_ numbers: Breakdown) -> [MeterValue.Row] {
        numbers.ranked.map { MeterValue.Row(members: $0.members, value: .integer($0.number)) }
    }
}

extension MeterSummary.ValueKind {
    /// The value of an extreme that is stored so.
    func number(_ text: [UInt8], _ keep: MeterDeclaration.Keep?) -> MeterNumber? {
        // Before a first or last value there are 20 digits of time and a colon.
        let value = Array(text.dropFirst(keep == .first || keep == .last ? 21 : 0))
        switch self {
        case .text: return .text(value)
        case .integer: return CellText.shifted(value).map { .integer($0) }
        case .time: return CellText.shifted(value).map { .time($0) }
        }
    }
}
