/// What a field must be for a clause to count.
public struct Condition: Sendable, Hashable {
    /// The most values of one condition.
    public static var mostValues: Int { 64 }
    /// Name of a text, integer or boolean of the clause's event; an absent one without default is
    /// `unknown`.
    public var field: String
    /// Its values as texts, at least one.
    public var values: [String]
    /// Whether the field must be none of them.
    public var isNot: Bool

    /// A condition of these parts.
    public init(field: String, values: [String], isNot: Bool = false) {
        self.field = field
        self.values = values
        self.isNot = isNot
    }

    /// Whether both are of the same bytes: equal texts of Unicode may have other ones.
    public static func == (one: Condition, other: Condition) -> Bool {
        one.isNot == other.isNot && one.field.utf8.elementsEqual(other.field.utf8)
            && one.values.elementsEqual(other.values) { $0.utf8.elementsEqual($1.utf8) }
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(isNot)
        for text in [field] + values { hasher.combine(Array(text.utf8)) }
    }
}

extension MeterCatalog {
    /// The conditions of an event's clauses, each once.
    func conditions(of event: EventDeclaration) -> [Condition] {
        var found: [Condition] = []
        for meter in meters {
            for clause in meter.clauses where clause.event == event.name {
                for condition in clause.conditions where !found.contains(condition) {
                    found.append(condition)
                }
            }
        }
        return found
    }
}
