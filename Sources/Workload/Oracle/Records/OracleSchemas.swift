/// What the records of a topic are written in.
public enum OracleRecordFormat: String, Sendable {
    /// JSON, as it is.
    case json
    /// Avro behind a frame.
    case avro
    /// Protobuf behind a frame.
    case protobuf
    /// JSON behind a frame; its schema is not looked at.
    case jsonSchema = "json-schema"

    /// Whether records have a frame.
    var isFramed: Bool { self != .json }
    /// Whether a record cannot be read without its schema.
    public var needsSchemas: Bool { self == .avro || self == .protobuf }
}

/// What names a schema in a frame.
public enum OracleSchemaName: Hashable, Sendable, CustomStringConvertible {
    /// The number that a registry gave it.
    case id(UInt32)
    /// Its GUID, in lower case with hyphens.
    case guid(String)

    /// The number or GUID.
    public var description: String {
        switch self {
        case .id(let id): "\(id)"
        case .guid(let guid): guid
        }
    }
}

/// What a record with a certain frame is read by.
public enum OracleSchema: Sendable {
    /// A schema of Avro.
    case avro(OracleAvroSchema)
    /// A message of Protobuf.
    case protobuf(OracleMessages)
    /// None: the registry has no such schema, or one that cannot be used.
    case none
}

/// Finds the schema with a name; of Protobuf the message that the indexes of the frame lead to.
///
/// The error says why it cannot be known now: then nothing may be said of the record.
public typealias OracleSchemaSource = (
    _ name: OracleSchemaName, _ indexes: [Int]
) throws(OracleError) -> OracleSchema

/// A record that is not as its schema says.
struct MalformedRecord: Error {}

/// The frame of a record: which schema it has.
struct OracleFrame: Hashable {
    var name: OracleSchemaName
    /// Of Protobuf: which message, as its index at each level.
    var indexes: [Int] = []
    /// Bytes in front of the value.
    var length = 0

    private static let mostIndexes = 8

    /// Reads the frame in front of a value, or in a header; nil when it is none.
    init?(
        _ value: UnsafeRawBufferPointer, header: UnsafeRawBufferPointer?, hasIndexes: Bool
    ) {
        var bytes = RecordBytes(header ?? value)
        guard let magic = try? bytes.byte() else { return nil }
        switch magic {
        case 0:
            guard let id = try? bytes.take(4) else { return nil }
            name = .id(id.reduce(0) { $0 << 8 | UInt32($1) })
        case 1:
            guard let guid = try? bytes.take(16) else { return nil }
            name = .guid(RecordText.guid(guid))
        default: return nil
        }
        if hasIndexes {
            guard let found = try? Self.indexes(&bytes) else { return nil }
            indexes = found
        }
        if header != nil {
            guard bytes.isAtEnd else { return nil }
        } else {
            length = bytes.at
        }
    }

    /// How many indexes, then each; no index means the first message of the file.
    private static func indexes(
        _ bytes: inout RecordBytes
    ) throws(MalformedRecord) -> [Int] {
        let count = try bytes.signedNumber()
        guard (0...Int64(mostIndexes)).contains(count) else { throw MalformedRecord() }
        if count == 0 { return [0] }
        var indexes: [Int] = []
        for _ in 0..<count {
            let index = try bytes.signedNumber()
            guard (0...Int64(Int32.max)).contains(index) else { throw MalformedRecord() }
            indexes.append(Int(index))
        }
        return indexes
    }

    /// Finds the header with the frame; it is not fine where two of that name differ.
    static func header(
        _ headers: [WorkloadHeader]
    ) -> (isFine: Bool, value: UnsafeRawBufferPointer?) {
        let name = Array("__value_schema_id".utf8)
        let values = headers.filter { $0.name.elementsEqual(name) }.compactMap(\.value)
        guard let first = values.first else { return (true, nil) }
        return (values.allSatisfy { $0.elementsEqual(first) }, first)
    }
}

