/// Numbers by weekday and hour (UTC), over all time.
enum GridKind: MeterKindRules {
    static func refusal(of meter: MeterDeclaration) -> String? {
        meter.foreignAttributeRefusal(allowed: ["amount", "signed"])
            ?? (meter.windows.isEmpty ? nil : "a grid has no windows")
    }

    static func windows(of meter: MeterDeclaration) -> [Window] { [.all] }

    static func shape(of meter: MeterDeclaration) -> CellShape { .grid }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func place(of meter: MeterDeclaration) -> Instruction.Place { .hour }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm { .grid }
}
