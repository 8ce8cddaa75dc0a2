import HTTPServer
public import Ingest
import Metering
import Query

/// OpenMeter's API, version 1: its clients ask Odometer unchanged (docs/OPENMETER.md).
public struct OpenMeterDialect: Dialect {
    /// Its name in credentials and in configuration.
    public let name = "openmeter"
    /// Request headers that its answers depend on: `Accept` chooses between JSON and CSV.
    public let credentialHeaders = "Authorization, Accept"
    /// A key in `Authorization`.
    public let scheme = CredentialScheme.bearer
    /// All of its paths are below it.
    public let root = "/api/v1"
    /// An operator's key sees all subjects.
    public let takesOperators = true
    /// RFC 9457.
    public let problemType = "application/problem+json"
    /// Its paths; they need no particular meter.
    public var routes: [DialectRoute] {
        let meter = root + "/meters/{meter}"
        return meterRoutes(root, list: list, get: get) + [
            DialectRoute("query", meter + "/query") { call throws(Problem) in
                let sight = try self.enter(call).sight
                let reader = OpenMeterReader(meter: try OpenMeterDialect.meter(call))
                return try OpenMeterDialect.reply(reader.question(call.request.query), call, sight)
            },
            DialectRoute("query_post", meter + "/query", method: .post) { call throws(Problem) in
                let sight = try self.enter(call).sight
                let reader = OpenMeterReader(meter: try OpenMeterDialect.meter(call))
                try Parameters.refuseAll(of: call.request, badStatus: 400)
                return try OpenMeterDialect.reply(
                    reader.question(body: call.request.body), call, sight)
            },
            DialectRoute("subjects", meter + "/subjects", answer: subjects),
            DialectRoute("values", meter + "/group-by/{key}/values", answer: values),
        ] + portalRoutes
            + (intake.map { [OpenMeterIngest.version1($0).route(root, keys: self)] } ?? [])
    }

    /// The paths of meters, alike in both versions: listed and shown, but changed in the catalog.
    func meterRoutes(
        _ root: String, list: @escaping DialectRoute.Handler, get: @escaping DialectRoute.Handler
    ) -> [DialectRoute] {
        let (meters, meter) = (root + "/meters", root + "/meters/{meter}")
        return [
            DialectRoute("meters", meters, answer: list),
            DialectRoute("meters_post", meters, method: .post, answer: refuseChange),
            DialectRoute("meter", meter, answer: get),
            DialectRoute("meter_put", meter, method: .put, answer: refuseChange),
            DialectRoute("meter_delete", meter, method: .delete, answer: refuseChange),
        ]
    }

    let tokens: PortalTokens?
    private let intake: EventIntake?

    /// The dialect; without `tokens` it makes none for portals, without `intake` it takes no
    /// events.
    public init(tokens: PortalTokens? = nil, intake: EventIntake? = nil) {
        self.tokens = tokens
        self.intake = intake
    }

    // MARK: Whose request

    /// What a key may see; counts the request among those of its organization.
    func enter(
        _ call: borrowing Call
    ) throws(Problem) -> (credential: Credential, sight: OpenMeterSight) {
        let credential = try call.requireCredential(
            call.bearerToken(), for: self, message: "Invalid or missing API key")
        guard credential.role != .write else { throw Problem(403, "Write keys cannot read meters") }
        return (
            credential,
            OpenMeterSight(
                organization: credential.organization,
                isOperator: credential.role == .operator)
        )
    }

    /// The meter of the path.
    static func meter(_ call: borrowing Call) throws(Problem) -> OpenMeterMeter {
        let name = call.segments["meter"].map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let meter = call.worker.engine.openMeter(name) else {
            throw Problem(404, "There is no meter \(name.prefix(64))")
        }
        return meter
    }

    // MARK: Meters

    private func list(_ call: borrowing Call) throws(Problem) -> Reply {
        _ = try enter(call)
        let parameters = try Parameters(
            call.request, known: ["page", "pageSize", "orderBy", "order", "includeDeleted"],
            badStatus: 400)
        for (name, words) in [
            ("order", ["ASC", "DESC"]), ("includeDeleted", ["true", "false"]),
            ("orderBy", ["key", "name", "aggregation", "createdAt", "updatedAt"]),
        ] {
            guard let text = try parameters.text(name) else { continue }
            guard words.contains(String(decoding: text, as: UTF8.self)) else {
                throw Problem.invalid(name, "must be one of: \(words.joined(separator: ", "))")
            }
        }
        for name in ["page", "pageSize"] { _ = try parameters.integer(name, 1...1_000_000) }
        var json = JSONWriter()
        let meters = call.worker.engine.openMeters
        json.array { list in meters.forEach { OpenMeterDialect.write($0, to: &list) } }
        return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
    }

    private func get(_ call: borrowing Call) throws(Problem) -> Reply {
        _ = try enter(call)
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        var json = JSONWriter()
        OpenMeterDialect.write(try OpenMeterDialect.meter(call), to: &json)
        return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
    }

    private func refuseChange(_ call: borrowing Call) throws(Problem) -> Reply {
        _ = try enter(call)
        throw Problem(
            501, "Meters are declared in the catalog: change it there and start Odometer again")
    }

    private static func write(_ meter: OpenMeterMeter, to json: inout JSONWriter) {
        json.object { json in
            json.member("id", string: meter.name)
            json.member("slug", string: meter.name)
            json.member("name", string: meter.name)
            json.member("aggregation", string: meter.aggregation.rawValue)
            json.member("eventType", string: meter.eventType)
            if let path = meter.valueProperty { json.member("valueProperty", string: path) }
            json.object("groupBy") { json in
                for (key, path) in meter.groupBy { json.member(key, string: path) }
            }
            // A catalog has no times; clients ask for some.
            json.member("createdAt", string: OpenMeterDialect.madeAt)
            json.member("updatedAt", string: OpenMeterDialect.madeAt)
        }
    }

