import HTTPServer
import Query

/// Reads questions of version 1: query parameters, or the members of a JSON object.
struct OpenMeterReader {
    let meter: OpenMeterMeter

    private static let once = [
        "clientId", "from", "to", "windowSize", "windowTimeZone", "advancedMeterGroupByFilters",
    ]
    private static let lists = ["subject", "filterCustomerId", "groupBy"]
    /// What a question of a portal may set; the others are dropped there.
    private static let portal = [
        "from", "to", "windowSize", "windowTimeZone", "groupBy", "filterGroupBy",
    ]

    // MARK: Query parameters

    func question(
        _ query: [QueryParameter], isPortal: Bool = false
    ) throws(Problem)
        -> OpenMeterQuestion
    {
        var question = OpenMeterQuestion(meter, .first)
        var seen: [String: [UInt8]] = [:]
        var found: [String: [[UInt8]]] = [:]
        var simple: [(key: String, values: [[UInt8]])] = []
        for parameter in query {
            let name = String(decoding: parameter.name, as: UTF8.self)
            if let key = OpenMeterReader.bracketed(name) {
                simple.append((key, [parameter.value]))
            } else if name == "filterGroupBy" {
                simple += try OpenMeterReader.dictionary(parameter.value)
            } else if isPortal, !OpenMeterReader.portal.contains(name) {
                continue
            } else if OpenMeterReader.lists.contains(name) {
                found[name, default: []].append(parameter.value)
            } else if OpenMeterReader.once.contains(name) {
                guard seen.updateValue(parameter.value, forKey: name) == nil else {
                    throw Problem.invalid(name, "is given more than once")
                }
            } else {
                throw Problem.invalid(
                    String(name.prefix(64)),
                    "is no parameter of this path; known are: "
                        + (OpenMeterReader.once + OpenMeterReader.lists + ["filterGroupBy"])
                        .joined(separator: ", "))
            }
        }
        try OpenMeterReader.take(seen, into: &question)
        try OpenMeterReader.take(found, into: &question)
        try take(
            simple,
            advanced: seen["advancedMeterGroupByFilters"].map { text in
                JSONValue(text) ?? .null
            }, into: &question)
        try question.checkRange()
        return question
    }

    /// The key of `filterGroupBy[KEY]`.
    private static func bracketed(_ name: String) -> String? {
        guard name.hasPrefix("filterGroupBy["), name.hasSuffix("]") else { return nil }
        return String(name.dropFirst("filterGroupBy[".count).dropLast())
    }

    /// `filterGroupBy` as one parameter: JSON, or what OpenMeter's client for Python makes of a
    /// dictionary.
    private static func dictionary(
        _ text: [UInt8]
    ) throws(Problem) -> [(key: String, values: [[UInt8]])] {
        if case .object(let members) = JSONValue(text) {
            var found: [(key: String, values: [[UInt8]])] = []
            for member in members {
                found.append(
                    (String(decoding: member.name, as: UTF8.self), try values(member.value)))
            }
            return found
        }
        guard let pairs = PythonDictionary.pairs(text) else {
            throw Problem.invalid(
                "filterGroupBy", "must be filterGroupBy[KEY]=VALUE or an object of texts")
        }
        return pairs.map { (String(decoding: $0.key, as: UTF8.self), [$0.value]) }
    }

    /// One text, or a list of them, which are alternatives.
    private static func values(_ value: JSONValue) throws(Problem) -> [[UInt8]] {
        switch value {
        case .string(let text): return [text]
        case .array: return try texts("filterGroupBy", value)
        default: throw Problem.invalid("filterGroupBy", "must be an object of texts or lists")
        }
    }

    private static func texts(_ name: String, _ value: JSONValue) throws(Problem) -> [[UInt8]] {
        guard case .array(let values) = value else {
            throw Problem.invalid(name, "must be a list of texts", source: .body)
        }
        var texts: [[UInt8]] = []
        for value in values {
            guard case .string(let text) = value else {
                throw Problem.invalid(name, "must be a list of texts", source: .body)
            }
            texts.append(text)
        }
        return texts
    }

