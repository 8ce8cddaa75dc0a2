/// What was added minus what was removed.
enum LevelKind: AddingKindRules {
    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["by", "amount", "signed"])
    }

    static var isClampedAtZero: Bool { true }
}
