/// The sum of a field's values.
enum SumKind: AddingKindRules {
    static func refusal(of meter: MeterDeclaration) -> String? {
        if let refusal = meter.attributeRefusal(allowed: ["by", "amount", "signed"]) {
            return refusal
        }
        let isConstant = meter.clauses.contains {
            if case .constant = $0.amount { true } else { false }
        }
        return isConstant ? "a sum needs a field as 'amount' in every clause" : nil
    }
}
