import Catalog
import Printing
import Spelling

/// A YAML mapping that is read member by member; a member that was never read is an error.
///
/// Errors name file, line and the path to the member.
final class YAMLForm {
    let file: String
    let path: String
    let line: Int
    private let members: [(key: String, value: YAMLNode)]
    private var asked: Set<String> = []

    /// The mapping that a file holds; an empty file is an empty mapping.
    static func read(_ text: [UInt8], name: String) throws(CommandFailure) -> YAMLForm {
        let node: YAMLNode
        do throws(CatalogError) {
            node = try YAMLNode.read(file: name, text: text)
        } catch {
            throw .usage(error.description)
        }
        return try YAMLForm(node, file: name, path: "")
    }

    private init(_ node: YAMLNode, file: String, path: String) throws(CommandFailure) {
        self.file = file
        self.path = path
        line = node.line
        switch node {
        case .mapping(let members, _): self.members = members
        case .scalar("", isPlain: true, _): members = []
        default:
            throw .usage("\(file):\(node.line): \(path.isEmpty ? "it" : path) must be a mapping")
        }
    }

    /// An error about a member, as a wrong command line.
    func failure(_ name: String, _ message: String) -> CommandFailure {
        let line = members.first { $0.key == name }?.value.line ?? self.line
        return .usage("\(file):\(line): \(memberPath(name)) \(message)")
    }

    private func memberPath(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private func node(_ name: String) -> YAMLNode? {
        asked.insert(name)
        return members.first { $0.key == name }?.value
    }

    /// The names of all members, in their order.
    var names: [String] { members.map(\.key) }

    func text(_ name: String) throws(CommandFailure) -> String? {
        guard let node = node(name) else { return nil }
        guard case .scalar(let text, _, _) = node else { throw failure(name, "must be a text") }
        return text
    }

    func required(_ name: String) throws(CommandFailure) -> String {
        guard let text = try text(name), !text.isEmpty else { throw failure(name, "is needed") }
        return text
    }

    /// A `HOST:PORT` that must be there.
    func address(_ name: String) throws(CommandFailure) -> (host: String, port: UInt16) {
        let text = try required(name)
        guard !text.hasPrefix("https:") else {
            throw failure(
                name, "must be HOST:PORT of a listener without --tls-cert: it is asked over HTTP")
        }
        guard let address = ValueText.address(text) else {
            throw failure(name, "must be HOST:PORT")
        }
        return address
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws(CommandFailure) -> Int? {
        guard let text = try text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw failure(
                name, "must be an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func number(_ name: String, _ range: ClosedRange<Double>) throws(CommandFailure) -> Double? {
        guard let text = try text(name) else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw failure(name, "must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A duration in milliseconds.
    func milliseconds(_ name: String) throws(CommandFailure) -> Int64? {
        guard let text = try text(name) else { return nil }
        guard let number = ValueText.milliseconds(text), number > 0 else {
            throw failure(name, "must be a duration like 500ms, 5s, 5m, 26h or 92d")
        }
        return Int64(number)
    }

    func boolean(_ name: String) throws(CommandFailure) -> Bool? {
        guard let text = try text(name) else { return nil }
        guard let value = ValueText.boolean(text) else {
            throw failure(name, "must be true or false")
        }
        return value
    }

    func texts(_ name: String) throws(CommandFailure) -> [String]? {
        guard let node = node(name) else { return nil }
        guard case .sequence(let items, _) = node else { throw failure(name, "must be a list") }
        var texts: [String] = []
        for item in items {
            guard case .scalar(let text, _, _) = item else {
                throw failure(name, "must be a list of texts")
            }
            texts.append(text)
        }
        return texts
    }

    /// A list of `count` numbers, none of them negative, at least one above 0.
    func weights(_ name: String, count: Int) throws(CommandFailure) -> [Double]? {
        guard let texts = try texts(name) else { return nil }
        let numbers = texts.compactMap { Double($0) }
        guard texts.count == count, numbers.count == count,
            numbers.allSatisfy({ $0 >= 0 && $0 <= 1e9 }), numbers.contains(where: { $0 > 0 })
        else { throw failure(name, "must be \(count) numbers from 0 up, not all of them 0") }
        return numbers
    }

    func form(_ name: String) throws(CommandFailure) -> YAMLForm? {
        guard let node = node(name) else { return nil }
        return try YAMLForm(node, file: file, path: memberPath(name))
    }

    func forms(_ name: String) throws(CommandFailure) -> [YAMLForm]? {
        guard let node = node(name) else { return nil }
        guard case .sequence(let items, _) = node else { throw failure(name, "must be a list") }
        var forms: [YAMLForm] = []
        for (number, item) in items.enumerated() {
            forms.append(try YAMLForm(item, file: file, path: "\(memberPath(name))[\(number)]"))
        }
        return forms
    }

    /// Throws where a member was never read.
    func end() throws(CommandFailure) {
        for (key, _) in members where !asked.contains(key) {
            throw failure(key, "is not known" + Suggestion.text(for: key, among: asked.sorted()))
        }
    }
}
