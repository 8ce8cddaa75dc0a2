/// What one kind of meter allows and how it lowers: a new kind is one file beside this one and one line in the list.
protocol MeterKindRules: Sendable {
    static var kind: MeterKind { get }
    /// Why a declaration is not possible, or nil.
    static func problem(in meter: MeterDeclaration) -> String?
    /// How entries change its cells.
    static func operation(of meter: MeterDeclaration) -> CellOperation
    /// What identifies a cell within window and scope.
    static func field(of meter: MeterDeclaration) -> Instruction.Field
}

extension MeterKind {
    /// All kinds.
    static var rules: [any MeterKindRules.Type] {
        [
            CountKind.self, SumKind.self, LevelKind.self, ExtremeKind.self, DistinctKind.self,
            HistogramKind.self, RankingKind.self, GridKind.self,
        ]
    }

    /// The rules of this kind.
    var rules: any MeterKindRules.Type {
        guard let found = Self.rules.first(where: { $0.kind == self }) else {
            preconditionFailure("every kind stands in the list")
        }
        return found
    }
}

extension MeterDeclaration {
    /// Attributes that only some kinds have, and whether this declaration has one that `allowed` lacks.
    func foreignAttribute(allowed: Set<String>) -> String? {
        if keep != nil, !allowed.contains("keep") { return "keep" }
        if value != nil, !allowed.contains("value") { return "value" }
        if of != nil, !allowed.contains("of") { return "of" }
        if !by.isEmpty, !allowed.contains("by") { return "by" }
        if isSigned, !allowed.contains("signed") { return "signed" }
        let hasAmount = clauses.contains { $0.amount != .constant(1) }
        if hasAmount, !allowed.contains("amount") { return "amount" }
        if kind == .grid ? windows != [] : windows.isEmpty { return "windows" }
        return nil
    }

    /// A sentence about a foreign attribute, or nil.
    func attributeProblem(allowed: Set<String>) -> String? {
        guard let name = foreignAttribute(allowed: allowed) else { return nil }
        if name == "windows" {
            return kind == .grid ? "a grid has no windows" : "windows must name at least one window"
        }
        return "a \(kind.rawValue) has no attribute '\(name)'"
    }
}
