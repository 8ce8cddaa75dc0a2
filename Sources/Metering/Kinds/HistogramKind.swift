/// Numbers of values by size.
enum HistogramKind: MeterKindRules {
    static var kind: MeterKind { .histogram }

    static func problem(in meter: MeterDeclaration) -> String? {
        meter.attributeProblem(allowed: ["value"])
            ?? (meter.value == nil || meter.value == "time"
                ? "a histogram needs 'value', an integer field" : nil)
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func field(of meter: MeterDeclaration) -> Instruction.Field { .step }
}
