/// Number of events, or of the things that an event stands for.
enum CountKind: MeterKindRules {
    static var kind: MeterKind { .count }

    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["by", "amount", "signed"])
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func field(of meter: MeterDeclaration) -> Instruction.Field {
        meter.by.isEmpty ? .none : .tuple
    }
}
