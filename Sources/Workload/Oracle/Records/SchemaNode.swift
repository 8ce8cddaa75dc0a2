/// A value of the JSON text of a schema.
enum SchemaNode {
    case text([UInt8])
    case number([UInt8])
    case list([SchemaNode])
    case members([(name: [UInt8], value: SchemaNode)])
    case other

    /// More than any schema has, and few enough for a thread's stack.
    private static let deepest = 1_000

    /// Reads a text; nil when it is not JSON.
    init?(_ text: String) {
        var reader = JSONReader(tree: PointerTree())
        reader.deepest = Self.deepest
        let bytes = Array(text.utf8)
        guard bytes.withUnsafeBytes({ reader.read($0, node: -1) }) != nil else { return nil }
        self = bytes.withUnsafeBytes { Self.node(JSONLookup($0), 0..<bytes.count) }
    }

    private static func node(_ lookup: JSONLookup, _ range: Range<Int>) -> SchemaNode {
        let value = lookup.value(range)
        switch value.kind {
        case .string: return .text(value.bytes)
        case .number: return .number(value.bytes)
        case .array: return .list((lookup.items(in: range) ?? []).map { node(lookup, $0) })
        case .object:
            return .members(
                lookup.members(in: range).map { ($0.name, node(lookup, $0.range)) })
        case .null, .boolean, .moment: return .other
        }
    }

    /// The first member with a name.
    subscript(_ name: String) -> SchemaNode? {
        guard case .members(let members) = self else { return nil }
        return members.first { $0.name.elementsEqual(name.utf8) }?.value
    }

    var text: [UInt8]? {
        if case .text(let text) = self { text } else { nil }
    }

    var list: [SchemaNode]? {
        if case .list(let list) = self { list } else { nil }
    }

    /// An integer without point and power.
    var integer: Int? {
        guard case .number(let digits) = self else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
