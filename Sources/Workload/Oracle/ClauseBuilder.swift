/// Lowers one clause of one meter.
struct ClauseBuilder {
    let meter: OracleMeter
    let clause: OracleClause
    let index: [String: Int]
    var lowered = OracleProgram.Clause(meter: 0)

    mutating func build(
        _ number: Int, _ fields: inout [OracleProgram.Field]
    ) throws(OracleError) {
        lowered.meter = number
        switch clause.amount {
        case .constant(let constant):
            lowered.constant = (0..<meter.scale).reduce(constant) { number, _ in number * 10 }
        case .field(let name, let isNegated):
            let field = try find(name)
            lowered.amountField = field
            lowered.isNegated = isNegated
            lowered.mustHave.append(field)
            fields[field].isAmount = true
            if !meter.isSigned { fields[field].isUnsigned = true }
        }
        if let name = clause.time {
            let field = try find(name)
            lowered.timeField = field
            lowered.mustHave.append(field)
            fields[field].isUsedTime = true
        }
        for (name, values, isNot) in clause.when {
            lowered.when.append((try find(name), values.map { Array($0.utf8) }, isNot))
        }
        for (name, order, bound) in clause.bounds {
            let field = try find(name)
            lowered.ranges.append((field, try range(order, bound, fields[field].declaration)))
        }
        for name in clause.needs { lowered.needs.append(try find(name)) }
        try buildValue(&fields)
        for scope in meter.scopes {
            var dimensions: [OracleProgram.Dimension] = []
            for name in scope {
                dimensions.append(
                    .init(label: Array("\(name)=".utf8), source: try dimension(name, fields)))
            }
            lowered.scopes.append(dimensions)
        }
        for name in meter.by { lowered.by.append(try dimension(name, fields)) }
    }

    /// The numbers that fulfil a bound.
    private func range(
        _ order: String, _ bound: String, _ field: OracleField
    ) throws(OracleError) -> ClosedRange<Int64> {
        let text = Array(bound.utf8)
        let found: Int64? =
            switch field.kind {
            case .integer: DecimalText(text)?.scaled(0, rounds: false)
            case .decimal: DecimalText(text)?.scaled(field.scale, rounds: false)
            case .time: text.withUnsafeBytes { TimeText.nanoseconds($0) }
            case .text, .boolean: nil
            }
        // Bounds are within 2^53 or years, so neighbours are numbers, too.
        guard let found else { throw OracleError("meter \(meter.name): no bound \(bound)") }
        switch order {
        case "gt": return found + 1...Int64.max
        case "gte": return found...Int64.max
        case "lt": return Int64.min...found - 1
        case "lte": return Int64.min...found
        default: throw OracleError("meter \(meter.name): unknown condition \(order)")
        }
    }

    private mutating func buildValue(_ fields: inout [OracleProgram.Field]) throws(OracleError) {
        switch meter.kind {
        case .extreme, .histogram:
            guard let name = meter.value else {
                throw OracleError("meter \(meter.name): no value")
            }
            guard name != "time" else { return }
            let field = try find(name)
            lowered.valueField = field
            if fields[field].declaration.kind != .text { lowered.mustHave.append(field) }
            if fields[field].declaration.kind == .time { fields[field].isUsedTime = true }
        case .distinct:
            guard let name = meter.of else { throw OracleError("meter \(meter.name): no of") }
            lowered.of = try dimension(name, fields)
            if case .field(let field)? = lowered.of, fields[field].declaration.kind != .text {
                lowered.mustHave.append(field)
            }
        case .count, .sum, .level, .ranking, .grid:
            break
        }
    }

    private mutating func dimension(
        _ name: String, _ fields: [OracleProgram.Field]
    ) throws(OracleError) -> OracleProgram.DimensionSource {
        let parts = (clause.with[name] ?? name).split(separator: ".", maxSplits: 1)
        let field = try find(String(parts.first ?? ""))
        guard fields[field].declaration.isEach else { return .field(field) }
        guard lowered.each == nil || lowered.each == field else {
            throw OracleError("meter \(meter.name): two fields with each in one clause")
        }
        lowered.each = field
        return parts.last == "key" ? .eachKey(field) : .eachValue(field)
    }

    private func find(_ name: String) throws(OracleError) -> Int {
        guard let field = index[name] else {
            throw OracleError("meter \(meter.name): event \(clause.event) has no field \(name)")
        }
        return field
    }
}
