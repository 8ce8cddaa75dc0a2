/// One field of an event type.
public struct FieldDeclaration: Sendable, Equatable {
    /// What the value must be.
    public enum Kind: String, Sendable {
        /// A string of at most 256 bytes of UTF-8.
        case text
        /// A number that is an integer, |x| ≤ 2^53 − 1.
        case integer
        /// A number that is kept as the integer x · 10^scale, at most 2^53 − 1.
        case decimal
        /// true or false.
        case boolean
        /// A time, written by one of the formats of its rule.
        case time
    }
    /// Which JSON types a value may have besides that of its kind.
    public enum From: String, Sendable {
        /// No other.
        case itself
        /// A number may be in a string.
        case text
        /// A text may be a number, true or false, and is that value's text.
        case any
    }
    /// Name by which meters refer to it.
    public var name: String
    /// Where it is: at the first of these places that is there.
    ///
    /// At least one.
    public var places: [Place]
    /// What it must be.
    public var kind: Kind
    /// Which other JSON types are taken.
    public var from = From.itself
    /// How a time is written.
    public var time = TimeRule.standard
    /// Decimals that a decimal keeps, 0 to 12; 0 for the other kinds.
    public var scale = 0
    /// Whether a decimal with more digits is rounded half to even; else it is a `bad_field`.
    public var isRounded = false
    /// Whether an event without it is a `bad_field`.
    public var isRequired: Bool
    /// The value of an absent optional text; nil: "unknown".
    public var defaultText: String?
    /// The value of an absent optional number, of a decimal times 10^scale, of a boolean 1 or 0;
    /// nil: clauses that use it do nothing then, and as a dimension it is "unknown".
    public var defaultInteger: Int64?
    /// The greatest |x| of a number, of a decimal times 10^scale.
    ///
    /// Nil: `defaultMaximum`.
    public var maximum: Int64?
    /// Whether an optional field counts as absent where its value is not of its kind or none of
    /// `values`; else the event is a `bad_field`.
    public var isForgiving = false
    /// The only texts allowed; empty: any text.
    public var values: [String]
    /// Whether the value is a list: an object or array of at most 32 texts, each counted.
    public var isFanOut: Bool

    /// The greatest |x| of an integer that is an amount and whose field declares no `max`.
    ///
    /// It is more than a million million, and yet a hash's cell can hold millions of such amounts.
    public static let largestAmount: Int64 = 1 << 40
    /// The greatest |x| of every integer: exact in Lua and as a score.
    public static let largestInteger: Int64 = (1 << 53) - 1
    /// How many decimals a decimal may keep.
    public static let scales = 0...12

    /// The greatest |x| where the field declares no `max`.
    ///
    /// A decimal has no narrower bound, because its scale was chosen for the size of its numbers.
    public func defaultMaximum(isAmount: Bool) -> Int64 {
        isAmount && kind == .integer ? Self.largestAmount : Self.largestInteger
    }

    /// A field at one pointer, of these parts.
    public init(
        name: String, pointer: JSONPointer, kind: Kind = .text, isRequired: Bool = false,
        defaultText: String? = nil, defaultInteger: Int64? = nil, maximum: Int64? = nil,
        values: [String] = [], isFanOut: Bool = false
    ) {
        self.name = name
        places = [.pointer(pointer)]
        self.kind = kind
        self.isRequired = isRequired
        self.defaultText = defaultText
        self.defaultInteger = defaultInteger
        self.maximum = maximum
        self.values = values
        self.isFanOut = isFanOut
    }
}
