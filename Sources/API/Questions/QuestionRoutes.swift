import HTTPServer
import Metering
import Query
import Zones

/// Questions about meters in any zone: `/v1/meters/{meter}/query` and `/v1/query`.
extension OperationsDialect {
    /// The most questions of one body.
    static let mostQuestions = 20

    var questionRoutes: [DialectRoute] {
        let path = root + "/meters/{meter}/query"
        return [
            DialectRoute("query", path) { call throws(Problem) in
                let credential = try self.requireReader(call)
                let name = try OperationsDialect.meterName(call)
                let fields = try QuestionFields(call.request, meter: name)
                return try self.answer(fields, call, credential)
            },
            DialectRoute("query_post", path, method: .post) { call throws(Problem) in
                let credential = try self.requireReader(call)
                let name = try OperationsDialect.meterName(call)
                _ = try Parameters(call.request, known: ["format"], badStatus: 400)
                let members = try OperationsDialect.object(call.request.body)
                let fields = try QuestionFields(members, meter: name)
                return try self.answer(fields, call, credential)
            },
            DialectRoute("queries", root + "/query", method: .post) { call throws(Problem) in
                let credential = try self.requireReader(call)
                try Parameters.refuseAll(of: call.request, badStatus: 400)
                return try self.answers(call, credential)
            },
        ]
    }

    static func meterName(_ call: borrowing Call) throws(Problem) -> String {
        let name = call.segments["meter"].map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard call.worker.engine.summary(name) != nil else {
            throw Problem(404, "There is no such meter")
        }
        return name
    }

    /// The members of a body; an empty body is an empty object.
    private static func object(_ body: [UInt8]) throws(Problem) -> [JSONValue.Member] {
        if body.isEmpty { return [] }
        guard case .object(let members) = JSONValue(body) else {
            throw Problem(400, "the body is not a JSON object")
        }
        return members
    }

    // MARK: One question

    private func answer(
        _ fields: QuestionFields, _ call: borrowing Call, _ credential: Credential
    ) throws(Problem) -> Reply {
        let isCSV = try OperationsDialect.asksForCSV(call.request)
        let isText = try QuestionReader.asksForTexts(fields)
        let plan = try plan(fields, call, credential)
        let (rows, answers) = try call.rows(plan, of: credential.organization)
        let answer = try answer(plan, rows, answers, isText, call.nowSeconds)
        guard isCSV else { return Reply(answers, range: plan.range) { answer.write(to: &$0) } }
        var reply = Reply(answers, range: plan.range) { _ in }
        reply.body = answer.csv()
        reply.contentType = "text/csv; charset=utf-8; header=present"
        reply.headers.append(.init(name: "X-Odometer-Rows", value: String(answer.rows.count)))
        if let ranks = answer.ranks {
            for (name, sum) in [("Total", ranks.total), ("Rest", ranks.rest)] {
                let text = ScaledNumber.text(sum, scale: plan.meter.scale)
                reply.headers.append(.init(name: "X-Odometer-\(name)", value: text))
            }
        }
        if let next = answer.next {
            reply.headers.append(.init(name: "X-Odometer-Next", value: next))
        }
        return reply
    }

    /// `cells`: what the questions of the request before this one need.
    private func plan(
        _ fields: QuestionFields, _ call: borrowing Call, _ credential: Credential,
        besides cells: Int = 0
    ) throws(Problem) -> QuestionPlan {
        let subjects = try OperationsDialect.subjects(fields, credential)
        let ask = try QuestionReader(zones: .system).ask(fields, of: subjects)
        do throws(QuestionError) {
            let plan = try call.worker.engine.plan(ask)
            try QuestionPlan.check(cells: cells + plan.cells)
            return plan
        } catch {
            throw Problem(400, error.description)
        }
    }

    private func answer(
        _ plan: QuestionPlan, _ rows: QuestionRows, _ answers: Answers, _ isText: Bool,
        _ nowSeconds: Int64
    ) throws(Problem) -> QuestionAnswer {
        guard !rows.isTooLarge else {
            throw Problem(
                400,
                "the answer would have more than \(QuestionRows.most) rows: ask for longer "
                    + "windows or for fewer dimensions, or filter")
        }
        return QuestionAnswer(
            plan: plan, rows: rows,
            page: rows.page(offset: plan.ask.offset, limit: plan.ask.limit), isText: isText,
            asOfMilliseconds: answers.asOfMilliseconds, nowMilliseconds: nowSeconds * 1_000)
    }

