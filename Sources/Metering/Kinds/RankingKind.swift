/// Members ordered by amount.
enum RankingKind: MeterKindRules {
    static var kind: MeterKind { .ranking }

    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["by", "amount", "signed"])
            ?? (meter.by.isEmpty ? "a ranking needs 'by'" : nil)
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .addScore }

    static func field(of meter: MeterDeclaration) -> Instruction.Field { .tuple }
}
