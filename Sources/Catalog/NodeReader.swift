internal import Metering

/// A node together with its file and path, so that every error names file, line and key.
struct NodeReader {
    let file: String
    let node: YAMLNode
    let path: String

    func fail(_ message: String) -> CatalogError {
        CatalogError(file: file, line: node.line, field: path, message: message)
    }

    /// The members of a mapping; throws for a key that is not `allowed` (nil: any key).
    func members(_ allowed: [String]?) throws(CatalogError) -> [(key: String, value: NodeReader)] {
        // `name:` with nothing after it is an empty mapping.
        if case .scalar("", true, _) = node { return [] }
        guard case .mapping(let pairs, _) = node else { throw fail("must be a mapping") }
        var made: [(key: String, value: NodeReader)] = []
        for (key, value) in pairs {
            let member = NodeReader(
                file: file, node: value, path: path.isEmpty ? key : "\(path).\(key)")
            if let allowed, !allowed.contains(key) {
                throw member.fail("unknown key; allowed here: \(allowed.joined(separator: ", "))")
            }
            made.append((key: key, value: member))
        }
        return made
    }

    func items() throws(CatalogError) -> [NodeReader] {
        guard case .sequence(let nodes, _) = node else { throw fail("must be a list") }
        return nodes.enumerated().map { index, node in
            NodeReader(file: file, node: node, path: "\(path)[\(index)]")
        }
    }

    var isList: Bool { if case .sequence = node { true } else { false } }

    func text() throws(CatalogError) -> String {
        guard case .scalar(let text, _, _) = node else { throw fail("must be a text") }
        return text
    }

    func texts() throws(CatalogError) -> [String] {
        var made: [String] = []
        for item in try items() { made.append(try item.text()) }
        return made
    }

    func integer() throws(CatalogError) -> Int64 {
        guard case .scalar(let text, true, _) = node, let value = Int64(text),
            value.magnitude <= FieldDeclaration.largestInteger.magnitude
        else { throw fail("must be an integer within 2^53 - 1") }
        return value
    }

    func bool() throws(CatalogError) -> Bool {
        switch node {
        case .scalar("true", true, _): return true
        case .scalar("false", true, _): return false
        default: throw fail("must be true or false")
        }
    }

    func word<Word: RawRepresentable>(
        _ type: Word.Type, _ allowed: [Word]
    ) throws(CatalogError) -> Word
    where Word.RawValue == String {
        let text = try text()
        guard let word = allowed.first(where: { $0.rawValue == text }) else {
            throw fail("must be one of \(allowed.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    func window() throws(CatalogError) -> Window {
        guard let window = Window(name: try text()) else {
            throw fail("must be one of \(Window.allCases.map(\.name).joined(separator: ", "))")
        }
        return window
    }

    /// A length of time like `26h` or `92d`, or `forever`.
    func retention() throws(CatalogError) -> MeterDeclaration.Retention {
        let text = try text()
        if text == "forever" { return .forever }
        let units: [Character: Int64] = ["m": 60, "h": 3_600, "d": 86_400]
        guard let last = text.last, let unit = units[last], let number = Int64(text.dropLast()),
            (1...1_000_000).contains(number)
        else { throw fail("must be like 26h, 92d or forever") }
        return .seconds(number * unit)
    }

    /// Whether a text is a name: a letter a-z, then letters, digits and the characters in `extra`.
    static func isName(_ text: String, upperCase: Bool, extra: String) -> Bool {
        let lower = UInt8(ascii: "a")...UInt8(ascii: "z")
        let upper = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = text.utf8.first, lower.contains(first), text.utf8.count <= 64 else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            lower.contains(byte) || digits.contains(byte)
                || (upperCase && upper.contains(byte)) || extra.utf8.contains(byte)
        }
    }
}
