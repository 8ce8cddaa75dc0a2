/// Where a value is in a JSON document: the reference tokens of an RFC 6901 pointer, unescaped.
public typealias JSONPointer = [String]

/// One of the places where a value may be.
public enum Place: Sendable, Equatable {
    /// What that pointer leads to in the record's value.
    case pointer(JSONPointer)
}
