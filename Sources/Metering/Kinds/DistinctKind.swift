/// How many different values a field has.
enum DistinctKind: MeterKindRules {
    static func refusal(of meter: MeterDeclaration) -> String? {
        meter.attributeRefusal(allowed: ["of"])
            ?? (meter.of == nil ? "a distinct needs 'of'" : nil)
    }

    // A HyperLogLog takes up to 12 KiB for each day.
    static var dayRetention: MeterDeclaration.Retention { .seconds(400 * 86_400) }

    static func shape(of meter: MeterDeclaration) -> CellShape { .distinct }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .distinct }

    static func place(of meter: MeterDeclaration) -> Instruction.Place { .value }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm { .distinct }
}
