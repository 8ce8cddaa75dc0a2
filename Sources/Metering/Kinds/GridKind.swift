/// Numbers by weekday and hour (UTC), over all of time.
enum GridKind: MeterKindRules {
    static var kind: MeterKind { .grid }

    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["amount", "signed"])
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func field(of meter: MeterDeclaration) -> Instruction.Field { .hour }
}
