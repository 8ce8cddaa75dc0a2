import HTTPServer
import Metering
import Query
import Zones

/// The parts of a question as a client writes them: query parameters, or members of a JSON object.
struct QuestionFields {
    /// Members and parameters of a question, in the order of their description.
    static let names = [
        "from", "to", "window", "zone", "by", "filter", "order", "limit", "offset", "cursor",
        "compare", "fill", "numbers", "subject", "percentiles", "rest", "member",
    ]
    /// Parameters that may be given several times, or hold a list.
    private static let lists = ["by", "filter", "percentile", "member", "subject"]
    /// Of several questions in one body, what all of them have in common.
    static let common = ["from", "to", "zone", "numbers", "subject"]
    /// Largest values of lists, so that a plan stays small.
    static let mostFilters = 20
    static let mostValues = 1_000
    static let mostPercentiles = 20
    static let mostSubjects = 1_000

    var meter = ""
    /// Members with one value.
    var texts: [String: [UInt8]] = [:]
    var by: [String] = []
    var filters: [DimensionFilter] = []
    var percentiles: [Percentile] = []
    var isRanked = false
    var member: [String: [UInt8]]?
    /// The organizations that the client names; nil: none.
    var subjects: Subjects?

    /// A question about a meter without anything else.
    init(meter: String) { self.meter = meter }

    // MARK: Query parameters

