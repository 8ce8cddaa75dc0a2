/// What was added minus what was removed.
enum LevelKind: AddingKindRules {
    static func refusal(of meter: MeterDeclaration) -> String? {
        meter.attributeRefusal(allowed: ["by", "amount", "signed"])
    }

    static var isClampedAtZero: Bool { true }
}
