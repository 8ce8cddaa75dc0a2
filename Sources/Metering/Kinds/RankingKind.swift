/// Members ordered by amount.
enum RankingKind: MeterKindRules {
    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["by", "amount", "signed"])
            ?? (meter.by.isEmpty ? "a ranking needs 'by'" : nil)
    }

    // A sorted set of a day has every member of that day.
    static var dayRetention: MeterDeclaration.Retention { .seconds(400 * 86_400) }

    // A ranking is meant to be long.
    static var standardLimits: Most { Most(by: 1_000_000, per: 10_000) }

    static func shape(of meter: MeterDeclaration) -> CellShape { .ranking }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .addScore }

    static func field(of meter: MeterDeclaration) -> Instruction.Field { .tuple }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm { .ranking }
}
