/// The number of events, or the sum of the numbers that they report.
enum CountKind: AddingKindRules {
    static func refusal(of meter: MeterDeclaration) -> String? {
        meter.attributeRefusal(allowed: ["by", "amount", "signed"])
    }
}
