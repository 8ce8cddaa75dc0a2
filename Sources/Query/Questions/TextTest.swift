/// A condition that one text fulfils or not.
public indirect enum TextTest: Sendable, Hashable {
    /// It is one of these, byte by byte.
    case oneOf(Set<[UInt8]>)
    /// It matches a pattern.
    case like(LikePattern)
    /// In the order of bytes it is before this text, or is this text where `orEqual`.
    case less([UInt8], orEqual: Bool)
    /// The condition does not hold.
    case not(TextTest)
    /// All of them hold.
    case all([TextTest])
    /// At least one of them holds.
    case any([TextTest])

    /// Whether a text fulfils it.
    public func admits(_ text: [UInt8]) -> Bool {
        switch self {
        case .oneOf(let texts): texts.contains(text)
        case .like(let pattern): pattern.matches(text)
        case .less(let other, let orEqual):
            text.lexicographicallyPrecedes(other) || orEqual && text == other
        case .not(let test): !test.admits(text)
        case .all(let tests): tests.allSatisfy { $0.admits(text) }
        case .any(let tests): tests.contains { $0.admits(text) }
        }
    }
}

/// A pattern of SQL: `%` is any text, `_` one character, and `\` makes the next one a plain one.
public struct LikePattern: Sendable, Hashable {
    private enum Part: Sendable, Hashable {
        case any
        case one
        case exact(Unicode.Scalar)

        func admits(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .any: false
            case .one: true
            case .exact(let wanted): wanted == scalar
            }
        }
    }
    private let parts: [Part]
    private let ignoresCase: Bool

    /// Reads a pattern of UTF-8.
    public init(_ pattern: [UInt8], ignoresCase: Bool) {
        var parts: [Part] = []
        var isPlain = false
        for scalar in String(decoding: pattern, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\\" where !isPlain:
                isPlain = true
                continue
            case "%" where !isPlain: if parts.last != .any { parts.append(.any) }
            case "_" where !isPlain: parts.append(.one)
            default:
                let lower = ignoresCase ? LikePattern.lower(scalar) : [scalar]
                parts += lower.map { .exact($0) }
            }
            isPlain = false
        }
        if isPlain { parts.append(.exact("\\")) }
        self.parts = parts
        self.ignoresCase = ignoresCase
    }

    /// The pattern of all texts that contain this one.
    public init(containing text: [UInt8], ignoresCase: Bool) {
        let lower = String(decoding: text, as: UTF8.self).unicodeScalars
            .flatMap { ignoresCase ? LikePattern.lower($0) : [$0] }
        parts = [.any] + lower.map { .exact($0) } + [.any]
        self.ignoresCase = ignoresCase
    }

    private static func lower(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if scalar.isASCII {
            let value = UInt8(ascii: scalar)
            return [Unicode.Scalar((65...90).contains(value) ? value | 32 : value)]
        }
        return Array(scalar.properties.lowercaseMapping.unicodeScalars)
    }

    /// Whether a text matches as a whole; takes time of at most both lengths multiplied.
    func matches(_ text: [UInt8]) -> Bool {
        let scalars = String(decoding: text, as: UTF8.self).unicodeScalars
        let wanted = ignoresCase ? scalars.flatMap { LikePattern.lower($0) } : Array(scalars)
        var part = 0
        var position = 0
        // Where the last `%` is, and up to where it reaches.
        var open: (part: Int, position: Int)?
        while position < wanted.count {
            if part < parts.count, parts[part] == .any {
                open = (part, position)
                part += 1
            } else if part < parts.count, parts[part].admits(wanted[position]) {
                part += 1
                position += 1
            } else if let last = open {
                open = (last.part, last.position + 1)
                part = last.part + 1
                position = last.position + 1
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .any }
    }
}