    /// The time that is shown where OpenMeter has the one at which a meter was made.
    static let madeAt = "1970-01-01T00:00:00Z"

    // MARK: Numbers

    /// The first media type that the client accepts decides.
    static func asksForCSV(_ request: Request) -> Bool {
        guard let first = request.headers.values(of: "Accept").first else { return false }
        let type = first.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: ";") }
        return type.filter { $0 != 0x20 }.elementsEqual("text/csv".utf8)
    }

    static func reply(
        _ question: OpenMeterQuestion, _ call: borrowing Call, _ sight: OpenMeterSight
    ) throws(Problem) -> Reply {
        let answer = try OpenMeterAnswer(question, call, sight)
        return answer.reply(csv: asksForCSV(call.request)) { json in
            json.object { json in
                if let from = question.from { json.member("from", string: from.text) }
                if let to = question.to { json.member("to", string: to.text) }
                if let size = question.size { json.member("windowSize", string: size) }
                json.array("data") { list in
                    var times = OpenMeterTimes(question.zone)
                    for row in answer.rows { write(row, question, &times, to: &list) }
                }
            }
        }
    }

    private static func write(
        _ row: OpenMeterAnswer.Row, _ question: OpenMeterQuestion, _ times: inout OpenMeterTimes,
        to list: inout JSONWriter
    ) {
        let (start, end) = times.texts(row.start, row.end)
        list.object { json in
            json.name("value")
            json.raw(
                Array(OpenMeterNumber.shortest(row.number, scale: question.meter.scale).utf8))
            json.member("windowStart", string: start)
            json.member("windowEnd", string: end)
            json.member("subject", string: row.subject)
            json.object("groupBy") { json in
                for (key, value) in zip(question.keys, row.values) {
                    json.member(key, string: value)
                }
            }
        }
    }

    // MARK: Lists

    /// `from` and `to` of a list.
    private static func times(
        _ call: borrowing Call
    ) throws(Problem) -> (from: [UInt8]?, to: [UInt8]?) {
        let parameters = try Parameters(call.request, known: ["from", "to"], badStatus: 400)
        return (try parameters.text("from"), try parameters.text("to"))
    }

    private func subjects(_ call: borrowing Call) throws(Problem) -> Reply {
        let sight = try enter(call).sight
        let meter = try OpenMeterDialect.meter(call)
        let (from, to) = try OpenMeterDialect.times(call)
        let isListed = call.worker.engine.summary(meter.name)?.isAcross ?? false
        if sight.isOperator, isListed, from == nil, to == nil {
            do throws(QueryError) {
                let found = try call.worker.subjects(meter: meter.name, from: nil, to: nil)
                return OpenMeterDialect.reply(found, nil)
            } catch {
                throw Call.problem(error)
            }
        }
        var question = OpenMeterQuestion(meter, .first)
        try question.set(from: from, to: to)
        try question.set(groupBy: [Array("subject".utf8)])
        let answer = try OpenMeterAnswer(question, call, sight)
        return OpenMeterDialect.reply(answer.rows.compactMap(\.subject), answer.answers)
    }

    private func values(_ call: borrowing Call) throws(Problem) -> Reply {
        let sight = try enter(call).sight
        let meter = try OpenMeterDialect.meter(call)
        var (from, to) = try OpenMeterDialect.times(call)
        if from == nil, to == nil {
            // The last 24 hours and what was before them on their first day, as days are kept.
            let first = Window.day.number(ofSecond: call.nowSeconds - TimeRange.secondsPerDay)
            from = Array(TimeText.second(Window.day.start(of: first)).utf8)
        }
        var question = OpenMeterQuestion(meter, .first)
        try question.set(from: from, to: to)
        try question.set(groupBy: [call.segments["key"] ?? []])
        let answer = try OpenMeterAnswer(question, call, sight)
        let index = question.keys.isEmpty ? nil : 0
        let found = answer.rows.compactMap { row in index.map { row.values[$0] } ?? row.subject }
        return OpenMeterDialect.reply(found, answer.answers)
    }

    /// A list of different texts in the order of their bytes.
    private static func reply(_ texts: [[UInt8]], _ answers: Answers?) -> Reply {
        let sorted = Set(texts).sorted { $0.lexicographicallyPrecedes($1) }
        var json = JSONWriter()
        json.array { list in sorted.forEach { list.string($0) } }
        guard let answers else { return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true) }
        let bytes = json.bytes
        var reply = Reply(answers) { _ in }
        reply.body = bytes
        return reply
    }

    /// RFC 9457, as OpenMeter writes it.
    public func body(of problem: Problem) -> [UInt8] {
        var json = JSONWriter(capacity: 256)
        json.object {
            $0.member("type", string: "about:blank")
            $0.member("title", string: Status.phrase(problem.status))
            $0.member("status", integer: Int64(problem.status))
            if problem.status != 500 { $0.member("detail", string: problem.message) }
        }
        return json.bytes
    }
}

extension OpenMeterQuestion {
    /// Sets a range of which both ends are optional.
    mutating func set(from: [UInt8]?, to: [UInt8]?) throws(Problem) {
        if let from { try set(from: from) }
        if let to { try set(to: to) }
        try checkRange()
    }
}
