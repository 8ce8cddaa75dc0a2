/// What the records of a topic are written in.
public enum RecordFormat: String, Sendable, CaseIterable {
    /// JSON, as it is.
    case json
    /// Avro, with a frame that names its schema.
    case avro
    /// Protobuf, with a frame that names its schema and message.
    case protobuf
    /// JSON with a frame that names its JSON Schema.
    case jsonSchema = "json-schema"

    /// Whether records have a frame.
    public var isFramed: Bool { self != .json }
    /// Whether a record cannot be read without its schema.
    public var needsSchemas: Bool { self == .avro || self == .protobuf }
}

/// What names a schema in a frame; it names the same text for ever.
public enum SchemaKey: Hashable, Sendable, CustomStringConvertible {
    /// The number that the registry gave it.
    case id(UInt32)
    /// Its GUID, in lower case with hyphens.
    case guid(String)

    /// The number or GUID.
    public var description: String {
        switch self {
        case .id(let id): String(id)
        case .guid(let guid): guid
        }
    }
}

/// A text of a schema.
public struct SchemaFile: Sendable, Equatable {
    /// What others call it: of Protobuf the path of its import.
    public var name: String
    /// The text.
    public var text: String

    /// A text with its name.
    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// A schema and what it refers to.
public struct RecordSchema: Sendable, Equatable {
    /// What it describes.
    public var format: RecordFormat
    /// The last one is the schema, each of the others comes behind what it refers to itself.
    public var files: [SchemaFile]

    /// A schema of these parts.
    public init(format: RecordFormat, files: [SchemaFile]) {
        self.format = format
        self.files = files
    }
}

/// What is known of a schema.
public enum SchemaState: Sendable, Equatable {
    /// It is asked for; the text says why it has not come, and is empty before the first answer.
    case waiting(String)
    /// Here it is.
    case ready(RecordSchema)
    /// It is known that there is none.
    case absent
}

/// Where schemas come from; any thread may ask.
///
/// An answer other than `waiting` changes only to `waiting`, where it was forgotten, and then is
/// the same again.
public protocol SchemaSource: AnyObject, Sendable {
    /// What is known of a schema; returns at once and begins to ask where nothing is known.
    func state(of key: SchemaKey) -> SchemaState
    /// Begins to ask for schemas that will be needed soon, as many of them as there is room for.
    func expect(_ keys: [SchemaKey])
}
