/// Numbers of values by size.
enum HistogramKind: MeterKindRules {
    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["value"])
            ?? (meter.value == nil || meter.value == "time"
                ? "a histogram needs 'value', an integer field" : nil)
    }

    static func problem(
        in meter: MeterDeclaration, withValue name: String, of kind: FieldDeclaration.Kind
    ) -> String? {
        kind == .integer ? nil : "value '\(name)' is a \(kind.rawValue), no integer"
    }

    static func shape(of meter: MeterDeclaration) -> CellShape { .histogram }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func field(of meter: MeterDeclaration) -> Instruction.Field { .step }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm { .histogram }
}
