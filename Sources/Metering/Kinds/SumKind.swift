/// Sum of a field.
enum SumKind: AddingKindRules {
    static func problem(in meter: MeterDeclaration) -> String? {
        if let problem = meter.attributeProblem(allowed: ["by", "amount", "signed"]) {
            return problem
        }
        let isConstant = meter.clauses.contains {
            if case .constant = $0.amount { true } else { false }
        }
        return isConstant ? "a sum needs a field as 'amount' in every clause" : nil
    }
}
