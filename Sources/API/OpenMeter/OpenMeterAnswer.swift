import HTTPServer
import Metering
import Query
import Zones

/// Whose events a request may see.
struct OpenMeterSight {
    /// The organization of the key or token.
    let organization: [UInt8]
    /// Whether it may see all organizations.
    let isOperator: Bool
}

/// The rows of a question, without those of which nothing was counted.
struct OpenMeterAnswer {
    struct Row {
        /// The window, which is whole even where the range cuts it.
        var start: Int64
        var end: Int64
        /// Nil where rows are not told apart by subject.
        var subject: [UInt8]?
        /// The values of the question's keys, in their order.
        var values: [[UInt8]]
        /// Times 10^scale.
        var number: Int64
    }

    let question: OpenMeterQuestion
    let rows: [Row]
    /// What was read; nil where nothing had to be.
    let answers: Answers?

    /// The most windows of an answer: a month of minutes, five years of hours.
    static let mostWindows = 45_000
    /// How long ago an end may be that is taken for now where it is inside a cell.
    static let nowSeconds: Int64 = 60

    init(
        _ question: OpenMeterQuestion, _ call: borrowing Call, _ sight: OpenMeterSight
    ) throws(Problem) {
        self.question = question
        if !sight.isOperator, let subjects = question.subjects,
            !subjects.contains(sight.organization)
        {
            rows = []
            answers = nil
            return
        }
        let engine = call.worker.engine
        let plan = try OpenMeterAnswer.plan(question, engine, sight)
        do throws(QueryError) {
            let found = try call.worker.rows(plan, of: sight.organization)
            answers = found.answers
            rows = try OpenMeterAnswer.rows(question, plan, found.rows, engine, sight)
        } catch {
            throw Call.problem(error)
        }
    }

    // MARK: The plan

    private static func plan(
        _ question: OpenMeterQuestion, _ engine: QueryEngine, _ sight: OpenMeterSight
    ) throws(Problem) -> QuestionPlan {
        var ask = MeterAsk(
            meter: question.meter.name, step: question.step, zone: question.zone,
            by: question.keys, filters: question.filters, order: .time,
            limit: QuestionRows.most, fill: .null)
        ask.mostBuckets = mostWindows
        if sight.isOperator {
            ask.subjects = question.subjects.map { Subjects.some($0) } ?? .all
            if question.hasSubject { ask.by.append(Subjects.dimension) }
        }
        let keepsAll = engine.summary(question.meter.name)?.windows.contains("all") ?? false
        if question.from != nil || question.to != nil || question.step != .none || !keepsAll {
            let day = TimeRange.secondsPerDay
            // Events may be ahead of their records, by less than two days.
            let today = Metering.floorDivide(
                max(engine.clock.seconds, question.from?.second ?? 0), day)
            let end = question.to?.second ?? (today + 3) * day
            ask.to = end
            ask.from = question.from?.second ?? min(engine.firstMonth, end - day)
        }
        let plan: QuestionPlan
        do throws(QuestionError) {
            plan = try engine.plan(ask)
        } catch {
            throw Problem(400, error.description)
        }
        try check(plan, question, engine)
        return plan
    }

    /// Refuses what would not be about exactly the range that was asked for.
    private static func check(
        _ plan: QuestionPlan, _ question: OpenMeterQuestion, _ engine: QueryEngine
    ) throws(Problem) {
        let (name, names, zone) = (question.meter.name, question.names, question.zone)
        for clip in plan.clips {
            let next = zone.text(clip.answered)
            if clip.isStart {
                throw Problem(
                    400,
                    question.from == nil
                        ? "\(name) keeps windows of this length from \(next) on: give \(names.from)"
                        : "\(names.from) is inside the shortest time that \(name) keeps then; the "
                            + "next edge is \(next)")
            }
            // Nothing is later than now, so that a cell that is not over holds nothing more.
            if clip.asked > engine.clock.seconds - nowSeconds { continue }
            throw Problem(
                400,
                "\(names.to) is inside the shortest time that \(name) keeps then; the nearest edge "
                    + "is \(next)")
        }
        guard plan.buckets.allSatisfy(\.isExact) else {
            throw Problem(
                400,
                "clocks of \(zone.name) change inside a quarter-hour there, and \(name) keeps no "
                    + "minutes of that time")
        }
    }

    // MARK: The rows