/// Bytes that are read from front to back, in the encodings that Avro and Protobuf share.
struct RecordBytes {
    let bytes: [UInt8]
    private(set) var at = 0
    private let end: Int

    init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        end = self.bytes.count
    }

    var isAtEnd: Bool { at == end }
    var left: Int { end - at }

    mutating func byte() throws(MalformedRecord) -> UInt8 {
        guard at < end else { throw MalformedRecord() }
        at += 1
        return bytes[at - 1]
    }

    mutating func take(_ count: Int) throws(MalformedRecord) -> [UInt8] {
        guard count >= 0, count <= left else { throw MalformedRecord() }
        at += count
        return Array(bytes[at - count..<at])
    }

    /// Goes to a place behind this one.
    mutating func skip(to place: Int) { at = place }

    /// Seven bits a byte, the lowest first, 64 at most; the highest bit says that another follows.
    mutating func number() throws(MalformedRecord) -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<10 {
            let byte = try byte()
            if place == 9, byte > 1 { break }
            value |= UInt64(byte & 0x7F) << (7 * UInt64(place))
            if byte < 0x80 { return value }
        }
        throw MalformedRecord()
    }

    /// The same with the sign in the lowest bit.
    mutating func signedNumber() throws(MalformedRecord) -> Int64 {
        Self.signed(try number())
    }

    static func signed(_ number: UInt64) -> Int64 {
        let half = Int64(number >> 1)
        return number & 1 == 0 ? half : -half - 1
    }

    /// A number of some bytes, the lowest first.
    mutating func fixed(_ count: Int) throws(MalformedRecord) -> UInt64 {
        try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// What a catalog asks for of a value.
struct AskedFor: Sendable {
    /// Of members, or of a list's elements by their index.
    private(set) var members: [(name: [UInt8], of: AskedFor)] = []
    /// Of every element of a list; empty or one.
    private(set) var entries: [AskedFor] = []
    /// Whether every entry counts, as a text.
    private(set) var isEach = false
    /// Whether the value itself is asked for.
    private(set) var isValue = false

    /// The value alone, and nothing in it.
    static var valueAlone: AskedFor {
        var asked = AskedFor()
        asked.isValue = true
        return asked
    }

    private init() {}

    /// What a program asks for at a node of its tree.
    init(_ program: OracleProgram, node: Int = 0) {
        let here = program.tree.nodes[node]
        for edge in here.edges {
            let (name, node) = (program.tree.edges[edge].name, program.tree.edges[edge].node)
            members.append((name, AskedFor(program, node: node)))
        }
        isValue = here.slot >= 0
        isEach = program.eachSlots.contains(here.slot)
        for list in program.lists {
            guard case .slot(let slot) = list.place, slot == here.slot else { continue }
            if entries.isEmpty { entries = [AskedFor()] }
            entries[0].add(list.key[...])
            entries[0].add(list.value[...])
        }
    }

    private mutating func add(_ path: ArraySlice<[UInt8]>) {
        guard let name = path.first else {
            isValue = true
            return
        }
        let place = members.firstIndex { $0.name == name }
        if place == nil { members.append((name, AskedFor())) }
        members[place ?? members.count - 1].of.add(path.dropFirst())
    }

    /// Of the member with a name; nil: nothing.
    func member(_ name: [UInt8]) -> AskedFor? {
        members.first { $0.name == name }?.of ?? (isEach ? .valueAlone : nil)
    }

    /// Of an element of a list; nil: nothing.
    func element(_ number: Int) -> AskedFor? {
        entries.first ?? member(Array("\(number)".utf8))
    }

    /// Whether an element of a list is asked for.
    var hasElements: Bool {
        !entries.isEmpty || isEach
            || members.contains { member in
                Int(String(decoding: member.name, as: UTF8.self)).map { "\($0)" }
                    == String(decoding: member.name, as: UTF8.self)
            }
    }
}