    /// By `format`, or else by the first media type that the client accepts.
    private static func asksForCSV(_ request: Request) throws(Problem) -> Bool {
        switch request.parameter("format") {
        case .once(let text):
            if text.elementsEqual("csv".utf8) { return true }
            if text.elementsEqual("json".utf8) { return false }
            throw Problem(400, "format must be json or csv")
        case .repeated: throw Problem(400, "format is given more than once")
        case .absent:
            guard let first = request.headers.values(of: "Accept").first else { return false }
            let type = first.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: ";") }
            return type.filter { $0 != 0x20 }.elementsEqual("text/csv".utf8)
        }
    }

    // MARK: Several questions

    /// What the questions of a body have in common, and the questions.
    private static func parts(
        ofQueries body: [UInt8]
    ) throws(Problem) -> (shared: [JSONValue.Member], asked: [JSONValue]) {
        let common = QuestionFields.common
        var shared: [JSONValue.Member] = []
        var asked: [JSONValue]?
        for member in try object(body) {
            let name = String(decoding: member.name, as: UTF8.self)
            if name == "queries" {
                guard asked == nil, case .array(let values) = member.value else {
                    throw Problem(400, "queries must be one list of questions")
                }
                asked = values
            } else if common.contains(name) {
                shared.append(member)
            } else {
                throw Problem(
                    400,
                    "unknown member \"\(name.prefix(64))\"; known are: "
                        + (common + ["queries"]).joined(separator: ", "))
            }
        }
        guard let asked, (1...mostQuestions).contains(asked.count) else {
            throw Problem(400, "queries must hold 1 to \(mostQuestions) questions")
        }
        return (shared, asked)
    }

    /// All questions of a body in one plan of reads: at most two round trips to Redis.
    private func answers(
        _ call: borrowing Call, _ credential: Credential
    ) throws(Problem) -> Reply {
        let (shared, asked) = try OperationsDialect.parts(ofQueries: call.request.body)
        let common = QuestionFields.common
        var inquiry = call.worker.inquiry(credential.organization)
        var found: [(plan: QuestionPlan, rows: Question<QuestionRows>?)] = []
        var isText = false
        var cells = 0
        for (index, value) in asked.enumerated() {
            do throws(Problem) {
                guard case .object(let members) = value else {
                    throw Problem(400, "a question must be an object")
                }
                var fields = try QuestionFields(members, meter: nil, refused: common)
                let before = try QuestionFields(shared, meter: "")
                fields.texts.merge(before.texts) { first, _ in first }
                fields.subjects = before.subjects
                isText = try QuestionReader.asksForTexts(fields)
                guard call.worker.engine.summary(fields.meter) != nil else {
                    throw Problem(404, "There is no such meter")
                }
                let plan = try plan(fields, call, credential, besides: cells)
                cells += plan.cells
                // Questions over organizations have reads of their own.
                found.append((plan, plan.ask.subjects == .own ? inquiry.rows(plan) : nil))
            } catch {
                throw Problem(error.status, "queries[\(index)]: \(error.message)")
            }
        }
        var all: [Answers] = []
        if found.contains(where: { $0.rows != nil }) { all = [try call.answer(inquiry)] }
        var json = JSONWriter()
        json.beginObject()
        json.name("answers")
        json.beginArray()
        for (plan, question) in found {
            let (rows, answers): (QuestionRows, Answers)
            if let question, let read = all.first {
                (rows, answers) = (read[question], read)
            } else {
                (rows, answers) = try call.rows(plan, of: credential.organization)
                all.append(answers)
            }
            try answer(plan, rows, answers, isText, call.nowSeconds).write(to: &json)
        }
        json.endArray()
        json.endObject()
        let written = json.bytes
        var reply = Reply(all.count == 1 ? all[0] : Answers.summary(of: all)) { _ in }
        reply.body = written
        return reply
    }
}