    /// The parameters of a question; a filter is `DIMENSION=VALUE` or `DIMENSION!=VALUE`.
    ///
    /// Several values of one dimension are alternatives. `by` is one name, several joined by
    /// commas, or given several times.
    init(_ request: Request, meter: String) throws(Problem) {
        self.meter = meter
        let parameters = try Parameters(
            request,
            known: QuestionFields.single + ["format"], lists: QuestionFields.lists, badStatus: 400)
        for name in QuestionFields.single {
            if let text = try parameters.text(name) { texts[name] = text }
        }
        if let rest = texts.removeValue(forKey: "rest") { isRanked = try QuestionFields.flag(rest) }
        for text in parameters.texts("percentile") {
            for part in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                try add(percentile: part)
            }
        }
        for text in parameters.texts("member") {
            guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > 0 else {
                throw Problem(400, "member must be DIMENSION=VALUE")
            }
            let name = String(decoding: text[..<equals], as: UTF8.self)
            try add(member: name, Array(text[(equals + 1)...]))
        }
        for text in parameters.texts("by") {
            for name in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                by.append(String(decoding: name, as: UTF8.self))
            }
        }
        for text in parameters.texts("filter") {
            guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > 0 else {
                throw Problem(400, "filter must be DIMENSION=VALUE or DIMENSION!=VALUE")
            }
            let isExcluding = text[equals - 1] == UInt8(ascii: "!")
            let name = String(
                decoding: text[..<(isExcluding ? equals - 1 : equals)], as: UTF8.self)
            add(name, [Array(text[(equals + 1)...])], isExcluding: isExcluding)
        }
        let named = parameters.texts("subject")
        if !named.isEmpty {
            subjects = named == [Array("*".utf8)] ? Subjects.all : Subjects.some(named)
        }
        try checkSizes()
    }

    /// Parameters that are given once.
    private static let single = names.filter { name in
        !lists.contains(name) && name != "percentiles"
    }

    private static func flag(_ text: [UInt8]) throws(Problem) -> Bool {
        if text.elementsEqual("true".utf8) { return true }
        if text.elementsEqual("false".utf8) { return false }
        throw Problem(400, "rest must be true or false")
    }

    private mutating func add(percentile text: some Collection<UInt8>) throws(Problem) {
        guard let percentile = Percentile(text) else {
            throw Problem(
                400, "percentiles are numbers from 0 to 100 with at most three decimals")
        }
        if !percentiles.contains(percentile) { percentiles.append(percentile) }
    }

    private mutating func add(member name: String, _ value: [UInt8]) throws(Problem) {
        guard member?[name] == nil else {
            throw Problem(400, "member names \(name.prefix(64)) twice")
        }
        member = (member ?? [:]).merging([name: value]) { first, _ in first }
    }

    private mutating func add(_ name: String, _ values: [[UInt8]], isExcluding: Bool) {
        let known = filters.firstIndex {
            $0.dimension == name && $0.isExcluding == isExcluding
        }
        if let known {
            filters[known].values += values
        } else {
            filters.append(DimensionFilter(name, values, isExcluding: isExcluding))
        }
    }

    private func checkSizes() throws(Problem) {
        guard filters.count <= QuestionFields.mostFilters,
            filters.allSatisfy({ $0.values.count <= QuestionFields.mostValues })
        else {
            throw Problem(
                400,
                "at most \(QuestionFields.mostFilters) filters with "
                    + "\(QuestionFields.mostValues) values each are taken")
        }
        if case Subjects.some(let ids)? = subjects {
            guard (1...QuestionFields.mostSubjects).contains(ids.count),
                ids.allSatisfy({ (1...EventLimits.textBytes).contains($0.count) })
            else {
                throw Problem(
                    400,
                    "subject must be 1 to \(QuestionFields.mostSubjects) organizations of 1 to "
                        + "\(EventLimits.textBytes) bytes")
            }
        }
        guard by.count <= 8 else { throw Problem(400, "by has more than 8 dimensions") }
        guard percentiles.count <= QuestionFields.mostPercentiles else {
            throw Problem(400, "more than \(QuestionFields.mostPercentiles) percentiles")
        }
    }

    // MARK: JSON

    /// The object of a question; `meter` is one of its members where `needsMeter`.
    init(
        _ members: [JSONValue.Member], meter: String?, refused: [String] = []
    ) throws(Problem) {
        self.meter = meter ?? ""
        let known =
            (meter == nil ? ["meter"] : []) + QuestionFields.names.filter { !refused.contains($0) }
        var seen: Set<String> = []
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            guard known.contains(name) else {
                throw Problem(
                    400,
                    "unknown member \"\(name.prefix(64))\"; known are: "
                        + known.joined(separator: ", "))
            }
            guard seen.insert(name).inserted else {
                throw Problem(400, "\(name) is given more than once")
            }
            try read(name, member.value)
        }
        guard meter != nil || seen.contains("meter") else {
            throw Problem(400, "a question has no meter")
        }
        try checkSizes()
    }

    private mutating func read(_ name: String, _ value: JSONValue) throws(Problem) {
        switch (name, value) {
        case ("by", .array(let values)):
            for value in values {
                guard case .string(let text) = value else {
                    throw Problem(400, "by must be a list of texts")
                }
                by.append(String(decoding: text, as: UTF8.self))
            }
        case ("filter", .object(let members)):
            for member in members { try read(filter: member) }
        case ("percentiles", .array(let values)):
            for value in values {
                guard case .number(let text) = value else {
                    throw Problem(400, "percentiles must be a list of numbers")
                }
                try add(percentile: text)
            }
        case ("rest", .bool(let isRanked)): self.isRanked = isRanked
        case ("member", .object(let members)):
            for part in members {
                guard case .string(let text) = part.value else {
                    throw Problem(400, "member must be an object of texts")
                }
                try add(member: String(decoding: part.name, as: UTF8.self), text)
            }
        case ("percentiles", _): throw Problem(400, "percentiles must be a list of numbers")
        case ("rest", _): throw Problem(400, "rest must be true or false")
        case ("member", _): throw Problem(400, "member must be an object of texts")
        case ("subject", .string(let text)):
            guard !text.isEmpty else { throw Problem(400, "subject is empty") }
            subjects = text.elementsEqual("*".utf8) ? Subjects.all : Subjects.some([text])
        case ("subject", .array(let values)):
            var ids: [[UInt8]] = []
            for value in values {
                guard case .string(let text) = value, !text.isEmpty else {
                    throw Problem(400, "subject must be a text or a list of texts")
                }
                ids.append(text)
            }
            subjects = Subjects.some(ids)
        case ("subject", _): throw Problem(400, "subject must be a text or a list of texts")
        case ("limit", .number(let text)), ("offset", .number(let text)): texts[name] = text
        case ("by", _), ("filter", _), ("limit", _), ("offset", _):
            throw Problem(
                400,
                name == "by"
                    ? "by must be a list of texts"
                    : name == "filter" ? "filter must be an object" : "\(name) is not an integer")
        case ("meter", .string(let text)): meter = String(decoding: text, as: UTF8.self)
        case (_, .string(let text)):
            guard !text.isEmpty else { throw Problem(400, "\(name) is empty") }
            texts[name] = text
        default: throw Problem(400, "\(name) must be a text")
        }
    }

    /// `{DIMENSION: VALUE}`, `{DIMENSION: [VALUE, …]}` or `{DIMENSION: {eq|in|notIn: …}}`.
    private mutating func read(filter member: JSONValue.Member) throws(Problem) {
        let name = String(decoding: member.name, as: UTF8.self)
        func bad() -> Problem {
            Problem(
                400,
                "the filter of \(name.prefix(64)) must be a text, a list of texts, or an "
                    + "object with eq, in or notIn")
        }
        func list(_ value: JSONValue) throws(Problem) -> [[UInt8]] {
            guard case .array(let values) = value else { throw bad() }
            var texts: [[UInt8]] = []
            for value in values {
                guard case .string(let text) = value else { throw bad() }
                texts.append(text)
            }
            return texts
        }
        switch member.value {
        case .string(let text): add(name, [text], isExcluding: false)
        case .array: add(name, try list(member.value), isExcluding: false)
        case .object(let operators):
            guard !operators.isEmpty else { throw bad() }
            for entry in operators {
                switch (String(decoding: entry.name, as: UTF8.self), entry.value) {
                case ("eq", .string(let text)):
                    filters.append(DimensionFilter(name, [text]))
                case ("in", _): filters.append(DimensionFilter(name, try list(entry.value)))
                case ("notIn", _): add(name, try list(entry.value), isExcluding: true)
                default: throw bad()
                }
            }
        case .null, .bool, .number: throw bad()
        }
    }
}
