/// Reads a configuration file: YAML whose places are the `path`s of the options.
enum SettingsFile {
    struct Value {
        let option: Option
        let texts: [String]
        let line: Int
    }

    static func read(_ text: [UInt8], name: String) throws(CommandFailure) -> [Value] {
        let root: YAMLNode?
        do {
            root = try YAMLDocument.read(text)
        } catch {
            throw .usage("\(name):\(error.line): \(error.message)")
        }
        guard let root else { return [] }
        guard case .mapping(let members) = root else {
            throw .usage("\(name):1: a configuration file is a mapping of settings")
        }
        var values: [Value] = []
        for member in members { try read(member, under: "", in: name, into: &values) }
        return values
    }

    private static func read(
        _ member: YAMLMember, under parent: String, in name: String, into values: inout [Value]
    ) throws(CommandFailure) {
        let path = parent.isEmpty ? member.key : "\(parent).\(member.key)"
        if let option = Options.configurable.first(where: { $0.path == path }) {
            let texts = try texts(member, option: option, place: "\(name):\(member.line): \(path)")
            if let texts { values.append(Value(option: option, texts: texts, line: member.line)) }
            return
        }
        if parent == "kafka" {
            guard case .scalar(let value) = member.node else {
                throw .usage("\(name):\(member.line): \(path) must be one value")
            }
            values.append(
                Value(
                    option: Options.kafkaProperty, texts: ["\(member.key)=\(value)"],
                    line: member.line))
            return
        }
        let isSection = Options.configurable.contains { $0.path?.hasPrefix(path + ".") == true }
        switch member.node {
        case .mapping(let members) where isSection:
            for member in members { try read(member, under: path, in: name, into: &values) }
        case .null where isSection:
            return
        default:
            let siblings = Options.configurable.compactMap(\.path)
            throw .usage(
                "\(name):\(member.line): unknown setting \(path)"
                    + (isSection
                        ? " (it is a section)" : Suggestion.text(for: path, among: siblings)))
        }
    }

    private static func texts(
        _ member: YAMLMember, option: Option, place: String
    ) throws(CommandFailure) -> [String]? {
        switch member.node {
        case .null: return nil
        case .scalar(let text): return [text]
        case .sequence(let items) where option.isRepeatable:
            var texts: [String] = []
            for item in items {
                guard case .scalar(let text) = item.node else {
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
