/// The declaration of a field.
public struct OracleField: Sendable, Equatable {
    /// What a field holds.
    public enum Kind: String, Sendable {
        case text
        case integer
        /// A number that counts times 10^scale.
        case decimal
        case boolean
        case time
    }

    /// Which other JSON types are taken.
    public enum From: String, Sendable {
        case itself
        /// A string that is a number, for numbers.
        case text
        /// A number, true or false by its text, for texts.
        case any
    }

    /// Its name.
    public var name: String
    /// JSON pointer from the root of the structured event.
    public var pointer: String
    /// The places where it may be, of which the first counts that is there; empty: the pointer.
    public var places: [OraclePlace] = []
    /// What it holds.
    public var kind: Kind
    /// Whether a value of another kind counts as absent.
    public var isForgiving = false
    /// Whether an event without it has a bad field.
    public var isRequired: Bool
    /// The default that replaces it when it is absent; nil: none.
    public var standIn: String?
    /// Which other JSON types are taken.
    public var from = From.itself
    /// How a time is written.
    public var time = OracleTimeRule()
    /// Decimals of a decimal.
    public var scale = 0
    /// Whether more decimals are rounded half to even.
    public var isRounded = false
    /// The greatest magnitude of a number, of a decimal times 10^scale; nil: 2^40 for integers that
    /// are amounts, else 2^53 − 1.
    public var most: Int64?
    /// The only texts allowed; empty allows all.
    public var values: [String]
    /// Whether it is an object or array of which each text is counted.
    public var isEach: Bool

    /// Makes a declaration.
    public init(
        _ name: String, at pointer: String, is kind: Kind = .text, required: Bool = false,
        standIn: String? = nil, most: Int64? = nil, values: [String] = [], each: Bool = false
    ) {
        self.name = name
        self.pointer = pointer
        self.kind = kind
        isRequired = required
        self.standIn = standIn
        self.most = most
        self.values = values
        isEach = each
    }
}
