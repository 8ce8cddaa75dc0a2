import HTTPServer
import Query

/// Reads questions of version 3, which are JSON objects.
struct OpenMeterReader3 {
    let meter: OpenMeterMeter

    private static let names = [
        "from", "to", "granularity", "time_zone", "group_by_dimensions", "filters",
    ]
    private static let mostFilters = 10

    func question(body: [UInt8]) throws(Problem) -> OpenMeterQuestion {
        do throws(Problem) {
            return try read(body)
        } catch {
            // All parts of a question are in the body here.
            var problem = error
            problem.invalidParameter?.source = .body
            throw problem
        }
    }

    private func read(_ body: [UInt8]) throws(Problem) -> OpenMeterQuestion {
        var question = OpenMeterQuestion(meter, .third)
        for (name, value) in try OpenMeterReader.members(body) {
            switch (name, value) {
            case ("from", .string(let text)): try question.set(from: text)
            case ("to", .string(let text)): try question.set(to: text)
            case ("granularity", .string(let text)): try question.set(size: text)
            case ("time_zone", .string(let text)): try question.set(zone: text)
            case ("group_by_dimensions", .array(let values)):
                var keys: [[UInt8]] = []
                for value in values {
                    guard case .string(let text) = value else {
                        throw Problem.invalid(name, "must be a list of texts")
                    }
                    keys.append(text)
                }
                try question.set(groupBy: keys)
            case ("filters", .object(let members)): try read(filters: members, &question)
            default:
                let isKnown = OpenMeterReader3.names.contains(name)
                throw Problem.invalid(
                    String(name.prefix(64)),
                    isKnown ? "is of the wrong type" : "is no member of a question")
            }
        }
        try question.checkRange()
        return question
    }

    private func read(
        filters members: [JSONValue.Member], _ question: inout OpenMeterQuestion
    ) throws(Problem) {
        for member in members {
            guard member.name.elementsEqual("dimensions".utf8),
                case .object(let dimensions) = member.value
            else { throw Problem.invalid("filters", "has one member, dimensions, an object") }
            guard dimensions.count <= OpenMeterReader3.mostFilters else {
                throw Problem.invalid(
                    "filters", "has more than \(OpenMeterReader3.mostFilters) dimensions",
                    rule: "max_properties")
            }
            let reader = OpenMeterFilters(names: .third)
            for dimension in dimensions {
                let name = String(decoding: dimension.name, as: UTF8.self)
                if name == "customer_id" { throw OpenMeterQuestion.refuseCustomers() }
                let filter = try reader.filter(name, dimension.value)
                guard name == "subject" else {
                    try question.add(filter: filter)
                    continue
                }
                guard filter.test == nil, !filter.isExcluding else {
                    throw Problem.invalid(
                        "filters", "of subject: only eq and in can be answered",
                        rule: "unsupported_filter_operator")
                }
                try question.set(subjects: filter.values)
            }
        }
    }
}
