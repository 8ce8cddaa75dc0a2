internal import CYAML

/// A YAML value with the line where it starts.
public indirect enum YAMLNode: Sendable {
    /// A scalar; `isPlain` tells whether it is written without quotes.
    case scalar(String, isPlain: Bool, line: Int)
    /// A sequence.
    case sequence([YAMLNode], line: Int)
    /// A mapping in the order of the text.
    case mapping([(key: String, value: YAMLNode)], line: Int)

    /// Line where it starts, from 1.
    public var line: Int {
        switch self {
        case .scalar(_, _, let line), .sequence(_, let line), .mapping(_, let line): line
        }
    }

    /// Reads a text that holds one YAML document.
    ///
    /// - Throws: for a text that is not YAML, has a key twice or a key that is not a scalar, is
    ///   nested deeper than 32 levels, or has more than 100,000 nodes (an alias counts each time).
    public static func read(file: String, text: [UInt8]) throws(CatalogError) -> YAMLNode {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else {
            throw CatalogError(file: file, line: 0, field: "", message: "no memory")
        }
        defer { yaml_parser_delete(&parser) }
        var result: Result<YAMLNode, CatalogError> = .failure(
            CatalogError(file: file, line: 0, field: "", message: "empty"))
        text.withUnsafeBufferPointer { bytes in
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            var document = yaml_document_t()
            guard yaml_parser_load(&parser, &document) == 1 else {
                let message = parser.problem.map { String(cString: $0) } ?? "no YAML"
                result = .failure(
                    CatalogError(
                        file: file, line: Self.errorLine(parser, text), field: "",
                        message: message))
                return
            }
            defer { yaml_document_delete(&document) }
            guard yaml_document_get_root_node(&document) != nil else { return }
            var reader = Reader(file: file, lastLine: Self.lastLine(of: text))
            let made: Result<YAMLNode, CatalogError>
            do throws(CatalogError) {
                made = .success(try reader.node(&document, 1, depth: 0, path: ""))
            } catch { made = .failure(error) }
            result = made
            if case .success = made, let line = Self.secondDocument(&parser, text) {
                result = .failure(
                    CatalogError(
                        file: file, line: line, field: "", message: "more than one document"))
            }
        }
        return try result.get()
    }

    /// Line of what follows the first document; nil where nothing follows.
    private static func secondDocument(
        _ parser: inout yaml_parser_t, _ text: [UInt8]
    ) -> Int? {
        var document = yaml_document_t()
        guard yaml_parser_load(&parser, &document) == 1 else {
            return errorLine(parser, text)
        }
        defer { yaml_document_delete(&document) }
        guard yaml_document_get_root_node(&document) != nil else { return nil }
        return Int(document.start_mark.line) + 1
    }

    /// Line of the parser's error, from 1.
    private static func errorLine(_ parser: yaml_parser_t, _ text: [UInt8]) -> Int {
        // For bytes that are not UTF-8 the parser reports an offset only.
        if parser.error == YAML_READER_ERROR {
            return text.prefix(parser.problem_offset).count { $0 == 0x0A } + 1
        }
        return min(Int(parser.problem_mark.line) + 1, lastLine(of: text))
    }

    /// Number of a text's last line.
    ///
    /// The parser adds a line end to the text, so its marks may be on a line after the last one.
    private static func lastLine(of text: [UInt8]) -> Int {
        // LF, CR, and the last bytes of the other characters that YAML takes as a line end.
        text.count { [0x0A, 0x0D, 0x85, 0xA8, 0xA9].contains($0) } + 1
    }

    /// Turns libyaml's nodes into ours.
    private struct Reader {
        let file: String
        let lastLine: Int
        var count = 0

        mutating func node(
            _ document: inout yaml_document_t, _ index: Int32, depth: Int, path: String
        ) throws(CatalogError) -> YAMLNode {
            count += 1
            guard let node = yaml_document_get_node(&document, index) else {
                throw CatalogError(file: file, line: 0, field: path, message: "no node")
            }
            let line = min(Int(node.pointee.start_mark.line) + 1, lastLine)
            guard depth < 32, count < 100_000 else {
                throw CatalogError(
                    file: file, line: line, field: path, message: "too deep or too large")
            }
            switch node.pointee.type {
            case YAML_SCALAR_NODE:
                let scalar = node.pointee.data.scalar
                let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                return .scalar(
                    String(decoding: bytes, as: UTF8.self),
                    isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, line: line)
            case YAML_SEQUENCE_NODE:
                let items = node.pointee.data.sequence.items
                var nodes: [YAMLNode] = []
                var next = items.start
                while let item = next, let end = items.top, item < end {
                    nodes.append(
                        try self.node(
                            &document, item.pointee, depth: depth + 1,
                            path: "\(path)[\(nodes.count)]"))
                    next = item + 1
                }
                return .sequence(nodes, line: line)
            default:
                return .mapping(try pairs(&document, node, depth: depth, path: path), line: line)
            }
        }

        private mutating func pairs(
            _ document: inout yaml_document_t, _ node: UnsafeMutablePointer<yaml_node_t>,
            depth: Int, path: String
        ) throws(CatalogError) -> [(key: String, value: YAMLNode)] {
            let pairs = node.pointee.data.mapping.pairs
            var made: [(key: String, value: YAMLNode)] = []
            var next = pairs.start
            while let pair = next, let end = pairs.top, pair < end {
                let keyNode = try self.node(
                    &document, pair.pointee.key, depth: depth + 1, path: path)
                guard case .scalar(let key, _, let line) = keyNode else {
                    throw CatalogError(
                        file: file, line: keyNode.line, field: path,
                        message: "a key that is no text")
                }
                let inner = path.isEmpty ? key : "\(path).\(key)"
                if made.contains(where: { $0.key == key }) {
                    throw CatalogError(
                        file: file, line: line, field: inner, message: "stands twice")
                }
                made.append(
                    (
                        key: key,
                        value: try self.node(
                            &document, pair.pointee.value, depth: depth + 1, path: inner)
                    ))
                next = pair + 1
            }
            return made
        }
    }
}
