/// Numbers of values by size.
enum HistogramKind: MeterKindRules {
    static func refusal(of meter: MeterDeclaration) -> String? {
        meter.attributeRefusal(allowed: ["value"])
            ?? (meter.value == nil || meter.value == "time"
                ? "a histogram needs 'value', an integer or decimal field" : nil)
    }

    static func refusal(
        of meter: MeterDeclaration, value name: String, kind: FieldDeclaration.Kind
    ) -> String? {
        kind == .integer || kind == .decimal
            ? nil : "value '\(name)' is a \(kind.rawValue), no integer or decimal"
    }

    static func shape(of meter: MeterDeclaration) -> CellShape { .histogram }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func place(of meter: MeterDeclaration) -> Instruction.Place { .step }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm { .histogram }
}
