import Catalog
import Spelling

/// Reads a configuration file: YAML in which each setting is at the `path` of its option.
enum SettingsFile {
    struct Value {
        let option: Option
        let texts: [String]
        let line: Int
    }

    static func read(_ text: [UInt8], name: String) throws(CommandFailure) -> [Value] {
        guard holdsContent(text) else { return [] }
        let root: YAMLNode
        do throws(CatalogError) {
            root = try YAMLNode.read(file: name, text: text)
        } catch {
            throw .usage(error.description)
        }
        guard case .mapping(let members, _) = root else {
            throw .usage("\(name):1: a configuration file is a mapping of settings")
        }
        var values: [Value] = []
        for (key, node) in members { try read(key, node, under: "", in: name, into: &values) }
        return values
    }

    /// Whether any line is more than a comment: a file of comments alone is no mistake.
    private static func holdsContent(_ text: [UInt8]) -> Bool {
        text.split(separator: 10).contains { line in
            let first = line.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
            return first != nil && first != UInt8(ascii: "#")
        }
    }

    private static func read(
        _ key: String, _ node: YAMLNode, under parent: String, in name: String,
        into values: inout [Value]
    ) throws(CommandFailure) {
        let path = parent.isEmpty ? key : "\(parent).\(key)"
        let place = "\(name):\(node.line): \(path)"
        if let option = Options.configurable.first(where: { $0.path == path }) {
            guard let texts = try texts(node, option: option, place: place) else { return }
            values.append(Value(option: option, texts: texts, line: node.line))
            return
        }
        if parent == "kafka" {
            guard case .scalar(let value, _, let line) = node else {
                throw .usage("\(place) must be one value")
            }
            values.append(
                Value(option: Options.kafkaProperty, texts: ["\(key)=\(value)"], line: line))
            return
        }
        let isSection = Options.configurable.contains { $0.path?.hasPrefix(path + ".") == true }
        if isSection, node.isNull { return }
        if isSection, case .mapping(let members, _) = node {
            for (key, node) in members { try read(key, node, under: path, in: name, into: &values) }
            return
        }
        let known = Options.configurable.compactMap(\.path)
        throw .usage(
            "\(name):\(node.line): unknown setting \(path)"
                + (isSection ? " (it is a section)" : Suggestion.text(for: path, among: known)))
    }

    private static func texts(
        _ node: YAMLNode, option: Option, place: String
    ) throws(CommandFailure) -> [String]? {
        if node.isNull { return nil }
        switch node {
        case .scalar(let text, _, _): return [text]
        case .sequence(let items, _) where option.isRepeatable:
            var texts: [String] = []
            for item in items {
                guard case .scalar(let text, _, _) = item else {
                    throw .usage("\(place) must be a list of texts")
                }
                texts.append(text)
            }
            return texts
        default:
            throw .usage(
                "\(place) must be \(option.isRepeatable ? "a text or a list" : "one value")")
        }
    }
}

extension YAMLNode {
    /// Whether the value is absent: `key:` or `key: null`.
    fileprivate var isNull: Bool {
        guard case .scalar(let text, let isPlain, _) = self else { return false }
        return isPlain && ["", "~", "null"].contains(text)
    }
}
