/// First, last, least or greatest value.
enum ExtremeKind: MeterKindRules {
    static var kind: MeterKind { .extreme }

    static func problem(in meter: MeterDeclaration) -> String? {
        if let problem = meter.attributeProblem(allowed: ["by", "keep", "value"]) {
            return problem
        }
        if meter.keep == nil { return "an extreme needs 'keep': first, last, min or max" }
        return meter.value == nil ? "an extreme needs 'value': a field, or time" : nil
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation {
        meter.keep?.operation ?? .maximum
    }

    static func field(of meter: MeterDeclaration) -> Instruction.Field {
        meter.by.isEmpty ? .none : .tuple
    }
}

extension MeterDeclaration.Keep {
    /// How entries change a cell.
    var operation: CellOperation {
        switch self {
        case .min: .minimum
        case .max: .maximum
        case .first: .first
        case .last: .last
        }
    }
}
