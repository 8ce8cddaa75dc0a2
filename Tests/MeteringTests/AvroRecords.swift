import Workload

/// A random type of Avro: its schema and how a value is written.
struct AvroType {
    var schema: String
    var write: (inout RandomValues) -> [UInt8]
}

/// Makes random schemas of Avro for a shape, and records of them, by the specification's encoding.
struct AvroMaker {
    var values: RandomValues
    private var count = 0

    init(_ values: RandomValues) { self.values = values }

    static func number(_ value: Int64) -> [UInt8] {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func counted(_ bytes: [UInt8]) -> [UInt8] { Self.number(Int64(bytes.count)) + bytes }

    private mutating func name() -> String {
        count += 1
        return "T\(count)"
    }

    mutating func type(_ shape: Shape, depth: Int = 0) -> AvroType {
        switch shape {
        case .value(let wish): return maybeUnion(leaf(wish))
        case .members(let members):
            let made = record(members, depth)
            return depth > 0 ? maybeUnion(made) : made
        case .map(let names, let wish):
            if values.happens(60) { return map(names, leaf(wish)) }
            return record(
                names.filter { $0.first?.isLetter ?? false && !$0.contains(" ") }.map {
                    ($0, .value(wish))
                }, depth)
        case .list(let inner): return maybeUnion(list(type(inner, depth: depth + 1)))
        }
    }

    // MARK: Types around others

    private mutating func maybeUnion(_ type: AvroType) -> AvroType {
        guard values.happens(30), !type.schema.hasPrefix("[") else { return type }
        let other = "{\"type\": \"fixed\", \"name\": \"\(name())\", \"size\": 2}"
        let branches: [AvroType] = values.shuffled(
            [type, AvroType(schema: "\"null\"") { _ in [] }]
                + (values.happens(20) ? [AvroType(schema: other) { _ in [1, 2] }] : []))
        let weights = branches.map { $0.schema == type.schema ? 8 : 1 }
        return AvroType(schema: "[\(branches.map(\.schema).joined(separator: ", "))]") { values in
            if values.happens(1) { return Self.number(values.pick([-1, 3, 40])) }
            let places = weights.indices.flatMap { Array(repeating: $0, count: weights[$0]) }
            let place = values.pick(places)
            return Self.number(Int64(place)) + branches[place].write(&values)
        }
    }

    private mutating func record(
        _ members: [(name: String, shape: Shape)], _ depth: Int
    ) -> AvroType {
        let own = name()
        var fields: [(name: String, type: AvroType)] = []
        for member in members where values.happens(95) {
            fields.append((member.name, type(member.shape, depth: depth + 1)))
        }
        for number in 0..<values.random.below(4) {
            fields.append(("noise\(number)", noise(depth + 1)))
        }
        if values.happens(30) {
            let branches = "[\"null\", \"\(own)\"]"
            fields.append(("again", AvroType(schema: branches) { _ in [0] }))
        }
        fields = values.shuffled(fields)
        let texts = fields.map { "{\"name\": \"\($0.name)\", \"type\": \($0.type.schema)}" }
        let space = values.happens(20) ? ", \"namespace\": \"n.s\"" : ""
        let writers = fields.map(\.type.write)
        return AvroType(
            schema: "{\"type\": \"record\", \"name\": \"\(own)\"\(space), \"fields\": "
                + "[\(texts.joined(separator: ", "))]}"
        ) { values in
            writers.flatMap { $0(&values) }
        }
    }

    /// Elements in blocks, some of which say how many bytes they have.
    private static func blocks(
        _ values: inout RandomValues, _ elements: [[UInt8]]
    ) -> [UInt8] {
        var rest = elements[...]
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            let part = rest.prefix(1 + values.random.below(rest.count))
            rest = rest.dropFirst(part.count)
            let joined = part.flatMap(\.self)
            if values.happens(50) {
                let wrong: Int64 = values.happens(1) ? 1 : 0
                bytes +=
                    Self.number(-Int64(part.count)) + Self.number(Int64(joined.count) + wrong)
                    + joined
            } else {
                bytes += Self.number(Int64(part.count)) + joined
            }
        }
        return bytes + [0]
    }

    private mutating func list(_ item: AvroType) -> AvroType {
        AvroType(schema: "{\"type\": \"array\", \"items\": \(item.schema)}") { values in
            let count = values.happens(2) ? 33 : values.random.below(5)
            return Self.blocks(&values, (0..<count).map { _ in item.write(&values) })
        }
    }

    private mutating func map(_ names: [String], _ item: AvroType) -> AvroType {
        AvroType(schema: "{\"type\": \"map\", \"values\": \(item.schema)}") { values in
            var keys = names.filter { _ in values.happens(70) }
            if values.happens(3), let first = keys.first { keys.append(first) }
            if values.happens(10) { keys.append("strange \(values.random.below(9))") }
            let entries = values.shuffled(keys).map {
                Self.counted(Array($0.utf8)) + item.write(&values)
            }
            return Self.blocks(&values, entries)
        }
    }

