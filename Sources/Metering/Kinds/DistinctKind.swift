/// How many different values.
enum DistinctKind: MeterKindRules {
    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["of"])
            ?? (meter.of == nil ? "a distinct needs 'of'" : nil)
    }

    // A sketch takes up to 12 KiB a day.
    static var dayRetention: MeterDeclaration.Retention { .seconds(400 * 86_400) }

    static func shape(of meter: MeterDeclaration) -> CellShape { .distinct }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .distinct }

    static func field(of meter: MeterDeclaration) -> Instruction.Field { .value }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm { .distinct }
}
