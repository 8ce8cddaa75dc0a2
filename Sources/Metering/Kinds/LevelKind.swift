/// What was added minus what was removed; readers clamp it at 0.
enum LevelKind: MeterKindRules {
    static var kind: MeterKind { .level }

    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["by", "amount", "signed"])
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func field(of meter: MeterDeclaration) -> Instruction.Field {
        meter.by.isEmpty ? .none : .tuple
    }
}
