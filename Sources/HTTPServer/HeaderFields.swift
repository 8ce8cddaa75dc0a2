/// How often a header or query parameter is in a request.
///
/// A second value is never dropped silently: if two programs read different values of one name, an
/// access check in one of them does not protect the other.
public enum Occurrence: Equatable, Sendable {
    /// It is not there.
    case absent
    /// It is there once, with this value.
    case once([UInt8])
    /// It is there several times.
    case repeated

    /// The value, when there is exactly one.
    public var value: [UInt8]? {
        guard case .once(let value) = self else { return nil }
        return value
    }
}

/// The header fields of a request in the order they came; names compare without case.
public struct HeaderFields: Sendable {
    private struct Field {
        var start: Int
        var nameCount: Int
        var valueCount: Int
    }

    // Names (in lower case) and values one after the other: two allocations for a whole head.
    private var bytes: [UInt8] = []
    private var fields: [Field] = []

    /// No fields.
    public init() {
        bytes.reserveCapacity(512)
        fields.reserveCapacity(12)
    }

    /// Fields from text, as tests write them.
    public init(_ pairs: [(name: String, value: String)]) {
        self.init()
        for (name, value) in pairs {
            append(name: Array(name.utf8), value: Array(value.utf8))
        }
    }

    /// Adds a field; spaces and tabs around the value are dropped.
    public mutating func append(name: [UInt8], value: [UInt8]) {
        name.withUnsafeBytes { name in value.withUnsafeBytes { append(name: name, value: $0) } }
    }

    mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let start = bytes.count
        for byte in name { bytes.append(ASCII.lowercased(byte)) }
        var value = value[...]
        while let first = value.first, ASCII.isBlank(first) { value = value.dropFirst() }
        while let last = value.last, ASCII.isBlank(last) { value = value.dropLast() }
        bytes.append(contentsOf: value)
        fields.append(Field(start: start, nameCount: name.count, valueCount: value.count))
    }

    /// The number of fields.
    public var count: Int { fields.count }

    /// How many fields have this name.
    public func count(of name: String) -> Int {
        fields.reduce(0) { $0 + (matches($1, name) ? 1 : 0) }
    }

    /// Every value of this name, in order.
    public func values(of name: String) -> [[UInt8]] {
        fields.filter { matches($0, name) }.map(value)
    }

    /// The value of a field that may be there at most once.
    public func single(_ name: String) -> Occurrence {
        var found: Field?
        for field in fields where matches(field, name) {
            if found != nil { return .repeated }
            found = field
        }
        return found.map { .once(value($0)) } ?? .absent
    }

    /// Adds every value of this name to a hash.
    func hash(_ name: String, into hasher: inout Hasher) {
        for field in fields where matches(field, name) {
            hasher.combine(field.valueCount)
            let start = field.start + field.nameCount
            bytes.withUnsafeBytes {
                hasher.combine(
                    bytes: UnsafeRawBufferPointer(rebasing: $0[start..<start + field.valueCount]))
            }
        }
    }

    /// Whether all names consist of characters that RFC 9110 permits and no value contains a
    /// control character.
    var isWellFormed: Bool {
        fields.allSatisfy { field in
            let nameEnd = field.start + field.nameCount
            return field.nameCount > 0
                && bytes[field.start..<nameEnd].allSatisfy(ASCII.isToken)
                && bytes[nameEnd..<nameEnd + field.valueCount].allSatisfy {
                    $0 >= 0x20 && $0 != 0x7f || $0 == 0x09
                }
        }
    }

    private func value(_ field: Field) -> [UInt8] {
        let start = field.start + field.nameCount
        return Array(bytes[start..<start + field.valueCount])
    }

    private func matches(_ field: Field, _ name: String) -> Bool {
        guard field.nameCount == name.utf8.count else { return false }
        var index = field.start
        for byte in name.utf8 {
            if bytes[index] != ASCII.lowercased(byte) { return false }
            index += 1
        }
        return true
    }
}

/// The character classes of HTTP.
enum ASCII {
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
            UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
            UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default:
            false
        }
    }

    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
