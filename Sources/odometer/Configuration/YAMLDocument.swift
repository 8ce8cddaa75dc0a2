import CYAML

/// A YAML text as a tree; scalars stay the text that was written.
indirect enum YAMLNode: Sendable {
    /// A value that is not there: `key:` or `key: null`.
    case null
    case scalar(String)
    case sequence([YAMLItem])
    case mapping([YAMLMember])
}

/// An element of a sequence.
struct YAMLItem: Sendable {
    let line: Int
    let node: YAMLNode
}

/// A member of a mapping, in the order of the file.
struct YAMLMember: Sendable {
    let key: String
    let line: Int
    let node: YAMLNode
}

/// Why a text is not the YAML that we take.
struct YAMLProblem: Error, Sendable {
    let line: Int
    let message: String
}

/// Reads the first document of a YAML text. Keys are scalars and stand once in a mapping.
enum YAMLDocument {
    private static let depthLimit = 16

    /// nil for an empty text.
    static func read(_ text: [UInt8]) throws(YAMLProblem) -> YAMLNode? {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else {
            throw YAMLProblem(line: 1, message: "no memory")
        }
        defer { yaml_parser_delete(&parser) }
        var document = yaml_document_t()
        let isLoaded = text.withUnsafeBufferPointer { bytes in
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            return yaml_parser_load(&parser, &document) == 1
        }
        guard isLoaded else {
            let problem = parser.problem.map { String(cString: $0) } ?? "not YAML"
            throw YAMLProblem(line: Int(parser.problem_mark.line) + 1, message: problem)
        }
        defer { yaml_document_delete(&document) }
        guard let root = yaml_document_get_root_node(&document) else { return nil }
        return try node(root, of: &document, depth: 0)
    }

    private static func node(
        _ pointer: UnsafeMutablePointer<yaml_node_t>, of document: inout yaml_document_t, depth: Int
    ) throws(YAMLProblem) -> YAMLNode {
        let line = Int(pointer.pointee.start_mark.line) + 1
        // An alias can make a node its own ancestor.
        guard depth < depthLimit else { throw YAMLProblem(line: line, message: "nested too deep") }
        switch pointer.pointee.type {
        case YAML_SCALAR_NODE:
            return scalar(pointer.pointee)
        case YAML_SEQUENCE_NODE:
            var items: [YAMLItem] = []
            let list = pointer.pointee.data.sequence.items
            for index in 0..<max(0, (list.top - list.start)) {
                guard let child = yaml_document_get_node(&document, list.start[index]) else {
                    continue
                }
                items.append(
                    YAMLItem(
                        line: Int(child.pointee.start_mark.line) + 1,
                        node: try node(child, of: &document, depth: depth + 1)))
            }
            return .sequence(items)
        case YAML_MAPPING_NODE:
            return try mapping(pointer.pointee, of: &document, depth: depth)
        default:
            return .null
        }
    }

    private static func mapping(
        _ mapping: yaml_node_t, of document: inout yaml_document_t, depth: Int
    ) throws(YAMLProblem) -> YAMLNode {
        var members: [YAMLMember] = []
        let pairs = mapping.data.mapping.pairs
        for index in 0..<max(0, pairs.top - pairs.start) {
            let pair = pairs.start[index]
            guard let key = yaml_document_get_node(&document, pair.key),
                let value = yaml_document_get_node(&document, pair.value)
            else { continue }
            let line = Int(key.pointee.start_mark.line) + 1
            guard key.pointee.type == YAML_SCALAR_NODE else {
                throw YAMLProblem(line: line, message: "a key must be a plain text")
            }
            let name = text(key.pointee)
            guard !members.contains(where: { $0.key == name }) else {
                throw YAMLProblem(line: line, message: "\(name) stands twice")
            }
            members.append(
                YAMLMember(
                    key: name, line: line, node: try node(value, of: &document, depth: depth + 1)))
        }
        return .mapping(members)
    }

    private static func scalar(_ node: yaml_node_t) -> YAMLNode {
        let text = text(node)
        let isPlain = node.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
        return isPlain && ["", "~", "null"].contains(text) ? .null : .scalar(text)
    }

    private static func text(_ node: yaml_node_t) -> String {
        String(
            decoding: UnsafeBufferPointer(
                start: node.data.scalar.value, count: node.data.scalar.length),
            as: UTF8.self)
    }
}
