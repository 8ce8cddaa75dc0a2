import HTTPServer
public import Ingest
import Metering
import Query

/// The generic API: every meter of the catalog by its name, also a user's own.
public struct OperationsDialect: Dialect {
    /// Its name in credentials and in configuration.
    public let name = "operations"
    /// Request headers that its answers depend on.
    public let credentialHeaders = "Authorization"
    /// A key in `Authorization`.
    public let scheme = CredentialScheme.bearer
    /// Yes, for questions over organizations.
    public let takesOperators = true
    /// All of its paths are below it.
    public let root = "/v1"
    /// Its paths; they need no particular meter.
    public var routes: [DialectRoute] {
        [
            DialectRoute("meters", root + "/meters", answer: list),
            DialectRoute("meter", root + "/meters/{meter}", answer: meter),
        ] + questionRoutes + [
            DialectRoute("subjects", root + "/meters/{meter}/subjects", answer: subjects)
        ] + eventRoutes + checkRoutes
    }

    private static let mostWindows = 1_000
    private static let mostDays: Int64 = 3_660
    private static let parameterNames = ["start", "end", "window", "limit", "numbers"]

    /// What checks need while Redis is away.
    let memory = LimitMemory()
    /// What takes events; nil: none are taken.
    let intake: EventIntake?

    /// The dialect.
    public init(intake: EventIntake? = nil) { self.intake = intake }

    func requireReader(_ call: borrowing Call) throws(Problem) -> Credential {
        let credential = try call.requireCredential(
            call.bearerToken(), for: self, message: "Invalid or missing API key")
        guard credential.role != .write else { throw Problem(403, "Write keys cannot read meters") }
        return credential
    }

    private func meter(_ call: borrowing Call) throws(Problem) -> Reply {
        let credential = try requireReader(call)
        guard credential.role != .operator else {
            throw Problem(
                403, "Operator keys do not open this path: ask at \(root)/meters/{meter}/query")
        }
        let name = call.segments["meter"].map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let meter = call.worker.engine.summary(name) else {
            throw Problem(404, "There is no such meter")
        }
        guard meter.derived == nil else {
            throw Problem(
                400,
                "\(name) is a \(meter.kind), which has no cells: ask /v1/meters/\(name)/query")
        }
        return try value(of: meter, call, credential.organization)
    }

    /// `{error, message}`.
    public func body(of problem: Problem) -> [UInt8] { plainErrorBody(problem) }

    private func list(_ call: borrowing Call) throws(Problem) -> Reply {
        _ = try requireReader(call)
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        var json = JSONWriter()
        let meters = call.worker.engine.summaries
        json.object {
            $0.array("meters") { list in
                for meter in meters {
                    list.object { json in
                        json.member("name", string: meter.name)
                        json.member("kind", string: meter.kind)
                        if let keep = meter.keep { json.member("keep", string: keep) }
                        json.array("windows") { list in meter.windows.forEach { list.string($0) } }
                        json.array("by") { list in meter.by.forEach { list.string($0) } }
                        json.array("per") { list in
                            for scope in meter.scopes {
                                list.array { list in scope.forEach { list.string($0) } }
                            }
                        }
                        if meter.isAcross { json.member("across", bool: true) }
                        if meter.scale > 0 { json.member("scale", integer: Int64(meter.scale)) }
                        if let sources = meter.derived?.sources {
                            json.array("from") { list in sources.forEach { list.string($0) } }
                        }
                    }
                }
            }
        }
        return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
    }

