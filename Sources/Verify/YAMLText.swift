import CYAML

/// A YAML document as a tree of texts, lists and mappings.
indirect enum YAMLNode {
    case text(String)
    case list([YAMLNode])
    case mapping([(name: String, value: YAMLNode)])

    var text: String? {
        if case .text(let text) = self { return text }
        return nil
    }

    /// The members of a mapping; an empty text counts as an empty mapping, as in `api.request:`
    /// with nothing after it.
    var members: [(name: String, value: YAMLNode)]? {
        switch self {
        case .mapping(let members): members
        case .text(""): []
        default: nil
        }
    }

    subscript(name: String) -> YAMLNode? {
        members?.first { $0.name == name }?.value
    }
}

/// Reads YAML by the events of libyaml's parser.
struct YAMLText {
    private var parser = yaml_parser_t()

    /// The root of the one document in a text.
    static func root(of text: String) throws(VerifyError) -> YAMLNode {
        var bytes = Array(text.utf8)
        var reader = YAMLText()
        guard yaml_parser_initialize(&reader.parser) == 1 else {
            throw VerifyError(.catalog, "the YAML parser cannot start")
        }
        defer { yaml_parser_delete(&reader.parser) }
        // The parser keeps a pointer to the text, so all reading happens inside the closure.
        let result = bytes.withUnsafeMutableBufferPointer { bytes in
            yaml_parser_set_input_string(&reader.parser, bytes.baseAddress, bytes.count)
            return Result { () throws(VerifyError) in try reader.document() }
        }
        return try result.get()
    }

    private enum Event {
        case text(String)
        case listStart, listEnd, mappingStart, mappingEnd, documentEnd, other
    }

    private mutating func document() throws(VerifyError) -> YAMLNode {
        while true {
            switch try next() {
            case .other: continue
            case .documentEnd: return .text("")
            case let event: return try node(event)
            }
        }
    }

    private mutating func node(_ event: Event) throws(VerifyError) -> YAMLNode {
        switch event {
        case .text(let text):
            return .text(text)
        case .listStart:
            var items: [YAMLNode] = []
            while true {
                let event = try next()
                if case .listEnd = event { return .list(items) }
                items.append(try node(event))
            }
        case .mappingStart:
            var members: [(name: String, value: YAMLNode)] = []
            while true {
                let event = try next()
                if case .mappingEnd = event { return .mapping(members) }
                guard case .text(let name) = event else {
                    throw VerifyError(.catalog, "line \(line): a name must be a text")
                }
                members.append((name, try node(try next())))
            }
        case .listEnd, .mappingEnd, .documentEnd, .other:
            throw VerifyError(.catalog, "line \(line): something is missing")
        }
    }

    private var line: Int { Int(parser.mark.line) + 1 }

    private mutating func next() throws(VerifyError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(&parser, &event) == 1 else {
            let reason = parser.problem.map { String(cString: $0) } ?? "not YAML"
            throw VerifyError(.catalog, "line \(Int(parser.problem_mark.line) + 1): \(reason)")
        }
        defer { yaml_event_delete(&event) }
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            return .text(
                String(
                    decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length),
                    as: UTF8.self))
        case YAML_SEQUENCE_START_EVENT: return .listStart
        case YAML_SEQUENCE_END_EVENT: return .listEnd
        case YAML_MAPPING_START_EVENT: return .mappingStart
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT:
            throw VerifyError(.catalog, "line \(line): aliases are not read")
        default: return .other
        }
    }
}
