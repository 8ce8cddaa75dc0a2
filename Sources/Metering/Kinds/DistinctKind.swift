/// How many different values.
enum DistinctKind: MeterKindRules {
    static var kind: MeterKind { .distinct }

    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["of"])
            ?? (meter.of == nil ? "a distinct needs 'of'" : nil)
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .distinct }

    static func field(of meter: MeterDeclaration) -> Instruction.Field { .value }
}
