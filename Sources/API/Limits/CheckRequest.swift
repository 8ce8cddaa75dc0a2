import HTTPServer
import Query

/// One check as a client writes it: whether this much more of a meter may be used.
struct UsageCheck {
    /// Name of the meter.
    var meter = ""
    /// How much more, as JSON wrote the number.
    var amount = "1"
    /// Dimensions of what would be used, which decide the limits that hold for it.
    var dimensions: [String: [UInt8]] = [:]

    /// Whether a limit holds for it: all dimensions of the filter are given, with values in it.
    func isCounted(in limit: UsageLimit) -> Bool {
        limit.filters.allSatisfy { filter in
            dimensions[filter.dimension].map { filter.values.contains($0) } ?? false
        }
    }
}

/// The body of `POST /v1/check`: one check, or `{"checks": […]}`.
struct CheckRequest {
    /// The most checks of one body.
    static let most = 64
    private static let mostDimensions = 16

    /// The organization; nil: that of the key.
    private(set) var subject: [UInt8]?
    private(set) var checks: [UsageCheck] = []
    /// Whether the checks are a list, and so is the answer.
    private(set) var isList = false

    /// Throws 400 where the body is something else.
    init(_ body: [UInt8]) throws(Problem) {
        guard case .object(let members) = JSONValue(body) else {
            throw Problem(400, "the body is not a JSON object")
        }
        var rest: [JSONValue.Member] = []
        for member in members {
            switch (String(decoding: member.name, as: UTF8.self), member.value) {
            case ("subject", .string(let text)):
                guard subject == nil, !text.isEmpty else {
                    throw Problem(400, "subject must be one text that is not empty")
                }
                subject = text
            case ("subject", _): throw Problem(400, "subject must be a text")
            case ("checks", .array(let values)):
                guard !isList, (1...CheckRequest.most).contains(values.count) else {
                    throw Problem(
                        400, "checks must be one list of 1 to \(CheckRequest.most) checks")
                }
                isList = true
                checks = try CheckRequest.list(values)
            case ("checks", _): throw Problem(400, "checks must be a list of checks")
            default: rest.append(member)
            }
        }
        if !isList {
            checks = [try CheckRequest.check(rest)]
        } else if let member = rest.first {
            let name = String(decoding: member.name, as: UTF8.self)
            throw Problem(
                400, "unknown member \"\(name.prefix(64))\"; beside checks there is only subject")
        }
    }

    private static func list(_ values: [JSONValue]) throws(Problem) -> [UsageCheck] {
        var checks: [UsageCheck] = []
        for (index, value) in values.enumerated() {
            do throws(Problem) {
                guard case .object(let members) = value else {
                    throw Problem(400, "a check must be an object")
                }
                checks.append(try check(members))
            } catch {
                throw Problem(error.status, "checks[\(index)]: \(error.message)")
            }
        }
        return checks
    }

    private static func check(_ members: [JSONValue.Member]) throws(Problem) -> UsageCheck {
        var check = UsageCheck()
        var seen: Set<String> = []
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            guard seen.insert(name).inserted else {
                throw Problem(400, "\(name.prefix(64)) is given more than once")
            }
            switch (name, member.value) {
            case ("meter", .string(let text)): check.meter = String(decoding: text, as: UTF8.self)
            case ("amount", .number(let digits)):
                check.amount = String(decoding: digits, as: UTF8.self)
            case ("by", .object(let dimensions)): check.dimensions = try by(dimensions)
            case ("meter", _): throw Problem(400, "meter must be a text")
            case ("amount", _): throw Problem(400, "amount must be a number")
            case ("by", _):
                throw Problem(400, "by must be an object of dimensions and their values")
            default:
                throw Problem(
                    400, "unknown member \"\(name.prefix(64))\"; known are: meter, amount, by")
            }
        }
        guard seen.contains("meter") else { throw Problem(400, "a check has no meter") }
        return check
    }

    private static func by(_ members: [JSONValue.Member]) throws(Problem) -> [String: [UInt8]] {
        guard members.count <= mostDimensions else {
            throw Problem(400, "by has more than \(mostDimensions) dimensions")
        }
        var found: [String: [UInt8]] = [:]
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            guard case .string(let value) = member.value else {
                throw Problem(400, "by: the value of \(name.prefix(64)) must be a text")
            }
            guard found.updateValue(value, forKey: name) == nil else {
                throw Problem(400, "by: \(name.prefix(64)) is given more than once")
            }
        }
        return found
    }

    /// What decides the reads: everything but the amounts, in a form that no two differing checks
    /// share.
    var reads: [UInt8] {
        var bytes = subject ?? []
        // No UTF-8 text contains the bytes 253 to 255.
        for check in checks {
            bytes.append(255)
            bytes += check.meter.utf8
            for (name, value) in check.dimensions.sorted(by: { $0.key < $1.key }) {
                bytes.append(254)
                bytes += name.utf8
                bytes.append(253)
                bytes += value
            }
        }
        return bytes
    }
}
