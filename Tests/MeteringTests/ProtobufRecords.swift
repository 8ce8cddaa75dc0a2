import Workload

/// A random type of Protobuf: how it is called, and how a value is written behind its tag.
struct ProtobufType {
    var name: String
    /// 0: a number; 1 and 5: eight and four bytes; 2: a length and bytes.
    var wire: UInt64
    var write: (inout RandomValues) -> [UInt8]
}

/// Makes random `.proto` texts for a shape, and records of them, by the encoding's specification.
struct ProtobufMaker {
    private struct Field {
        var name: String
        var type: ProtobufType
        var isRepeated = false
        var isMap = false
        var number: UInt64 = 0
        var choice = false
        var isOptional = false
    }

    var values: RandomValues
    private var texts: [String] = []
    private var isProto2: Bool

    init(_ values: RandomValues) {
        self.values = values
        isProto2 = false
        isProto2 = self.values.happens(25)
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func counted(_ bytes: [UInt8]) -> [UInt8] { varint(UInt64(bytes.count)) + bytes }

    private static func fixed(_ bits: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
    }

    /// The text of a file whose message at the indexes has the shape.
    mutating func file(
        _ shape: Shape
    ) -> (text: String, indexes: [Int64], write: (inout RandomValues) -> [UInt8]) {
        let root = message(shape, 0)
        let write = root.write
        var indexes = [Int64(texts.count - 1)]
        if values.happens(30) {
            texts[texts.count - 1] = "message Around { message Other {} \(texts[texts.count - 1]) }"
            indexes.append(1)
        }
        let imports = ["timestamp", "duration", "wrappers"].map {
            "import \"google/protobuf/\($0).proto\";\n"
        }.joined()
        let text =
            "syntax = \"proto\(isProto2 ? 2 : 3)\";\n\(imports)\(texts.joined(separator: "\n"))"
        return (text, indexes, write)
    }

    // MARK: Messages

    /// A message; writes its fields without a length.
    private mutating func message(_ shape: Shape, _ depth: Int) -> ProtobufType {
        guard case .members(let members) = shape else { return leaf(.any) }
        var fields: [Field] = []
        for member in members where values.happens(95) {
            fields.append(field(member.name, member.shape, depth))
        }
        for place in 0..<values.random.below(4) {
            var noise = Field(name: "noise\(place)", type: leaf(.any))
            noise.isRepeated = values.happens(20)
            fields.append(noise)
        }
        fields = values.shuffled(fields)
        var next: UInt64 = 1
        let hasChoice = values.happens(30)
        for place in fields.indices {
            fields[place].number = next
            next += UInt64(1 + (values.happens(20) ? values.random.below(3_000) : 0))
            let isSingle = !fields[place].isRepeated && !fields[place].isMap
            fields[place].choice = hasChoice && isSingle && values.happens(12)
            fields[place].isOptional = isSingle && (isProto2 || values.happens(25))
        }
        let name = "M\(texts.count)_\(depth)"
        texts.append(Self.text(name, fields))
        let isLess = depth > 0
        return ProtobufType(name: name, wire: 2) { values in
            let fields = values.happens(80) ? fields : values.shuffled(fields)
            return fields.flatMap { Self.write($0, isLess: isLess, &values) }
        }
    }

    private static func text(_ name: String, _ fields: [Field]) -> String {
        func declaration(_ field: Field) -> String {
            "\(field.type.name) \(field.name) = \(field.number);"
        }
        let plain = fields.filter { !$0.choice }.map { field in
            (field.isRepeated ? "repeated " : field.isOptional ? "optional " : "")
                + declaration(field)
        }
        let chosen = fields.filter(\.choice).map(declaration)
        let choice = chosen.isEmpty ? "" : "oneof one_of_these { \(chosen.joined(separator: " ")) }"
        return "message \(name) { \(plain.joined(separator: " ")) \(choice) }"
    }

    private static func write(
        _ field: Field, isLess: Bool, _ values: inout RandomValues
    ) -> [UInt8] {
        func tag(_ wire: UInt64) -> [UInt8] { varint(field.number << 3 | wire) }
        if values.random.below(600) == 0 { return tag(3) + tag(4) }
        if values.happens(1) { return varint(4_000 << 3 | 2) + counted([1, 2, 3]) }
        if values.happens(1) {
            // Of another wire type than the schema's.
            return field.type.wire == 0 ? tag(5) + [1, 2, 3, 4] : tag(0) + varint(77)
        }
        if field.isRepeated || field.isMap {
            let count = values.happens(2) ? 33 : values.random.below(5)
            let elements = (0..<count).map { _ in field.type.write(&values) }
            if field.type.wire != 2, values.happens(60) {
                return tag(2) + counted(elements.flatMap(\.self))
            }
            return elements.flatMap { tag(field.type.wire) + $0 }
        }
        let count = values.happens(isLess ? 88 : 97) ? 1 : values.pick([0, 0, 2])
        return (0..<count).flatMap { _ in tag(field.type.wire) + field.type.write(&values) }
    }

    private mutating func field(_ name: String, _ shape: Shape, _ depth: Int) -> Field {
        switch shape {
        case .value(let wish): return Field(name: name, type: leaf(wish))
        case .members: return Field(name: name, type: within(message(shape, depth + 1)))
        case .list(let inner):
            if case .value(let wish) = inner {
                return Field(name: name, type: leaf(wish), isRepeated: true)
            }
            return Field(
                name: name, type: within(message(inner, depth + 1)),
                isRepeated: values.happens(95))
        case .map(let names, let wish): return map(name, names, leaf(wish))
        }
    }

    /// A message inside another one.
    private func within(_ message: ProtobufType) -> ProtobufType {
        ProtobufType(name: message.name, wire: 2) { Self.counted(message.write(&$0)) }
    }

    private mutating func map(
        _ name: String, _ names: [String], _ value: ProtobufType
    ) -> Field {
        let keys = values.pick(["string", "string", "string", "int32", "bool"])
        let type = ProtobufType(name: "map<\(keys), \(value.name)>", wire: 2) { values in
            var bytes: [UInt8] = []
            if values.happens(95) {
                switch keys {
                case "string":
                    let own =
                        values.happens(92) ? values.pick(names) : "b\(values.random.below(99))"
                    bytes += [0x0A] + Self.counted(Array(own.utf8))
                case "int32": bytes += [0x08] + Self.varint(UInt64(values.random.below(9)))
                default: bytes += [0x08, values.happens(50) ? 1 : 0]
                }
            }
            if values.happens(95) {
                bytes += Self.varint(2 << 3 | value.wire) + value.write(&values)
            }
            return Self.counted(bytes)
        }
        return Field(name: name, type: type, isMap: true)
    }

    // MARK: Values

    private mutating func leaf(_ wish: Shape.Wish) -> ProtobufType {
        if values.happens(8) { return anything(wish) }
        switch wish {
        case .version, .id, .kind, .subject, .key, .text, .plan: return text(wish)
        case .integer: return values.happens(80) ? integer() : text(wish)
        case .decimal: return values.pick([real(), real(), integer(), text(wish), duration()])
        case .boolean: return values.happens(80) ? boolean() : text(wish)
        case .time: return values.happens(75) ? timestamp() : values.pick([text(wish), integer()])
        case .any: return anything(wish)
        }
    }

    private mutating func anything(_ wish: Shape.Wish) -> ProtobufType {
        values.pick([
            text(wish), integer(), real(), boolean(), timestamp(), duration(),
            ProtobufType(name: "bytes", wire: 2) { Self.counted($0.bytes()) },
        ])
    }

    /// A type, or its wrapper.
    private mutating func maybeWrapped(_ type: ProtobufType, _ wrapper: String) -> ProtobufType {
        guard values.happens(20) else { return type }
        return ProtobufType(name: "google.protobuf.\(wrapper)Value", wire: 2) { values in
            Self.counted(
                values.happens(90) ? Self.varint(1 << 3 | type.wire) + type.write(&values) : [])
        }
    }

    private mutating func text(_ wish: Shape.Wish) -> ProtobufType {
        if values.happens(10) {
            let name = "Symbols\(texts.count)"
            texts.append("message \(name) { enum E { free = 0; use = 1; paid = -2; model = 77; } }")
            return ProtobufType(name: "\(name).E", wire: 0) { values in
                Self.varint(values.pick([0, 1, 77, UInt64(bitPattern: -2), 5]))
            }
        }
        let type = ProtobufType(name: "string", wire: 2) { Self.counted($0.text(wish)) }
        return maybeWrapped(type, "String")
    }

    private mutating func integer() -> ProtobufType {
        let signed = ["int32", "int64", "sint32", "sint64", "uint32", "uint64"]
        let name = values.pick(signed + ["fixed32", "fixed64", "sfixed32", "sfixed64"])
        let isZigzag = name.hasPrefix("sint")
        let wire: UInt64 = !name.contains("fixed") ? 0 : name.hasSuffix("64") ? 1 : 5
        let type = ProtobufType(name: name, wire: wire) { values in
            let number = values.integer()
            if wire != 0 { return Self.fixed(UInt64(bitPattern: number), wire == 1 ? 8 : 4) }
            return Self.varint(
                UInt64(bitPattern: isZigzag ? number << 1 ^ number >> 63 : number))
        }
        let wrappers = ["int32": "Int32", "int64": "Int64", "uint32": "UInt32", "uint64": "UInt64"]
        return wrappers[name].map { maybeWrapped(type, $0) } ?? type
    }

    private mutating func real() -> ProtobufType {
        let float = ProtobufType(name: "float", wire: 5) {
            Self.fixed(UInt64($0.float().bitPattern), 4)
        }
        let double = ProtobufType(name: "double", wire: 1) {
            Self.fixed($0.double().bitPattern, 8)
        }
        return values.happens(50) ? maybeWrapped(float, "Float") : maybeWrapped(double, "Double")
    }

    private mutating func boolean() -> ProtobufType {
        maybeWrapped(
            ProtobufType(name: "bool", wire: 0) {
                Self.varint($0.pick([0, 1, 1, 300, UInt64(1) << 63]))
            }, "Bool")
    }

    private mutating func timestamp() -> ProtobufType {
        moment("Timestamp") { ($0.time(digits: 0), Int64($0.random.below(1_000_000_000))) }
    }

    private mutating func duration() -> ProtobufType {
        moment("Duration") { ($0.integer(), $0.pick([0, 5_000_000, -250_000_000, 1])) }
    }

    private func moment(
        _ name: String, _ make: @escaping (inout RandomValues) -> (Int64, Int64)
    ) -> ProtobufType {
        ProtobufType(name: "google.protobuf.\(name)", wire: 2) { values in
            let (seconds, nanoseconds) = make(&values)
            var bytes: [UInt8] = []
            if values.happens(97) { bytes += [0x08] + Self.varint(UInt64(bitPattern: seconds)) }
            let wrong: Int64 = values.happens(2) ? 1_000_000_000 : 0
            if values.happens(60) {
                bytes += [0x10] + Self.varint(UInt64(bitPattern: nanoseconds + wrong))
            }
            return Self.counted(bytes)
        }
    }
}
