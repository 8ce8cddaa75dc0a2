import HTTPServer
import Metering
import Query
import Zones

/// Whose events a question counts, and the list of organizations.
extension OperationsDialect {
    /// The organizations that a question is about.
    ///
    /// An operator names some, or all by `*` or by nothing. Every other key may name its own
    /// organization only; that another one exists is never said.
    static func subjects(
        _ fields: QuestionFields, _ credential: Credential
    ) throws(Problem) -> Subjects {
        if credential.role == .operator { return fields.subjects ?? Subjects.all }
        switch fields.subjects ?? Subjects.own {
        case .own: return .own
        case .some(let ids) where ids.allSatisfy { $0 == credential.organization }: return .own
        case .some, .all:
            throw Problem(403, "Only operator keys may name organizations other than their own")
        }
    }

    /// The organizations of which a meter has events in a range.
    func subjects(_ call: borrowing Call) throws(Problem) -> Reply {
        let credential = try requireReader(call)
        guard credential.role == .operator else {
            throw Problem(403, "Only operator keys may list organizations")
        }
        let name = try OperationsDialect.meterName(call)
        let parameters = try Parameters(
            call.request, known: ["from", "to", "limit", "offset"], badStatus: 400)
        var fields = QuestionFields(meter: name)
        for name in ["from", "to"] {
            if let text = try parameters.text(name) { fields.texts[name] = text }
        }
        let reader = QuestionReader(zones: .system)
        let from = try reader.time(fields, "from", .utc, roundingUp: false)
        let to = try reader.time(fields, "to", .utc, roundingUp: true)
        if let from, let to, from >= to { throw Problem(400, "from is not before to") }
        let limit = Int(try parameters.integer("limit", 1...100_000) ?? 10_000)
        let offset = Int(try parameters.integer("offset", 0...1_000_000_000) ?? 0)
        let summary = call.worker.engine.summary(name)
        if let sources = summary?.derived?.sources {
            throw Problem(
                400, "\(name) has no cells: ask for those of \(sources.joined(separator: " or "))")
        }
        guard summary?.isAcross ?? false else {
            throw Problem(
                400,
                "\(name) is counted for single organizations only: add across: true to the meter "
                    + "in the catalog")
        }
        let all: [[UInt8]]
        do throws(QueryError) {
            all = try call.worker.subjects(meter: name, from: from, to: to)
        } catch {
            throw Call.problem(error)
        }
        let page = all.dropFirst(offset).prefix(limit)
        var json = JSONWriter()
        json.object { json in
            json.member("meter", string: name)
            json.array("subjects") { list in page.forEach { list.string($0) } }
            json.object("meta") { json in
                json.member("rows", integer: Int64(all.count))
                json.member("offset", integer: Int64(offset))
                let end = offset + page.count
                if end < all.count {
                    json.member("next", integer: Int64(end))
                } else {
                    json.memberNull("next")
                }
            }
        }
        return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: false)
    }
}