    private static func rows(
        _ question: OpenMeterQuestion, _ plan: QuestionPlan, _ found: QuestionRows,
        _ engine: QueryEngine, _ sight: OpenMeterSight
    ) throws(QueryError) -> [Row] {
        guard !found.isTooLarge else {
            throw QueryError(
                .tooManyCells,
                "the answer would have more than \(QuestionRows.most) rows: ask for longer windows "
                    + "or for fewer dimensions, or filter")
        }
        let nowSeconds = engine.clock.seconds
        let whole = (
            start: question.from?.second ?? engine.firstMonth,
            end: question.to?.second ?? (Metering.floorDivide(nowSeconds, 60) + 1) * 60
        )
        var rows: [Row] = []
        for place in found.page(offset: 0, limit: QuestionRows.most) {
            guard case .single(.integer(let number)?) = found.value(place) else { continue }
            var values = found.groups[place.group]
            var subject: [UInt8]?
            if question.hasSubject {
                subject = sight.isOperator ? values.removeLast() : sight.organization
            }
            let bucket = plan.buckets[place.bucket]
            let isWhole = question.step == .none
            rows.append(
                Row(
                    start: isWhole ? whole.start : bucket.wholeStart,
                    end: isWhole ? whole.end : bucket.wholeEnd, subject: subject,
                    values: values, number: number))
        }
        let isGrouped = question.hasSubject || !question.keys.isEmpty || question.step != .none
        if rows.isEmpty, !isGrouped, question.meter.aggregation.isCount {
            rows.append(
                Row(start: whole.start, end: whole.end, subject: nil, values: [], number: 0))
        }
        return rows
    }

    // MARK: Replies

    /// The answer as JSON, which the closure writes, or as CSV.
    func reply(csv: Bool, _ write: (inout JSONWriter) -> Void) -> Reply {
        var reply: Reply
        if let answers {
            reply = Reply(answers) { csv ? () : write(&$0) }
        } else {
            var json = JSONWriter()
            if !csv { write(&json) }
            reply = Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
        }
        guard csv else { return reply }
        reply.body = self.csv()
        reply.contentType = "text/csv"
        reply.headers.append(
            .init(
                name: "Content-Disposition",
                value: "attachment; filename=\(question.meter.name).csv"))
        return reply
    }

    private func csv() -> [UInt8] {
        let isThird = !question.names.hasDollars
        var csv = CSVWriter(lineEnd: [0x0A])
        let head =
            (isThird ? ["from", "to"] : ["window_start", "window_end"])
            + (question.hasSubject ? ["subject"] : []) + question.keys + ["value"]
        csv.line(head.map { Array($0.utf8) })
        var times = OpenMeterTimes(question.zone)
        let scale = question.meter.scale
        for row in rows {
            let (start, end) = times.texts(row.start, row.end)
            let number =
                isThird
                ? OpenMeterNumber.shortest(row.number, scale: scale)
                : OpenMeterNumber.sixDecimals(row.number, scale: scale)
            csv.line(
                [Array(start.utf8), Array(end.utf8)] + (row.subject.map { [$0] } ?? []) + row.values
                    + [Array(number.utf8)])
        }
        return csv.bytes
    }
}

extension QueryEngine {
    /// The start of the first month that can have events.
    fileprivate var firstMonth: Int64 {
        Window.month.start(of: Window.month.number(ofSecond: firstSecond))
    }
}

/// The texts of the window that was written last.
struct OpenMeterTimes {
    private let zone: Zone
    private var known: (start: Int64, end: Int64)?
    private var found = (start: "", end: "")

    init(_ zone: Zone) { self.zone = zone }

    mutating func texts(_ start: Int64, _ end: Int64) -> (start: String, end: String) {
        if known?.start != start || known?.end != end {
            known = (start, end)
            found = (zone.text(start), zone.text(end))
        }
        return found
    }
}

/// Texts of numbers that are kept times 10^scale.
enum OpenMeterNumber {
    /// As few digits as it has.
    static func shortest(_ value: Int64, scale: Int) -> String {
        var (value, scale) = (value, scale)
        while scale > 0, value % 10 == 0 {
            value /= 10
            scale -= 1
        }
        return ScaledNumber.text(value, scale: scale)
    }

    /// Six decimals, halves rounded away from zero.
    static func sixDecimals(_ value: Int64, scale: Int) -> String {
        var divisor: Int64 = 1
        for _ in 0..<max(0, scale - 6) { divisor *= 10 }
        let text = ScaledNumber.text(
            Rounded.ratio(value, times: 1, by: divisor), scale: min(scale, 6))
        let missing = 6 - min(scale, 6)
        return text + (missing == 6 ? "." : "") + String(repeating: "0", count: missing)
    }
}
