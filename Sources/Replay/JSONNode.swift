/// A JSON value with its place in the text.
struct JSONNode {
    indirect enum Value {
        case null
        case boolean(Bool)
        /// A number; its text is at `range`.
        case number
        /// A string without its quotes, escapes decoded.
        case text([UInt8])
        case list([JSONNode])
        case object([(name: [UInt8], value: JSONNode)])
    }

    let value: Value
    /// Where it is in the bytes that were read.
    let range: Range<Int>

    /// The value at a JSON pointer (RFC 6901), given as its parts; nil when there is none.
    func at(_ pointer: ArraySlice<[UInt8]>) -> JSONNode? {
        guard let first = pointer.first else { return self }
        switch value {
        case .object(let members):
            return members.first { $0.name == first }?.value.at(pointer.dropFirst())
        case .list(let items):
            guard let number = Int(String(decoding: first, as: UTF8.self)),
                items.indices.contains(number)
            else { return nil }
            return items[number].at(pointer.dropFirst())
        default: return nil
        }
    }

    /// Appends bytes as a JSON string with its quotes; they should be UTF-8.
    static func quote(_ bytes: some Sequence<UInt8>, into text: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        text.append(0x22)
        for byte in bytes {
            switch byte {
            case 0x22, 0x5C: text += [0x5C, byte]
            case 0..<0x20:
                text += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: text.append(byte)
            }
        }
        text.append(0x22)
    }
}

/// Reads one JSON text into nodes; nil for anything else.
struct JSONNodeReader {
    private static let deepest = 64

    private let bytes: ArraySlice<UInt8>
    private var at: Int

    static func read(_ bytes: ArraySlice<UInt8>) -> JSONNode? {
        var reader = JSONNodeReader(bytes)
        guard let node = reader.node(0) else { return nil }
        reader.skipSpace()
        return reader.at == bytes.endIndex ? node : nil
    }

    private init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    private var next: UInt8? { at < bytes.endIndex ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            at += 1
        }
    }

    private mutating func takes(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func node(_ depth: Int) -> JSONNode? {
        skipSpace()
        let start = at
        guard depth <= JSONNodeReader.deepest, let value = value(depth) else { return nil }
        return JSONNode(value: value, range: start..<at)
    }

    private mutating func value(_ depth: Int) -> JSONNode.Value? {
        switch next {
        case 0x22: return text().map { .text($0) }
        case 0x7B: return object(depth)
        case 0x5B: return list(depth)
        case UInt8(ascii: "t"): return word("true") ? .boolean(true) : nil
        case UInt8(ascii: "f"): return word("false") ? .boolean(false) : nil
        case UInt8(ascii: "n"): return word("null") ? .null : nil
        default: return number() ? .number : nil
        }
    }

    private mutating func word(_ word: StaticString) -> Bool {
        let end = at + word.utf8CodeUnitCount
        guard end <= bytes.endIndex,
            bytes[at..<end].elementsEqual(
                UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        else { return false }
        at = end
        return true
    }

    private mutating func digits() -> Int {
        let start = at
        while let byte = next, 0x30...0x39 ~= byte { at += 1 }
        return at - start
    }

    private mutating func number() -> Bool {
        _ = takes(0x2D)
        let first = next
        let whole = digits()
        guard whole == 1 || whole > 1 && first != 0x30 else { return false }
        if takes(0x2E), digits() == 0 { return false }
        if takes(0x65) || takes(0x45) {
            if !takes(0x2B) { _ = takes(0x2D) }
            if digits() == 0 { return false }
        }
        return true
    }

    private mutating func object(_ depth: Int) -> JSONNode.Value? {
        at += 1
        var members: [(name: [UInt8], value: JSONNode)] = []
        skipSpace()
        if takes(0x7D) { return .object(members) }
        while true {
            skipSpace()
            guard next == 0x22, let name = text() else { return nil }
            skipSpace()
            guard takes(0x3A), let value = node(depth + 1) else { return nil }
            members.append((name, value))
            skipSpace()
            if takes(0x7D) { return .object(members) }
            guard takes(0x2C) else { return nil }
        }
    }

    private mutating func list(_ depth: Int) -> JSONNode.Value? {
        at += 1
        var items: [JSONNode] = []
        skipSpace()
        if takes(0x5D) { return .list(items) }
        while true {
            guard let item = node(depth + 1) else { return nil }
            items.append(item)
            skipSpace()
            if takes(0x5D) { return .list(items) }
            guard takes(0x2C) else { return nil }
        }
    }

    private mutating func text() -> [UInt8]? {
        at += 1
        var text: [UInt8] = []
        while let byte = next {
            at += 1
            switch byte {
            case 0x22: return text
            case 0x5C:
                guard let escaped = next else { return nil }
                at += 1
                guard append(escape: escaped, to: &text) else { return nil }
            case 0..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func append(escape: UInt8, to text: inout [UInt8]) -> Bool {
        switch escape {
        case 0x22, 0x5C, 0x2F: text.append(escape)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            guard var code = hexadecimal() else { return false }
            if 0xD800...0xDBFF ~= code {
                guard takes(0x5C), takes(UInt8(ascii: "u")), let low = hexadecimal(),
                    0xDC00...0xDFFF ~= low
                else { return false }
                code = 0x1_0000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { return false }
            text += UTF8.encode(scalar).map { Array($0) } ?? []
        default: return false
        }
        return true
    }

    private mutating func hexadecimal() -> UInt32? {
        guard at + 4 <= bytes.endIndex,
            bytes[at..<at + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { return nil }
        at += 4
        return code
    }
}

/// JSON pointers (RFC 6901).
public enum JSONPointer {
    /// The parts of a JSON pointer; nil when the text is not one.
    public static func parts(_ text: String) -> [[UInt8]]? {
        guard !text.isEmpty else { return [] }
        guard text.first == "/" else { return nil }
        var parts: [[UInt8]] = []
        for part in text.utf8.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false) {
            var bytes: [UInt8] = []
            var isEscaped = false
            for byte in part {
                if isEscaped {
                    guard byte == 0x30 || byte == 0x31 else { return nil }
                    bytes.append(byte == 0x30 ? 0x7E : 0x2F)
                    isEscaped = false
                } else if byte == 0x7E {
                    isEscaped = true
                } else {
                    bytes.append(byte)
                }
            }
            guard !isEscaped else { return nil }
            parts.append(bytes)
        }
        return parts
    }
}
