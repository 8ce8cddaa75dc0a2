internal import Metering

/// Reads what a clause depends on: the keys `when` and `sign`.
enum ConditionReader {
    /// `{field: NAME, in: [VALUE, …]}`, the same with `not_in`, or with one or two of `gt`, `gte`,
    /// `lt` and `lte`, which are a condition each.
    static func read(_ node: NodeReader) throws(CatalogError) -> [Condition] {
        var condition = Condition(field: "", values: [])
        var comparisons: [Comparison] = []
        let sides = Comparison.Side.allCases
        for (key, value) in try node.members(["field", "in", "not_in"] + sides.map(\.rawValue)) {
            if key == "field" {
                condition.field = try value.text()
                continue
            }
            if let side = Comparison.Side(rawValue: key) {
                comparisons.append(Comparison(side, try value.text()))
                continue
            }
            guard condition.values.isEmpty else { throw value.fail("either 'in' or 'not_in'") }
            condition.values = try values(value)
            condition.isNot = key == "not_in"
        }
        guard !condition.field.isEmpty, condition.values.isEmpty != comparisons.isEmpty else {
            throw node.fail(
                "must be {field: NAME, in: [VALUE, …]} or {field: NAME, not_in: […]}, or have "
                    + "bounds: {field: NAME, gt|gte|lt|lte: NUMBER}")
        }
        guard !comparisons.isEmpty else { return [condition] }
        return comparisons.map { Condition(field: condition.field, $0) }
    }

    /// The two clauses of one with `sign: {field: NAME, minus: [VALUE, …]}`: what is added, and
    /// what is taken away where the field is one of the values.
    static func signed(
        _ clause: Clause, _ node: NodeReader
    ) throws(CatalogError) -> [Clause] {
        var condition = Condition(field: "", values: [])
        for (key, value) in try node.members(["field", "minus"]) {
            if key == "field" {
                condition.field = try value.text()
            } else {
                condition.values = try values(value)
            }
        }
        guard !condition.field.isEmpty, !condition.values.isEmpty else {
            throw node.fail("must be {field: NAME, minus: [VALUE, …]}")
        }
        var (added, taken) = (clause, clause)
        taken.conditions.append(condition)
        condition.isNot = true
        added.conditions.append(condition)
        switch clause.amount {
        case .constant(let number): taken.amount = .constant(-number)
        case .field(let name, let isNegated): taken.amount = .field(name, negated: !isNegated)
        }
        return [added, taken]
    }

    private static func values(_ node: NodeReader) throws(CatalogError) -> [String] {
        let values = try node.texts()
        guard (1...Condition.mostValues).contains(values.count) else {
            throw node.fail("must be 1 to \(Condition.mostValues) values")
        }
        for value in values where value.utf8.count > EventLimits.textBytes {
            throw node.fail("a value has more than \(EventLimits.textBytes) bytes")
        }
        return values
    }
}
