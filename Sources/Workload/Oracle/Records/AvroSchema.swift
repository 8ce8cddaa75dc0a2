/// A schema of Avro: its types, which name each other by their index.
public struct OracleAvroSchema: Sendable {
    enum Kind: Sendable {
        case null, boolean, float, double, string, bytes
        /// An int or long: both are written the same way.
        case integer
        case fixed(Int)
        case symbols([[UInt8]])
        case record([(name: [UInt8], type: Int)])
        case list(Int)
        case map(Int)
        case union([Int])
    }

    /// What a value means beyond its kind.
    enum Meaning: Sendable {
        case itself
        case decimal(scale: Int)
        case uuid
        case date
        /// A time of which one second has 10^digits units.
        case time(digits: Int, isLocal: Bool)
    }

    struct Definition: Sendable {
        var kind: Kind
        var meaning = Meaning.itself
    }

    private(set) var types: [Definition] = []
    private(set) var root = 0
    private var sizes: [Int: Int?] = [:]

    /// Reads texts of which the last one is the schema; each other one comes behind what it names.
    ///
    /// The error says why they are no schema.
    public init(texts: [String]) throws(OracleError) {
        var reader = AvroSchemaReader()
        var last: Int?
        for text in texts {
            if let node = SchemaNode(text) {
                last = try reader.type(node, space: [])
            } else {
                // Some registries leave out the quotes around the name of a type.
                guard AvroSchemaReader.primitives[text] != nil else {
                    throw OracleError("it is not JSON")
                }
                last = try reader.named(Array(text.utf8), space: [])
            }
        }
        guard let last else { throw OracleError("there is none") }
        types = reader.types
        root = last
        for type in types.indices { _ = try measure(type, inside: []) }
    }

    /// The bytes of every value of a type; nil where they differ.
    func size(of type: Int) -> Int? { sizes[type] ?? nil }

    /// Finds the size of a type; a record in itself, straight or through others, has no end.
    private mutating func measure(
        _ type: Int, inside outer: Set<Int>
    ) throws(OracleError) -> Int? {
        if let known = sizes[type] { return known }
        var size: Int?
        switch types[type].kind {
        case .null: size = 0
        case .boolean: size = 1
        case .float: size = 4
        case .double: size = 8
        case .fixed(let bytes): size = bytes
        case .record(let fields):
            guard !outer.contains(type) else { throw OracleError("a record holds itself") }
            size = 0
            for field in fields {
                let part = try measure(field.type, inside: outer.union([type]))
                size = size.flatMap { sum in part.map { sum + $0 } }
            }
        default: break
        }
        sizes[type] = .some(size)
        return size
    }
}

/// Reads the JSON of a schema as Avro's specification says.
struct AvroSchemaReader {
    typealias Kind = OracleAvroSchema.Kind
    typealias Meaning = OracleAvroSchema.Meaning

    static let primitives: [String: Kind] = [
        "null": .null, "boolean": .boolean, "int": .integer, "long": .integer, "float": .float,
        "double": .double, "bytes": .bytes, "string": .string,
    ]
    private static let times: [String: Meaning] = [
        "timestamp-millis": .time(digits: 3, isLocal: false),
        "timestamp-micros": .time(digits: 6, isLocal: false),
        "timestamp-nanos": .time(digits: 9, isLocal: false),
        "local-timestamp-millis": .time(digits: 3, isLocal: true),
        "local-timestamp-micros": .time(digits: 6, isLocal: true),
        "local-timestamp-nanos": .time(digits: 9, isLocal: true),
    ]

    private(set) var types: [OracleAvroSchema.Definition] = []
    private var known: [[UInt8]: Int] = [:]

    private mutating func add(_ kind: Kind, _ meaning: Meaning = .itself) -> Int {
        types.append(.init(kind: kind, meaning: meaning))
        return types.count - 1
    }

    /// Adds the type that a node declares, inside a namespace.
    mutating func type(_ node: SchemaNode, space: [UInt8]) throws(OracleError) -> Int {
        switch node {
        case .text(let name): return try named(name, space: space)
        case .list(let branches): return try union(branches, space: space)
        case .members: return try declared(node, space: space)
        case .number, .other: throw OracleError("a type is neither a name, a list nor an object")
        }
    }

    mutating func named(_ name: [UInt8], space: [UInt8]) throws(OracleError) -> Int {
        if let primitive = Self.primitives[String(decoding: name, as: UTF8.self)] {
            return add(primitive)
        }
        // A name without a dot is one of the namespace around it, or of none.
        if !name.contains(0x2E), !space.isEmpty, let found = known[space + [0x2E] + name] {
            return found
        }
        guard let found = known[name] else {
            throw OracleError("there is no type \(String(decoding: name, as: UTF8.self))")
        }
        return found
    }

