import HTTPServer
import Query

/// Reads the conditions for dimensions: objects with exactly one operator each.
///
/// Version 1 writes operators with `$`, version 3 without.
struct OpenMeterFilters {
    let names: OpenMeterQuestion.Names

    /// How deep conditions may contain each other.
    static let mostDepth = 3
    static let mostConditions = 10
    static let longestText = 1_000

    /// The condition of one dimension.
    func filter(_ dimension: String, _ value: JSONValue) throws(Problem) -> DimensionFilter {
        let (word, operand) = try single(dimension, value)
        switch word {
        // Values that are named can also choose keys in Redis.
        case "eq": return DimensionFilter(dimension, [try text(dimension, operand)])
        case "in": return DimensionFilter(dimension, try texts(dimension, operand))
        case "ne", "neq":
            return DimensionFilter(dimension, [try text(dimension, operand)], isExcluding: true)
        case "nin":
            return DimensionFilter(dimension, try texts(dimension, operand), isExcluding: true)
        default:
            return DimensionFilter(
                dimension, test: try test(dimension, word, operand, depth: 1))
        }
    }

    private func bad(_ dimension: String, _ reason: String, _ rule: String) -> Problem {
        Problem.invalid(names.filters, "of \(dimension.prefix(64)): \(reason)", rule: rule)
    }

    /// The one operator of an object, without its `$`.
    private func single(
        _ dimension: String, _ value: JSONValue
    ) throws(Problem) -> (word: String, operand: JSONValue) {
        guard case .object(let members) = value, let member = members.first, members.count == 1
        else {
            throw bad(
                dimension, "must be an object with exactly one operator", "invalid_dimension_filter"
            )
        }
        let name = String(decoding: member.name, as: UTF8.self)
        guard name.hasPrefix("$") == names.hasDollars else { throw unsupported(dimension, name) }
        return (names.hasDollars ? String(name.dropFirst()) : name, member.value)
    }

    private func unsupported(_ dimension: String, _ name: String) -> Problem {
        bad(
            dimension, "the operator \(name.prefix(32)) is not known",
            "unsupported_filter_operator")
    }

    private func text(_ dimension: String, _ value: JSONValue) throws(Problem) -> [UInt8] {
        guard case .string(let text) = value, !text.isEmpty,
            text.count <= OpenMeterFilters.longestText
        else {
            throw bad(
                dimension,
                "an operand must be a text of 1 to \(OpenMeterFilters.longestText) bytes",
                "invalid_dimension_filter")
        }
        return text
    }

    private func texts(_ dimension: String, _ value: JSONValue) throws(Problem) -> [[UInt8]] {
        guard case .array(let values) = value,
            (1...OpenMeterQuestion.mostEntries).contains(values.count)
        else {
            throw bad(
                dimension, "in and nin take a list of 1 to \(OpenMeterQuestion.mostEntries) texts",
                "invalid_dimension_filter")
        }
        var texts: [[UInt8]] = []
        for value in values { texts.append(try text(dimension, value)) }
        return texts
    }

    private func test(
        _ dimension: String, _ word: String, _ operand: JSONValue, depth: Int
    ) throws(Problem) -> TextTest {
        switch word {
        case "eq": return .oneOf([try text(dimension, operand)])
        case "ne", "neq": return .not(.oneOf([try text(dimension, operand)]))
        case "in": return .oneOf(Set(try texts(dimension, operand)))
        case "nin": return .not(.oneOf(Set(try texts(dimension, operand))))
        case "contains":
            return .like(
                LikePattern(containing: try text(dimension, operand), ignoresCase: true))
        case "ncontains":
            return .not(
                .like(LikePattern(containing: try text(dimension, operand), ignoresCase: true)))
        case "and": return .all(try tests(dimension, operand, depth: depth))
        case "or": return .any(try tests(dimension, operand, depth: depth))
        case "exists":
            throw bad(
                dimension,
                "exists cannot be answered: where the member is missing, the catalog's default is "
                    + "counted", "unsupported_filter_operator")
        default:
            guard names.hasDollars else { throw unsupported(dimension, word) }
            return try ordered(dimension, word, operand)
        }
    }

    /// Operators of version 1 alone.
    private func ordered(
        _ dimension: String, _ word: String, _ operand: JSONValue
    ) throws(Problem) -> TextTest {
        let text = try text(dimension, operand)
        switch word {
        case "like": return .like(LikePattern(text, ignoresCase: false))
        case "nlike": return .not(.like(LikePattern(text, ignoresCase: false)))
        case "ilike": return .like(LikePattern(text, ignoresCase: true))
        case "nilike": return .not(.like(LikePattern(text, ignoresCase: true)))
        case "lt": return .less(text, orEqual: false)
        case "lte": return .less(text, orEqual: true)
        case "gt": return .not(.less(text, orEqual: true))
        case "gte": return .not(.less(text, orEqual: false))
        default: throw unsupported(dimension, "$" + word)
        }
    }

    private func tests(
        _ dimension: String, _ operand: JSONValue, depth: Int
    ) throws(Problem) -> [TextTest] {
        guard case .array(let values) = operand,
            (1...OpenMeterFilters.mostConditions).contains(values.count),
            depth < OpenMeterFilters.mostDepth
        else {
            throw bad(
                dimension,
                "and and or take 1 to \(OpenMeterFilters.mostConditions) conditions, at most "
                    + "\(OpenMeterFilters.mostDepth - 1) levels deep", "invalid_dimension_filter")
        }
        var tests: [TextTest] = []
        for value in values {
            let (word, operand) = try single(dimension, value)
            tests.append(try test(dimension, word, operand, depth: depth + 1))
        }
        return tests
    }
}