    private func value(
        of meter: MeterSummary, _ call: borrowing Call, _ organization: [UInt8]
    ) throws(Problem) -> Reply {
        let reserved = OperationsDialect.reserved(meter)
        let dimensions = Set(meter.scopes.joined()).subtracting(reserved)
        let parameters = try Parameters(
            call.request, known: reserved + dimensions.sorted(), badStatus: 400)
        let scope = try scope(of: meter, call, parameters)
        let style = NumberStyle(
            scale: meter.scale, isText: try OperationsDialect.asksForTexts(parameters, reserved))
        let limit = try parameters.integer("limit", 1...10_000) ?? 1_000
        let coverages = try coverages(of: meter, call, parameters)
        var inquiry = call.worker.inquiry(organization)
        let questions = coverages.map { inquiry.value(of: meter.name, $0, scope: scope) }
        let answers = try call.answer(inquiry)
        var range: TimeRange?
        if let first = coverages.first?.range, let last = coverages.last?.range {
            range = TimeRange(start: first.start, end: last.end)
        }
        return Reply(answers, range: range) { json in
            json.object { json in
                json.member("meter", string: meter.name)
                json.member("kind", string: meter.kind)
                json.object("per") {
                    for dimension in scope.dimensions {
                        $0.member(dimension.name, string: dimension.value)
                    }
                }
                json.array("data") { list in
                    for (coverage, question) in zip(coverages, questions) {
                        list.object {
                            $0.name("start")
                            $0.time(coverage.range?.start)
                            $0.name("end")
                            $0.time(coverage.range?.end)
                            $0.meterValue(answers[question], meter, style, limit: Int(limit))
                        }
                    }
                }
            }
        }
    }

    /// The names of parameters that are no dimensions.
    ///
    /// `numbers` came later than meters that may have a dimension of that name, which keeps it.
    private static func reserved(_ meter: MeterSummary) -> [String] {
        parameterNames.filter { $0 != "numbers" || !meter.scopes.joined().contains($0) }
    }

    private static func asksForTexts(
        _ parameters: Parameters, _ reserved: [String]
    ) throws(Problem) -> Bool {
        guard reserved.contains("numbers"), let text = try parameters.text("numbers") else {
            return false
        }
        guard text.elementsEqual("text".utf8) else {
            throw parameters.problem("numbers must be text")
        }
        return true
    }

    /// The cells with exactly the dimensions that the query gives.
    ///
    /// A dimension's value may be empty, because an event's text may be.
    private func scope(
        of meter: MeterSummary, _ call: borrowing Call, _ parameters: Parameters
    ) throws(Problem) -> CellScope {
        let names = Set(
            call.request.query.map { String(decoding: $0.name, as: UTF8.self) }
                .filter { !OperationsDialect.reserved(meter).contains($0) })
        guard let scope = meter.scopes.first(where: { Set($0) == names }) else {
            let known = meter.scopes.map { $0.isEmpty ? "none" : $0.joined(separator: " and ") }
            let asked =
                names.isEmpty
                ? "of the whole organization" : "per \(names.sorted().joined(separator: " and "))"
            throw parameters.problem(
                "the meter has no cells \(asked); "
                    + "dimensions may be: \(known.joined(separator: "; "))")
        }
        var dimensions: [(name: String, value: [UInt8])] = []
        for name in scope { dimensions.append((name, try parameters.anyText(name) ?? [])) }
        return CellScope(dimensions)
    }

    /// One coverage for each window where the query names a window, else one for the whole range.
    private func coverages(
        of meter: MeterSummary, _ call: borrowing Call, _ parameters: Parameters
    ) throws(Problem) -> [Coverage] {
        let start = try parameters.time("start")
        let end = try parameters.time("end", roundingUp: true)
        let window = try parameters.text("window").map { String(decoding: $0, as: UTF8.self) }
        let isUndated = start == nil && end == nil
        guard !meter.windows.isEmpty else {
            // A grid has one set of cells, over all of time.
            guard isUndated, window == nil else {
                throw parameters.problem(
                    "the meter has no time windows: start, end and window cannot be given")
            }
            return [.allTime]
        }
        if let window, !meter.windows.contains(window) {
            throw parameters.problem(
                "window must be one of: \(meter.windows.joined(separator: ", "))")
        }
        if window ?? "all" == "all", isUndated, meter.windows.contains("all") { return [.allTime] }
        guard window != "all" else {
            throw parameters.problem("start and end cannot be given with window=all")
        }
        guard meter.windows != ["all"] else {
            throw parameters.problem(
                "the meter keeps only the window all: start and end cannot be given")
        }
        let range = try OperationsDialect.range(
            start, end, window, nowSeconds: call.nowSeconds, parameters)
        guard let window else {
            return [call.worker.engine.coverage(of: [meter.name], range)]
        }
        return call.worker.engine.windows(
            of: meter.name, window, range, most: OperationsDialect.mostWindows) ?? []
    }