    /// A type that nobody asks for.
    private mutating func noise(_ depth: Int) -> AvroType {
        if depth < 5, values.happens(30) {
            switch values.random.below(3) {
            case 0: return list(noise(depth + 1))
            case 1: return map(["x", "y"], noise(depth + 1))
            default: return record([("x", .value(.any)), ("y", .value(.integer))], depth + 1)
            }
        }
        return maybeUnion(leaf(.any))
    }

    // MARK: Values

    private mutating func leaf(_ wish: Shape.Wish) -> AvroType {
        if values.happens(8) { return anything(wish) }
        switch wish {
        case .version, .id, .kind, .subject, .key, .text, .plan: return text(wish)
        case .integer: return values.happens(80) ? integer() : text(wish)
        case .decimal: return values.pick([real(), real(), decimal(), integer(), text(wish)])
        case .boolean: return values.happens(80) ? boolean() : text(wish)
        case .time:
            return values.happens(75) ? time() : values.pick([text(wish), integer(), real()])
        case .any: return anything(wish)
        }
    }

    private mutating func anything(_ wish: Shape.Wish) -> AvroType {
        values.pick([
            text(wish), integer(), real(), decimal(), boolean(), time(), bytes(),
            AvroType(schema: "\"null\"") { _ in [] },
        ])
    }

    private mutating func text(_ wish: Shape.Wish) -> AvroType {
        if values.happens(10) {
            let symbols = ["use", "free", "paid", "model", "A_1"]
            let texts = symbols.map { "\"\($0)\"" }.joined(separator: ", ")
            return AvroType(
                schema: "{\"type\": \"enum\", \"name\": \"\(name())\", \"symbols\": [\(texts)]}"
            ) { values in
                Self.number(Int64(values.happens(1) ? 5 : values.random.below(symbols.count)))
            }
        }
        let schema =
            values.happens(90) ? "\"string\"" : "{\"type\": \"string\", \"logicalType\": \"uuid\"}"
        return AvroType(schema: schema) { Self.counted($0.text(wish)) }
    }

    private mutating func integer() -> AvroType {
        let schema = values.pick([
            "\"int\"", "\"long\"", "{\"type\": \"long\"}",
            "{\"type\": \"int\", \"logicalType\": \"time-millis\"}",
            "{\"type\": \"int\", \"logicalType\": \"timestamp-millis\"}",
        ])
        return AvroType(schema: schema) { Self.number($0.integer()) }
    }

    private mutating func real() -> AvroType {
        if values.happens(50) {
            return AvroType(schema: "\"double\"") { values in
                let bits = values.double().bitPattern
                return (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
            }
        }
        return AvroType(schema: "\"float\"") { values in
            let bits = values.float().bitPattern
            return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
        }
    }

    private mutating func boolean() -> AvroType {
        AvroType(schema: "\"boolean\"") { $0.happens(1) ? [2] : [$0.happens(50) ? 1 : 0] }
    }

    private mutating func bytes() -> AvroType {
        if values.happens(50) { return AvroType(schema: "\"bytes\"") { Self.counted($0.bytes()) } }
        let size = values.pick([0, 3, 16])
        let logical = values.happens(50) ? ", \"logicalType\": \"uuid\"" : ""
        return AvroType(
            schema: "{\"type\": \"fixed\", \"name\": \"\(name())\", \"size\": \(size)\(logical)}"
        ) { values in
            (0..<size).map { _ in UInt8(values.random.below(256)) }
        }
    }

    private mutating func decimal() -> AvroType {
        let scale = values.pick(["", ", \"scale\": 2", ", \"scale\": 6", ", \"scale\": 99"])
        let logical = "\"logicalType\": \"decimal\", \"precision\": 20\(scale)"
        if values.happens(60) {
            return AvroType(schema: "{\"type\": \"bytes\", \(logical)}") { values in
                if values.happens(25) { return Self.counted(values.bytes()) }
                let number = values.integer()
                let all = (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * Int64($0))) }
                return Self.counted(Array(all.suffix(number.magnitude < 100 ? 1 : 8)))
            }
        }
        return AvroType(
            schema: "{\"type\": \"fixed\", \"name\": \"\(name())\", \"size\": 5, \(logical)}"
        ) { values in
            let number = Int64(values.random.below(4_000_000)) - 1_000_000
            return (0..<5).map { UInt8(truncatingIfNeeded: number >> (32 - 8 * Int64($0))) }
        }
    }

    private mutating func time() -> AvroType {
        if values.happens(10) {
            return AvroType(schema: "{\"type\": \"int\", \"logicalType\": \"date\"}") { values in
                Self.number(values.happens(95) ? 20_521 : values.pick([-98_616, 84_371, 0, -1]))
            }
        }
        let (word, digits) = values.pick([("millis", 3), ("micros", 6), ("nanos", 9)])
        let local = values.happens(15) ? "local-" : ""
        return AvroType(
            schema: "{\"type\": \"long\", \"logicalType\": \"\(local)timestamp-\(word)\"}"
        ) { values in
            Self.number(values.time(digits: digits))
        }
    }
}
