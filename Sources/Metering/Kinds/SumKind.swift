/// Sum of a field.
enum SumKind: MeterKindRules {
    static var kind: MeterKind { .sum }

    static func problem(in meter: MeterDeclaration) -> String? {
        if let problem = meter.attributeProblem(allowed: ["by", "amount", "signed"]) {
            return problem
        }
        let isConstant = meter.clauses.contains {
            if case .constant = $0.amount { true } else { false }
        }
        return isConstant ? "a sum needs a field as 'amount' in every clause" : nil
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func field(of meter: MeterDeclaration) -> Instruction.Field {
        meter.by.isEmpty ? .none : .tuple
    }
}
