/// What a field must be for a clause to count: one of some values, none of them, or beyond a bound.
public struct Condition: Sendable, Hashable {
    /// The most values of one condition.
    public static var mostValues: Int { 64 }
    /// Name of a field of the clause's event: a text, integer or boolean for values, of which an
    /// absent one without default is `unknown`; an integer, decimal or time for a comparison.
    public var field: String
    /// Its values as texts, at least one; none for a comparison.
    public var values: [String]
    /// Whether the field must be none of them.
    public var isNot: Bool
    /// How the field must compare with a bound; nil: the values count.
    public var comparison: Comparison?

    /// A condition of these parts.
    public init(field: String, values: [String], isNot: Bool = false) {
        self.field = field
        self.values = values
        self.isNot = isNot
    }

    /// A field that is compared with a bound.
    public init(field: String, _ comparison: Comparison) {
        self.init(field: field, values: [])
        self.comparison = comparison
    }

    /// Whether both are of the same bytes: equal texts of Unicode may have other ones.
    public static func == (one: Condition, other: Condition) -> Bool {
        one.isNot == other.isNot && one.field.utf8.elementsEqual(other.field.utf8)
            && one.comparison == other.comparison
            && one.values.elementsEqual(other.values) { $0.utf8.elementsEqual($1.utf8) }
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(isNot)
        hasher.combine(comparison)
        for text in [field] + values { hasher.combine(Array(text.utf8)) }
    }
}

/// How a number or time must compare with a bound.
public struct Comparison: Sendable, Hashable {
    /// On which side of the bound the field must be; the raw value is the catalog's word.
    public enum Side: String, Sendable, CaseIterable {
        /// Greater than the bound.
        case above = "gt"
        /// The bound or greater.
        case atLeast = "gte"
        /// Less than the bound.
        case below = "lt"
        /// The bound or less.
        case atMost = "lte"

        @inline(__always)
        func holds(_ value: Int64, _ bound: Int64) -> Bool {
            switch self {
            case .above: value > bound
            case .atLeast: value >= bound
            case .below: value < bound
            case .atMost: value <= bound
            }
        }
    }
    /// On which side.
    public var side: Side
    /// The bound as the catalog has it: a number, or a time of RFC 3339 with a zone.
    public var bound: String

    /// A comparison of these parts.
    public init(_ side: Side, _ bound: String) {
        self.side = side
        self.bound = bound
    }

    /// The bound as fields of this kind are kept: a number times 10^scale, or nanoseconds since
    /// 1970; nil where it is none, or has more decimals than the field.
    public func number(for field: FieldDeclaration) -> Int64? {
        switch field.kind {
        case .integer, .decimal: ScaledNumber.value(bound, scale: field.scale)
        case .time: Array(bound.utf8).withUnsafeBytes { Timestamp.nanoseconds($0) }
        case .text, .boolean: nil
        }
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
