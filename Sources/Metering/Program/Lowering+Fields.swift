/// Lowers the fields of an event type.
extension Lowering {
    private typealias Uses = [(meter: MeterDeclaration, clause: Clause)]

    /// The rule of a field; reserves its slot in the scanner.
    mutating func rule(of field: FieldDeclaration, in event: EventDeclaration) -> FieldRule {
        let uses: Uses = catalog.meters.flatMap { meter in
            meter.clauses.filter { $0.event == event.name }.map { (meter, $0) }
        }
        func isAmount(_ clause: Clause) -> Bool {
            if case .field(field.name, _) = clause.amount { true } else { false }
        }
        let firstValue = Int32(values.count)
        for value in field.values { values.append(text(value)) }
        let other = other(field, uses)
        let maximum =
            field.maximum
            ?? field.defaultMaximum(isAmount: uses.contains { isAmount($0.clause) })
        return FieldRule(
            kind: field.kind, isRequired: field.isRequired,
            isUnsigned: uses.contains { !$0.meter.isSigned && isAmount($0.clause) },
            isClauseTime: isClauseTime(field, uses),
            hasDefaultInteger: field.defaultInteger != nil, other: other,
            slot: field.isFanOut || other >= 0 ? -1 : tree.slot(at: field.pointer),
            fanOut: field.isFanOut ? tree.fanOut(at: field.pointer) : -1,
            defaultInteger: field.defaultInteger ?? 0, maximum: maximum.magnitude,
            // For a list it is the key of an array's entries, which have no key.
            defaultText: text(field.isFanOut ? "unknown" : field.standIn),
            firstValue: firstValue,
            valueCount: Int32(field.values.count))
    }

    /// Whether a clause takes a field as the time of its windows or as its value.
    private func isClauseTime(_ field: FieldDeclaration, _ uses: Uses) -> Bool {
        field.kind == .time
            && uses.contains { $0.clause.time == field.name || $0.meter.value == field.name }
    }

    /// The rule of a field that the loop's own readers do not read; -1 where they do.
    private mutating func other(_ field: FieldDeclaration, _ uses: Uses) -> Int16 {
        let isDimension = uses.contains { meter, clause in
            (meter.by + meter.scopes.joined()).contains {
                (clause.bindings[$0] ?? $0) == field.name
            } || meter.of == field.name
        }
        let isOrdinary =
            switch field.kind {
            case .text: field.from == .itself
            case .integer: field.from == .itself && !isDimension
            case .decimal, .boolean: false
            case .time: true
            }
        if isOrdinary { return -1 }
        others.append(
            OtherRule(
                slot: field.isFanOut ? -1 : tree.slot(at: field.pointer), room: Int32(others.count),
                scale: Int32(field.scale), unit: ScaledNumber.unit(scale: field.scale),
                isRounded: field.isRounded, takesText: field.from == .text,
                takesAny: field.from == .any, isDimension: isDimension))
        return Int16(others.count - 1)
    }

    /// The slot of an attribute of the envelope, as `Program.EnvelopeRule` has it.
    mutating func slot(of source: Envelope.Source) -> Int32 {
        switch source {
        case .pointer(let pointer): return tree.slot(at: pointer)
        case .constant: return -1
        case .places(let places, let takesAny):
            guard case .pointer(let pointer)? = places.first else { return -1 }
            others.append(
                OtherRule(
                    slot: tree.slot(at: pointer), room: Int32(others.count), takesAny: takesAny))
            return -1 - Int32(others.count)
        }
    }
}

extension FieldDeclaration {
    /// The kinds of fields whose values can be dimensions.
    static let dimensionKinds: [Kind] = [.text, .integer, .boolean]

    /// What an absent field counts as where it is a dimension.
    var standIn: String {
        guard let defaultInteger else { return defaultText ?? "unknown" }
        return kind == .boolean ? defaultInteger == 0 ? "false" : "true" : "\(defaultInteger)"
    }
}
