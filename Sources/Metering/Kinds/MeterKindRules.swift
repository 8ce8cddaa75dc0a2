/// The rules of one kind of meter: what it allows, which cells it has, how it is answered.
///
/// A new kind needs a file beside this one and a case in `MeterKind`.
protocol MeterKindRules: Sendable {
    /// Why a declaration is refused, a clause for people; nil when it is allowed.
    static func refusal(of meter: MeterDeclaration) -> String?
    /// Why a field of this kind cannot be the meter's `value`, a clause for people; nil when it
    /// can.
    static func refusal(
        of meter: MeterDeclaration, value name: String, kind: FieldDeclaration.Kind
    ) -> String?
    /// Windows that have cells.
    static func windows(of meter: MeterDeclaration) -> [Window]
    /// How long days are kept where a meter does not declare it.
    static var dayRetention: MeterDeclaration.Retention { get }
    /// How many values are kept apart where a meter does not declare it.
    static var standardLimits: Most { get }
    /// The structure that its cells live in.
    static func shape(of meter: MeterDeclaration) -> CellShape
    /// How entries change its cells.
    static func operation(of meter: MeterDeclaration) -> CellOperation
    /// What decides the member of the cell that an instruction changes.
    static func place(of meter: MeterDeclaration) -> Instruction.Place
    /// How its cells become an answer.
    static func answerForm(of meter: MeterDeclaration) -> AnswerForm
    /// Whether answers show a number below zero as 0.
    static var isClampedAtZero: Bool { get }
}

/// What most kinds have in common.
extension MeterKindRules {
    // Kinds that take a `value` say which fields it may name.
    static func refusal(
        of meter: MeterDeclaration, value name: String, kind: FieldDeclaration.Kind
    ) -> String? {
        nil
    }

    static func windows(of meter: MeterDeclaration) -> [Window] { meter.windows }
    static var dayRetention: MeterDeclaration.Retention { .forever }
    static var standardLimits: Most { Most(by: 10_000, per: 10_000) }
    static var isClampedAtZero: Bool { false }
}

/// A kind whose cells are numbers that are added up: a series, or a table where it has `by`.
protocol AddingKindRules: MeterKindRules {}

extension AddingKindRules {
    static func shape(of meter: MeterDeclaration) -> CellShape {
        meter.by.isEmpty ? .series : .table
    }

    static func operation(of meter: MeterDeclaration) -> CellOperation { .add }

    static func place(of meter: MeterDeclaration) -> Instruction.Place {
        meter.by.isEmpty ? .none : .tuple
    }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm {
        meter.by.isEmpty ? .sum : .table
    }
}

extension MeterDeclaration {
    /// Why an attribute or the lack of windows is refused; nil when all is allowed.
    func attributeRefusal(allowed: Set<String>) -> String? {
        if let refusal = foreignAttributeRefusal(allowed: allowed) { return refusal }
        return windows.isEmpty ? "windows must name at least one window" : nil
    }

    /// Why an attribute is refused that only other kinds have; nil when there is none.
    func foreignAttributeRefusal(allowed: Set<String>) -> String? {
        let given = [
            ("keep", keep != nil), ("value", value != nil), ("of", of != nil), ("by", !by.isEmpty),
            ("signed", isSigned), ("amount", clauses.contains { $0.amount != .constant(1) }),
        ]
        return given.first { name, isGiven in isGiven && !allowed.contains(name) }
            .map { name, _ in "a \(kind.rawValue) has no attribute '\(name)'" }
    }
}
