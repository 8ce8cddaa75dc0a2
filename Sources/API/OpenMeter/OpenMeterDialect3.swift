import HTTPServer
public import Ingest
import Query

/// OpenMeter's API, version 3; its keys are those of version 1.
public struct OpenMeterDialect3: Dialect {
    /// Its name in configuration.
    public let name = "openmeter_v3"
    /// None of its own: a key for `openmeter` opens both versions.
    public let keys: DialectKeys? = nil
    /// Request headers that its answers depend on: `Accept` chooses between JSON and CSV.
    public let credentialHeaders = "Authorization, Accept"
    /// A key in `Authorization`.
    public let scheme = CredentialScheme.bearer
    /// All of its paths are below it.
    public let root = "/api/v3/openmeter"
    /// RFC 9457.
    public let problemType = "application/problem+json"
    /// Its paths; they need no particular meter.
    public var routes: [DialectRoute] {
        let meter = root + "/meters/{meter}"
        return first.meterRoutes(root, list: list, get: get) + [
            DialectRoute("query", meter + "/query", method: .post, answer: query),
            DialectRoute("events", root + "/events") { call throws(Problem) in
                _ = try self.first.enter(call)
                throw Problem(
                    501, "Single events are not kept in Redis: read them from the Kafka topic")
            },
        ] + (intake.map { [OpenMeterIngest.version3($0).route(root, keys: first)] } ?? [])
    }
    private let first = OpenMeterDialect()
    private let intake: EventIntake?

    /// The dialect; without `intake` it takes no events.
    public init(intake: EventIntake? = nil) { self.intake = intake }

    // MARK: Meters

    private func list(_ call: borrowing Call) throws(Problem) -> Reply {
        _ = try first.enter(call)
        let page = try OpenMeterPage(call.request.query)
        let meters = page.chosen(call.worker.engine.openMeters)
        var json = JSONWriter()
        json.object { json in
            json.array("data") { list in
                for meter in page.slice(meters) { OpenMeterDialect3.write(meter, to: &list) }
            }
            json.object("meta") { json in
                json.object("page") { json in
                    json.member("size", integer: Int64(page.size))
                    json.member("number", integer: Int64(page.number))
                    json.member("total", integer: Int64(meters.count))
                }
            }
        }
        return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
    }

    private func get(_ call: borrowing Call) throws(Problem) -> Reply {
        _ = try first.enter(call)
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        var json = JSONWriter()
        OpenMeterDialect3.write(try OpenMeterDialect.meter(call), to: &json)
        return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
    }

    private static func write(_ meter: OpenMeterMeter, to json: inout JSONWriter) {
        json.object { json in
            json.member("id", string: meter.name)
            json.member("key", string: meter.name)
            json.member("name", string: meter.name)
            json.object("labels") { _ in }
            json.member("aggregation", string: meter.aggregation.rawValue.lowercased())
            json.member("event_type", string: meter.eventType)
            if let path = meter.valueProperty { json.member("value_property", string: path) }
            json.object("dimensions") { json in
                for (key, path) in meter.groupBy { json.member(key, string: path) }
            }
            json.member("created_at", string: OpenMeterDialect.madeAt)
            json.member("updated_at", string: OpenMeterDialect.madeAt)
        }
    }

    // MARK: Numbers