    private mutating func union(
        _ branches: [SchemaNode], space: [UInt8]
    ) throws(OracleError) -> Int {
        let made = add(.union([]))
        var found: [Int] = []
        for branch in branches {
            let type = try type(branch, space: space)
            if case .union = types[type].kind { throw OracleError("a union is in a union") }
            found.append(type)
        }
        guard !found.isEmpty else { throw OracleError("a union is empty") }
        types[made].kind = .union(found)
        return made
    }

    private mutating func declared(
        _ node: SchemaNode, space: [UInt8]
    ) throws(OracleError) -> Int {
        guard let word = node["type"] else { throw OracleError("an object has no type") }
        guard let name = word.text else { return try type(word, space: space) }
        switch String(decoding: name, as: UTF8.self) {
        case "record", "error":
            let made = add(.record([]))
            return try record(made, node, space: define(node, made, space: space))
        case "enum":
            let made = add(.symbols([]))
            _ = try define(node, made, space: space)
            guard let symbols = node["symbols"]?.list else { throw OracleError("no symbols") }
            let texts = symbols.compactMap(\.text)
            guard texts.count == symbols.count else { throw OracleError("a symbol is no text") }
            types[made].kind = .symbols(texts)
            return made
        case "fixed":
            let made = add(.fixed(0))
            _ = try define(node, made, space: space)
            guard let size = node["size"]?.integer, (0...Int(Int32.max)).contains(size) else {
                throw OracleError("a fixed has no size")
            }
            types[made] = .init(kind: .fixed(size), meaning: meaning(node, .fixed(size), name: []))
            return made
        case "array", "map":
            let isMap = name.elementsEqual("map".utf8)
            guard let items = node[isMap ? "values" : "items"] else {
                throw OracleError("a list has no items")
            }
            let item = try type(items, space: space)
            return add(isMap ? .map(item) : .list(item))
        default:
            let made = try named(name, space: space)
            if Self.primitives[String(decoding: name, as: UTF8.self)] != nil {
                types[made].meaning = meaning(node, types[made].kind, name: name)
            }
            return made
        }
    }

    /// Remembers the name of a type; returns the namespace of what is inside.
    private mutating func define(
        _ node: SchemaNode, _ type: Int, space: [UInt8]
    ) throws(OracleError) -> [UInt8] {
        guard let given = node["name"]?.text, !given.isEmpty else {
            throw OracleError("a type has no name")
        }
        var inner = node["namespace"]?.text ?? space
        var name = given
        if let dot = given.lastIndex(of: 0x2E) {
            inner = Array(given[..<dot])
            name = Array(given[(dot + 1)...])
        }
        let full = inner.isEmpty ? name : inner + [0x2E] + name
        guard Self.primitives[String(decoding: full, as: UTF8.self)] == nil else {
            throw OracleError("a type has the name of one of Avro's own")
        }
        guard known.updateValue(type, forKey: full) == nil else {
            throw OracleError("\(String(decoding: full, as: UTF8.self)) is defined twice")
        }
        return inner
    }

    private mutating func record(
        _ made: Int, _ node: SchemaNode, space: [UInt8]
    ) throws(OracleError) -> Int {
        guard let declared = node["fields"]?.list else { throw OracleError("no fields") }
        var fields: [(name: [UInt8], type: Int)] = []
        for field in declared {
            guard let name = field["name"]?.text, !name.isEmpty, let type = field["type"],
                !fields.contains(where: { $0.name == name })
            else { throw OracleError("a field has no name or no type, or is there twice") }
            fields.append((name, try self.type(type, space: space)))
        }
        types[made].kind = .record(fields)
        return made
    }

    /// What a logical type means; one that does not fit its type means nothing.
    private func meaning(_ node: SchemaNode, _ kind: Kind, name: [UInt8]) -> Meaning {
        let word = String(decoding: node["logicalType"]?.text ?? [], as: UTF8.self)
        switch (word, kind) {
        case ("date", .integer) where name.elementsEqual("int".utf8): return .date
        case ("uuid", .string), ("uuid", .fixed(16)): return .uuid
        case ("decimal", .bytes), ("decimal", .fixed):
            guard let precision = node["precision"]?.integer, precision >= 1 else {
                return .itself
            }
            guard let given = node["scale"] else { return .decimal(scale: 0) }
            guard let scale = given.integer, (0...min(precision, 200)).contains(scale) else {
                return .itself
            }
            return .decimal(scale: scale)
        case (_, .integer) where name.elementsEqual("long".utf8):
            return Self.times[word] ?? .itself
        default: return .itself
        }
    }
}
