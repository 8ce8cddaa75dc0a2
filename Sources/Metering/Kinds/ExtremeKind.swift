/// First, last, least or greatest value.
enum ExtremeKind: MeterKindRules {
    static func refusal(of meter: MeterDeclaration) -> String? {
        if let refusal = meter.attributeRefusal(allowed: ["by", "keep", "value"]) {
            return refusal
        }
        if meter.keep == nil { return "an extreme needs 'keep': first, last, min or max" }
        return meter.value == nil ? "an extreme needs 'value': a field, or time" : nil
    }

    static func refusal(
        of meter: MeterDeclaration, value name: String, kind: FieldDeclaration.Kind
    ) -> String? {
        (kind == .text || kind == .boolean) && meter.keep != .first && meter.keep != .last
            ? "'\(name)' is a \(kind.rawValue): only first and last keep such values" : nil
    }

    static func shape(of meter: MeterDeclaration) -> CellShape {
        meter.by.isEmpty ? .series : .table
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation {
        meter.keep?.operation ?? .maximum
    }

    static func place(of meter: MeterDeclaration) -> Instruction.Place {
        meter.by.isEmpty ? .none : .tuple
    }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm {
        meter.by.isEmpty ? .extreme : .extremeTable
    }
}

extension MeterDeclaration.Keep {
    /// How entries change a cell.
    var operation: CellOperation {
        switch self {
        case .min: .minimum
        case .max: .maximum
        case .first: .first
        case .last: .last
        }
    }
}