    /// The range of a query; throws where it is too long for an answer.
    ///
    /// With only a start: up to now, at least one second. With only an end: as long as the default.
    /// Without both: the default, up to now.
    private static func range(
        _ start: Int64?, _ end: Int64?, _ window: String?, nowSeconds: Int64,
        _ parameters: Parameters
    ) throws(Problem) -> TimeRange {
        let last = end ?? max(nowSeconds, start ?? nowSeconds) + 1
        let first = start ?? last - defaultSpanSeconds(window)
        guard first <= last else { throw parameters.problem("start is after end") }
        let range = TimeRange(start: first, end: max(last, first + 1))
        let dates = end == nil ? "start and now" : "start and end"
        if let window {
            let count = QueryEngine.windowCount(window, range)
            guard count <= mostWindows else {
                throw parameters.problem(
                    "\(dates) hold \(count) windows of one \(window); "
                        + "at most \(mostWindows) are answered")
            }
        } else if range.dayCount > mostDays {
            throw parameters.problem("\(dates) are more than \(mostDays) days apart")
        }
        return range
    }

    /// The length of the range where its start is not given: few enough windows for one answer.
    private static func defaultSpanSeconds(_ window: String?) -> Int64 {
        switch window {
        case "minute": 12 * 3_600
        case "quarter": 7 * TimeRange.secondsPerDay
        default: 30 * TimeRange.secondsPerDay
        }
    }
}

extension JSONWriter {
    fileprivate mutating func time(_ second: Int64?) {
        if let second { string(TimeText.second(second)) } else { null() }
    }

    fileprivate mutating func number(_ number: MeterNumber?, _ style: NumberStyle) {
        switch number {
        case .integer(let value): self.number(value, style)
        case .time(let nanoseconds):
            TimeText.withSevenDecimals(nanoseconds: nanoseconds) { string($0) }
        case .text(let text): string(text)
        case nil: null()
        }
    }

    /// Writes a number exactly, as a JSON number or as a string.
    private mutating func number(_ value: Int64, _ style: NumberStyle) {
        if style.isText {
            string(ScaledNumber.text(value, scale: style.scale))
        } else {
            decimal(scaled: value, digits: style.scale)
        }
    }

    fileprivate mutating func meterValue(
        _ value: MeterValue, _ meter: MeterSummary, _ style: NumberStyle, limit: Int
    ) {
        let count = NumberStyle(scale: 0, isText: style.isText)
        switch value {
        case .single(let single):
            name("value")
            number(single, style)
        case .rows(let rows):
            array("rows") { list in
                for row in rows.prefix(limit) {
                    list.object { json in
                        for (name, member) in zip(meter.by, row.members) {
                            json.member(name, string: member)
                        }
                        json.name("value")
                        json.number(row.value, style)
                    }
                }
            }
        case .steps(let steps):
            array("steps") { list in
                for step in steps {
                    list.object {
                        $0.name("low")
                        $0.number(step.low, style)
                        $0.name("high")
                        $0.number(step.high, style)
                        $0.name("count")
                        $0.number(step.count, count)
                    }
                }
            }
        case .grid(let cells):
            array("cells") { list in
                for cell in cells {
                    list.gridCell(cell) { $0.number(cell.count, style) }
                }
            }
        }
    }
}

/// How the numbers of one answer are written.
private struct NumberStyle {
    /// Decimals of the meter's numbers, which are kept times 10^scale.
    let scale: Int
    /// Whether as strings, for clients that read JSON numbers as doubles.
    let isText: Bool
}