    // MARK: JSON

    func question(body: [UInt8]) throws(Problem) -> OpenMeterQuestion {
        var question = OpenMeterQuestion(meter, .first)
        var seen: [String: [UInt8]] = [:]
        var found: [String: [[UInt8]]] = [:]
        var simple: [(key: String, values: [[UInt8]])] = []
        var advanced: JSONValue?
        for (name, value) in try OpenMeterReader.members(body) {
            switch (name, value) {
            case ("advancedMeterGroupByFilters", _): advanced = value
            case ("filterGroupBy", .object(let members)):
                for member in members {
                    simple.append(
                        (
                            String(decoding: member.name, as: UTF8.self),
                            try OpenMeterReader.values(member.value)
                        ))
                }
            case (_, .string(let text)) where OpenMeterReader.once.contains(name):
                seen[name] = text
            case (_, .array) where OpenMeterReader.lists.contains(name):
                found[name] = try OpenMeterReader.texts(name, value)
            default:
                let isKnown =
                    (OpenMeterReader.once + OpenMeterReader.lists).contains(name)
                    || name == "filterGroupBy"
                throw Problem.invalid(
                    String(name.prefix(64)),
                    isKnown ? "is of the wrong type" : "is no member of a question", source: .body)
            }
        }
        try OpenMeterReader.take(seen, into: &question)
        try OpenMeterReader.take(found, into: &question)
        try take(simple, advanced: advanced, into: &question)
        try question.checkRange()
        return question
    }

    /// The members of an object, each once and without those that are null; an empty body is `{}`.
    static func members(_ body: [UInt8]) throws(Problem) -> [(name: String, value: JSONValue)] {
        if body.isEmpty { return [] }
        guard case .object(let members) = JSONValue(body) else {
            throw Problem(400, "The body is not a JSON object")
        }
        var names: Set<String> = []
        var found: [(name: String, value: JSONValue)] = []
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            guard names.insert(name).inserted else {
                throw Problem.invalid(
                    String(name.prefix(64)), "is given more than once", source: .body)
            }
            if member.value != .null { found.append((name, member.value)) }
        }
        return found
    }

    // MARK: Both

    private static func take(
        _ texts: [String: [UInt8]], into question: inout OpenMeterQuestion
    ) throws(Problem) {
        if let id = texts["clientId"], !(1...36).contains(id.count) {
            throw Problem.invalid("clientId", "must have 1 to 36 characters")
        }
        if let text = texts["windowTimeZone"] { try question.set(zone: text) }
        if let text = texts["from"] { try question.set(from: text) }
        if let text = texts["to"] { try question.set(to: text) }
        if let text = texts["windowSize"] { try question.set(size: text) }
    }

    private static func take(
        _ lists: [String: [[UInt8]]], into question: inout OpenMeterQuestion
    ) throws(Problem) {
        if let list = lists["groupBy"] { try question.set(groupBy: list) }
        if let list = lists["subject"] { try question.set(subjects: list) }
        if lists["filterCustomerId"] != nil { throw OpenMeterQuestion.refuseCustomers() }
    }

    private func take(
        _ simple: [(key: String, values: [[UInt8]])], advanced: JSONValue?,
        into question: inout OpenMeterQuestion
    ) throws(Problem) {
        if !simple.isEmpty, advanced != nil {
            throw Problem.invalid(
                "advancedMeterGroupByFilters", "cannot be given together with filterGroupBy")
        }
        for (key, values) in simple {
            try question.add(filter: DimensionFilter(key, values))
        }
        guard let advanced else { return }
        guard case .object(let members) = advanced else {
            throw Problem.invalid(
                "advancedMeterGroupByFilters", "must be a JSON object of conditions")
        }
        let reader = OpenMeterFilters(names: .first)
        for member in members {
            let key = String(decoding: member.name, as: UTF8.self)
            try question.add(filter: try reader.filter(key, member.value))
        }
    }
}
