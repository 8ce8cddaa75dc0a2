/// What one kind of meter is: what it allows, which cells it has, how it is answered.
///
/// A new kind is a file beside this one, and a case in `MeterKind`.
protocol MeterKindRules: Sendable {
    /// Why a declaration is not possible, or nil.
    static func problem(in meter: MeterDeclaration) -> String?
    /// Why a field of this type cannot be the meter's `value`, or nil.
    static func problem(
        in meter: MeterDeclaration, withValue name: String, of kind: FieldDeclaration.Kind
    ) -> String?
    /// Windows that have cells.
    static func windows(of meter: MeterDeclaration) -> [Window]
    /// How long days are kept where a meter says nothing else.
    static var dayRetention: MeterDeclaration.Retention { get }
    /// How many values are kept apart where a meter says nothing else.
    static var standardLimits: Most { get }
    /// The structure that its cells live in.
    static func shape(of meter: MeterDeclaration) -> CellShape
    /// How entries change its cells.
    static func operation(of meter: MeterDeclaration) -> CellOperation
    /// What identifies a cell within window and scope.
    static func field(of meter: MeterDeclaration) -> Instruction.Field
    /// How its cells become an answer.
    static func answerForm(of meter: MeterDeclaration) -> AnswerForm
    /// Whether answers show a number below zero as 0.
    static var isClampedAtZero: Bool { get }
}

/// What most kinds have in common.
extension MeterKindRules {
    // Kinds that take a `value` say which fields it may name.
    static func problem(
        in meter: MeterDeclaration, withValue name: String, of kind: FieldDeclaration.Kind
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

    static func field(of meter: MeterDeclaration) -> Instruction.Field {
        meter.by.isEmpty ? .none : .tuple
    }

    static func answerForm(of meter: MeterDeclaration) -> AnswerForm {
        meter.by.isEmpty ? .sum : .table
    }
}

extension MeterDeclaration {
    /// A sentence about an attribute that this kind does not have, or about missing windows; nil
    /// where there is none.
    func attributeProblem(allowed: Set<String>) -> String? {
        if let problem = foreignAttributeProblem(allowed: allowed) { return problem }
        return windows.isEmpty ? "windows must name at least one window" : nil
    }

    /// A sentence about an attribute that only other kinds have; nil where there is none.
    func foreignAttributeProblem(allowed: Set<String>) -> String? {
        let given = [
            ("keep", keep != nil), ("value", value != nil), ("of", of != nil), ("by", !by.isEmpty),
            ("signed", isSigned), ("amount", clauses.contains { $0.amount != .constant(1) }),
        ]
        return given.first { name, isGiven in isGiven && !allowed.contains(name) }
            .map { name, _ in "a \(kind.rawValue) has no attribute '\(name)'" }
    }
}
