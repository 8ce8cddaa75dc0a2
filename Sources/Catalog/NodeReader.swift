internal import Metering

/// A node together with where it stands, so that every error names file, line and field.
struct NodeReader {
    let file: String
    let node: YAMLNode
    let path: String

    func fail(_ message: String) -> CatalogError {
        CatalogError(file: file, line: node.line, field: path, message: message)
    }

    /// The members of a mapping; keys other than `allowed` are errors (nil: any key).
    func members(_ allowed: [String]?) throws(CatalogError) -> [(key: String, value: NodeReader)] {
        // `name:` with nothing behind it is an empty mapping.
        if case .scalar("", true, _) = node { return [] }
        guard case .mapping(let pairs, _) = node else { throw fail("must be a mapping") }
        var made: [(key: String, value: NodeReader)] = []
        for (key, value) in pairs {
            let inner = NodeReader(
                file: file, node: value, path: path.isEmpty ? key : "\(path).\(key)")
            if let allowed, !allowed.contains(key) {
                throw inner.fail("unknown key; allowed here: \(allowed.joined(separator: ", "))")
            }
            made.append((key: key, value: inner))
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
            value.magnitude <= 9_007_199_254_740_991
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

    /// A JSON pointer (RFC 6901) as its reference tokens.
    func pointer() throws(CatalogError) -> JSONPointer {
        let text = try text()
        // Scalars, because a character may be a slash and its accent.
        let scalars = text.unicodeScalars
        guard scalars.first == "/" else { throw fail("must be a JSON pointer like /data/agent") }
        var tokens: JSONPointer = []
        for token in scalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            var made = String.UnicodeScalarView()
            var rest = token.makeIterator()
            while let scalar = rest.next() {
                guard scalar == "~" else {
                    made.append(scalar)
                    continue
                }
                switch rest.next() {
                case "0": made.append("~")
                case "1": made.append("/")
                default: throw fail("~ must be followed by 0 or 1")
                }
            }
            tokens.append(String(made))
        }
        return tokens
    }

    /// `26h`, `92d` or `forever`.
    func retention() throws(CatalogError) -> MeterDeclaration.Retention {
        let text = try text()
        if text == "forever" { return .forever }
        let units: [Character: Int64] = ["m": 60, "h": 3_600, "d": 86_400]
        guard let last = text.last, let unit = units[last], let number = Int64(text.dropLast()),
            (1...1_000_000).contains(number)
        else { throw fail("must be like 26h, 92d or forever") }
        return .seconds(number * unit)
    }

    /// Checks a name of the catalog: a letter, then letters, digits and what `extra` allows.
    static func isName(_ text: String, upperCase: Bool, extra: String) -> Bool {
        guard let first = text.utf8.first, (97...122).contains(first), text.utf8.count <= 64 else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte)
                || (upperCase && (65...90).contains(byte)) || extra.utf8.contains(byte)
        }
    }
}
