internal import CProtoSchema
public import Workload

/// A schema's texts, as a registry or directory has them.
public struct SchemaTexts: Sendable {
    /// `avro`, `protobuf` or `json-schema`.
    public var format: String
    /// The last one is the schema; each of the others comes behind what it refers to itself.
    ///
    /// The name is what others call it: of Protobuf the path of its import.
    public var files: [(name: String, text: String)]

    /// Makes texts of a format.
    public init(format: String, files: [(name: String, text: String)]) {
        self.format = format
        self.files = files
    }
}

/// What is known of a schema.
public enum SchemaAnswer: Sendable {
    /// Here it is.
    case texts(SchemaTexts)
    /// The registry says that there is none.
    case absent
    /// It could not be asked for; the text says why.
    case failed(String)
}

/// Reads schemas for the oracle, which knows records of Avro and Protobuf by code of its own.
///
/// Only the text of a `.proto` is read by Google's library, as everywhere.
public enum SchemaText {
    /// The schema of texts, for one message of Protobuf; `none` where they are no schema.
    public static func schema(_ texts: SchemaTexts, indexes: [Int]) -> OracleSchema {
        switch texts.format {
        case "avro":
            let schema = try? OracleAvroSchema(texts: texts.files.map(\.text))
            return schema.map { .avro($0) } ?? .none
        case "protobuf": return messages(texts, indexes).map { .protobuf($0) } ?? .none
        default: return .none
        }
    }

    /// How the oracle finds schemas, where they are asked for by name.
    public static func source(
        _ ask: @escaping (OracleSchemaName) -> SchemaAnswer
    ) -> OracleSchemaSource {
        { (name, indexes) throws(OracleError) in
            switch ask(name) {
            case .texts(let texts): return schema(texts, indexes: indexes)
            case .absent: return .none
            case .failed(let why): throw OracleError("schema \(name) cannot be had: \(why)")
            }
        }
    }

    private static func messages(_ texts: SchemaTexts, _ indexes: [Int]) -> OracleMessages? {
        let copies = texts.files.map { (TextCopy($0.name), TextCopy($0.text)) }
        let views = copies.map { path, text in
            ps_text(
                path: path.start, text: text.start, path_length: path.count,
                text_length: text.count)
        }
        var isIndex: Int32 = 0
        var why = [CChar](repeating: 0, count: 400)
        let schema = withExtendedLifetime(copies) {
            ps_create(
                views, views.count, indexes.map { Int32(truncatingIfNeeded: $0) }, indexes.count,
                &isIndex, &why, why.count)
        }
        guard let schema else { return nil }
        defer { ps_destroy(schema) }
        return ps_table_of(schema).map { messages($0.pointee) }
    }

    private static func messages(_ table: ps_table) -> OracleMessages {
        var messages: [OracleMessages.Message] = []
        var enumCount = 0
        for index in 0..<Int(table.message_count) {
            let message = table.messages[index]
            let first = Int(message.first_field)
            let fields = (first..<first + Int(message.field_count)).map { table.fields[$0] }
            for field in fields where field.kind == PS_ENUM.rawValue {
                enumCount = max(enumCount, Int(field.symbols) + 1)
            }
            messages.append(
                OracleMessages.Message(
                    meaning: meaning(message.meaning), fields: fields.map(field)))
        }
        let enums = (0..<enumCount).map { index in
            let symbols = table.enums[index]
            let first = Int(symbols.first_symbol)
            return (first..<first + Int(symbols.symbol_count)).map { place in
                let symbol = table.symbols[place]
                return (number: symbol.number, name: bytes(symbol.name, symbol.name_length))
            }
        }
        return OracleMessages(messages: messages, enums: enums)
    }

    private static func field(_ field: ps_field) -> OracleMessages.Field {
        OracleMessages.Field(
            name: bytes(field.name, field.name_length), number: UInt64(field.number),
            kind: kind(field), isRepeated: field.is_repeated != 0,
            hasPresence: field.has_presence != 0, choice: field.choice < 0 ? nil : Int(field.choice)
        )
    }

    private static func meaning(_ meaning: UInt32) -> OracleMessages.Meaning {
        switch ps_meaning(meaning) {
        case PS_TIMESTAMP: .timestamp
        case PS_DURATION: .duration
        case PS_WRAPPER: .wrapper
        case PS_MAP_ENTRY: .mapEntry
        default: .itself
        }
    }

    private static func kind(_ field: ps_field) -> OracleMessages.Kind {
        switch ps_kind(field.kind) {
        case PS_INT32: .int32
        case PS_INT64: .int64
        case PS_UINT32: .uint32
        case PS_UINT64: .uint64
        case PS_SINT32: .sint32
        case PS_SINT64: .sint64
        case PS_FIXED32: .fixed32
        case PS_FIXED64: .fixed64
        case PS_SFIXED32: .sfixed32
        case PS_SFIXED64: .sfixed64
        case PS_BOOL: .boolean
        case PS_FLOAT: .float
        case PS_DOUBLE: .double
        case PS_STRING: .string
        case PS_BYTES: .bytes
        case PS_ENUM: .symbols(Int(field.symbols))
        case PS_MESSAGE: .message(Int(field.message))
        case PS_GROUP: .group
        default: .unknown
        }
    }

    private static func bytes(_ start: UnsafePointer<CChar>?, _ count: UInt32) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: start, count: Int(count)))
    }
}

/// A text in memory of its own.
private final class TextCopy {
    private let memory: UnsafeMutableBufferPointer<CChar>
    let count: Int

    init(_ text: String) {
        let bytes = Array(text.utf8)
        count = bytes.count
        memory = .allocate(capacity: max(1, count))
        for (place, byte) in bytes.enumerated() { memory[place] = CChar(bitPattern: byte) }
    }

    deinit { memory.deallocate() }

    var start: UnsafePointer<CChar>? { memory.baseAddress.map { UnsafePointer($0) } }
}
