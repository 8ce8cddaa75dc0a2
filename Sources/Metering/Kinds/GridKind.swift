/// Numbers by weekday and hour (UTC), over all of time.
enum GridKind: MeterKindRules {
    static func problem(in meter: MeterDeclaration) -> String? {
        meter.foreignAttributeProblem(allowed: ["amount", "signed"])
            ?? (meter.windows.isEmpty ? nil : "a grid has no windows")
    }

    static func windows(of meter: MeterDeclaration) -> [Window] { [.all] }

    static func shape(of meter: MeterDeclaration) -> CellShape { .grid }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func field(of meter: MeterDeclaration) -> Instruction.Field { .hour }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm { .grid }
}
