/// Number of events, or of the things that an event reports.
enum CountKind: AddingKindRules {
    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["by", "amount", "signed"])
    }
}
