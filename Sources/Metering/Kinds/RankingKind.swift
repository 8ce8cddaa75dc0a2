/// Members ordered by amount.
enum RankingKind: MeterKindRules {
    static func refusal(of meter: MeterDeclaration) -> String? {
        meter.attributeRefusal(allowed: ["by", "amount", "signed"])
            ?? (meter.by.isEmpty ? "a ranking needs 'by'" : nil)
    }

    // A day's sorted set has every member of that day and so is large.
    static var dayRetention: MeterDeclaration.Retention { .seconds(400 * 86_400) }

    // Rankings are meant to have many members.
    static var standardLimits: Most { Most(by: 1_000_000, per: 10_000) }

    static func shape(of meter: MeterDeclaration) -> CellShape { .ranking }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .addScore }

    static func place(of meter: MeterDeclaration) -> Instruction.Place { .tuple }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm { .ranking }
}