    private func query(_ call: borrowing Call) throws(Problem) -> Reply {
        let sight = try first.enter(call).sight
        let meter = try OpenMeterDialect.meter(call)
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        let question = try OpenMeterReader3(meter: meter).question(body: call.request.body)
        let answer = try OpenMeterAnswer(question, call, sight)
        return answer.reply(csv: OpenMeterDialect.asksForCSV(call.request)) { json in
            json.object { json in
                if let from = question.from { json.member("from", string: from.text) }
                if let to = question.to { json.member("to", string: to.text) }
                json.array("data") { list in
                    var times = OpenMeterTimes(question.zone)
                    for row in answer.rows {
                        OpenMeterDialect3.write(row, question, &times, to: &list)
                    }
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
            json.member(
                "value",
                string: OpenMeterNumber.shortest(row.number, scale: question.meter.scale))
            json.member("from", string: start)
            json.member("to", string: end)
            json.object("dimensions") { json in
                if let subject = row.subject { json.member("subject", string: subject) }
                // OpenMeter writes no member for an empty value.
                for (key, value) in zip(question.keys, row.values) where !value.isEmpty {
                    json.member(key, string: value)
                }
            }
        }
    }

    // MARK: Problems

    /// RFC 9457, with the part of the request that is wrong.
    public func body(of problem: Problem) -> [UInt8] {
        let kind =
            switch problem.status {
            case 400: "bad-request"
            case 401: "unauthenticated"
            case 403: "unauthorized"
            case 404: "not-found"
            case 405: "method-not-allowed"
            case 409: "resource-conflict"
            case 429: "rate-limited"
            case 501: "not-implemented"
            case 503: "service-unavailable"
            default: "internal"
            }
        var json = JSONWriter(capacity: 512)
        json.object { json in
            json.member("type", string: "https://kongapi.info/konnect/" + kind)
            json.member("status", integer: Int64(problem.status))
            json.member("title", string: Status.phrase(problem.status))
            json.member("detail", string: problem.message)
            guard let parameter = problem.invalidParameter else { return }
            json.array("invalid_parameters") { list in
                list.object { json in
                    json.member("field", string: parameter.field)
                    if let rule = parameter.rule { json.member("rule", string: rule) }
                    json.member("reason", string: parameter.reason)
                    json.member("source", string: parameter.source.rawValue)
                }
            }
        }
        return json.bytes
    }
}

/// Which meters of a list are wanted: `page[size]`, `page[number]`, `sort` and filters of keys.
struct OpenMeterPage {
    private(set) var size = 20
    private(set) var number = 1
    private var isDescending = false
    private var tests: [TextTest] = []

    init(_ query: [QueryParameter]) throws(Problem) {
        for parameter in query {
            let name = String(decoding: parameter.name.prefix(64), as: UTF8.self)
            let text = String(decoding: parameter.value, as: UTF8.self)
            switch name {
            case "page[size]": size = try OpenMeterPage.integer(name, text, 1...1_000)
            case "page[number]": number = try OpenMeterPage.integer(name, text, 1...1_000_000)
            case "sort": isDescending = try OpenMeterPage.isDescending(text)
            default:
                guard name.hasPrefix("filter[key]") else {
                    throw Problem.invalid(name, "is no parameter of this path")
                }
                tests.append(try OpenMeterPage.test(name, parameter.value))
            }
        }
    }

    /// The meters that all filters admit, in order.
    func chosen(_ meters: [OpenMeterMeter]) -> [OpenMeterMeter] {
        let found = meters.filter { meter in
            tests.allSatisfy { $0.admits(Array(meter.name.utf8)) }
        }
        return isDescending ? found.reversed() : found
    }

    /// Those of this page.
    func slice(_ meters: [OpenMeterMeter]) -> ArraySlice<OpenMeterMeter> {
        meters.dropFirst((number - 1) * size).prefix(size)
    }

    private static func integer(
        _ name: String, _ text: String, _ range: ClosedRange<Int>
    ) throws(Problem) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw Problem.invalid(
                name, "must be from \(range.lowerBound) to \(range.upperBound)", rule: "range")
        }
        return value
    }

    /// All meters were made at one time, so that the order by any time is that by key.
    private static func isDescending(_ text: String) throws(Problem) -> Bool {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        let fields = ["key", "name", "created_at", "updated_at"]
        guard let field = words.first, fields.contains(String(field)),
            words.count == 1 || words.count == 2 && ["asc", "desc"].contains(words[1])
        else {
            throw Problem.invalid(
                "sort", "must be one of \(fields.joined(separator: ", ")), with asc or desc")
        }
        return words.last == "desc"
    }

    private static func test(_ name: String, _ value: [UInt8]) throws(Problem) -> TextTest {
        let list = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { Array($0) }
        switch name.dropFirst("filter[key]".count) {
        case "", "[eq]": return .oneOf([value])
        case "[neq]": return .not(.oneOf([value]))
        case "[contains]": return .like(LikePattern(containing: value, ignoresCase: true))
        case "[oeq]": return .oneOf(Set(list))
        case "[ocontains]":
            return .any(list.map { .like(LikePattern(containing: $0, ignoresCase: true)) })
        case "[exists]":
            let isWanted = value.isEmpty || value.elementsEqual("true".utf8)
            return isWanted ? .all([]) : .any([])
        default:
            throw Problem.invalid(
                name, "must be filter[key] with eq, neq, contains, ocontains, oeq or exists",
                rule: "unsupported_filter_operator")
        }
    }
}
