/// Why a record was rejected; the detail of a dead letter.
public enum Rejection: UInt8, Sendable, CaseIterable {
    /// Not rejected.
    case none = 0
    /// Null value without CloudEvents headers.
    case tombstone
    /// Empty value.
    case emptyValue
    /// Value over the permitted size.
    case oversized
    /// Value that is not one JSON text.
    case notJSON
    /// JSON nested deeper than permitted.
    case tooDeep
    /// A member that the catalog asks for occurs twice.
    case duplicateMember
    /// JSON, but not an object.
    case notAnObject
    /// The record's list of events is not there.
    case noEvents
    /// What should be a list of events is no array.
    case eventsNotArray
    /// An entry of a list, which should contain events, is no object.
    case containerNotObject
    /// More events in a record than permitted.
    case tooManyEvents
    /// `specversion` missing or not "1.0".
    case specversion
    /// `id` missing, empty, not a text or not UTF-8.
    case id
    /// `source` missing, empty, not a text or not UTF-8.
    case source
    /// `type` missing, empty, not a text or not UTF-8.
    case type
    /// `subject` missing, empty, not a text or not UTF-8.
    case subject
    /// `time` that cannot be read.
    case time
    /// Neither `time` nor a record timestamp.
    case noTime
    /// id, source or subject over 256 bytes.
    case longAttribute
    /// `data` that is a text, a number, true, false or an array.
    case dataNotObject
    /// Both `data` and `data_base64`.
    case dataTwice
    /// `data_base64` that is not base64.
    case notBase64
    /// `data_base64` that does not hold one JSON text.
    case base64NotJSON
    /// A text that should hold a JSON object.
    case insideNotObject
    /// JSON inside a text, nested deeper than permitted.
    case insideTooDeep
    /// A member that the catalog asks for occurs twice in the JSON inside a text.
    case insideDuplicate
    /// The event's time is before the earliest time that the catalog takes.
    case past
    /// It has no time, and the record's timestamp is before that earliest time.
    case pastRecord
    /// A required field is missing.
    case missingField
    /// A field of another JSON type than declared.
    case wrongType
    /// A text over 256 bytes.
    case longText
    /// A text that is none of the declared values.
    case unknownValue
    /// A number that is not an integer within 2^53 − 1.
    case notAnInteger
    /// A number with more decimals than the field keeps.
    case tooManyDecimals
    /// A text that should be a number.
    case notANumber
    /// A negative amount of an unsigned meter.
    case negativeAmount
    /// A number beyond the field's `max`.
    case beyondMaximum
    /// A time field that cannot be read.
    case badTime
    /// A time field beyond the future bound.
    case futureTime
    /// A time field before the earliest time that the catalog takes.
    case pastTime
    /// More than 32 entries.
    case tooManyEntries
    /// The event's time is beyond the future bound.
    case future
    /// Every window has expired.
    case late
    /// The frame of a record ends too early.
    case frameTruncated
    /// A frame whose first byte is neither 0 nor 1.
    case frameMagic
    /// More bytes in the header of a frame than a schema's id has.
    case frameTrailing
    /// Two headers that name different schemas.
    case frameTwice
    /// Indexes of a message that cannot be, or that the schema does not have.
    case messageIndexes
    /// The registry has no such schema.
    case schemaAbsent
    /// The record's schema cannot be used for this catalog.
    case schemaUnusable
    /// A record of Avro or Protobuf that ends inside a value.
    case recordTruncated
    /// Bytes behind the end of a record of Avro.
    case recordTrailing
    /// A record of Avro or Protobuf, nested deeper than permitted.
    case recordTooDeep
    /// Avro whose outermost value is not a record.
    case recordNotObject
    /// A text in Avro or Protobuf that is not UTF-8.
    case recordNotUTF8
    /// A length, branch, symbol or tag that cannot be.
    case recordValue
    /// A group of Protobuf.
    case recordGroup

    /// What is wrong, without the location; `RejectedRecord.detail` has both.
    public var text: String {
        switch self {
        case .none: ""
        case .tombstone: "null value without CloudEvents headers"
        case .emptyValue: "empty value"
        case .oversized: "value larger than \(EventLimits.valueBytes) bytes"
        case .notJSON: "value is not one JSON text"
        case .tooDeep: "JSON nested deeper than \(EventLimits.levels)"
        case .duplicateMember: "a member that is asked for is there twice"
        case .notAnObject: "value is not a JSON object"
        case .noEvents: "list of events is missing"
        case .eventsNotArray: "events are not a JSON array"
        case .containerNotObject: "entry of a list is not a JSON object"
        case .tooManyEvents: "more than \(EventLimits.events) events in a record"
        case .specversion: "specversion is not 1.0"
        case .id: "id is missing, empty or not a text"
        case .source: "source is missing, empty or not a text"
        case .type: "type is missing, empty or not a text"
        case .subject: "subject is missing, empty or not a text"
        case .time: "time is not RFC 3339 with a zone"
        case .noTime: "neither time nor record timestamp"
        case .longAttribute: "id, source or subject longer than \(EventLimits.textBytes) bytes"
        case .dataNotObject: "data is not a JSON object"
        case .dataTwice: "data and data_base64 are both given"
        case .notBase64: "data_base64 is not base64"
        case .base64NotJSON: "data_base64 does not hold one JSON text"
        case .insideNotObject: "text does not hold a JSON object"
        case .insideTooDeep: "JSON in the text is nested deeper than \(EventLimits.levels)"
        case .insideDuplicate: "a member that is asked for is there twice in the text"
        case .past: "time is before the catalog's not_before"
        case .pastRecord: "record timestamp is before the catalog's not_before"
        case .missingField: "required field is missing"
        case .wrongType: "field has the wrong type"
        case .longText: "text longer than \(EventLimits.textBytes) bytes"
        case .unknownValue: "text is none of the permitted values"
        case .notAnInteger: "number is not an integer within 2^53 - 1"
        case .tooManyDecimals: "number with more decimals than the field's scale"
        case .notANumber: "text is not a number"
        case .negativeAmount: "negative amount"
        case .beyondMaximum: "number beyond the field's max"
        case .badTime: "time field is not RFC 3339 with a zone"
        case .futureTime: "time field lies in the future"
        case .pastTime: "time field is before the catalog's not_before"
        case .tooManyEntries: "more than \(EventLimits.entries) entries"
        case .future: "event time lies in the future"
        case .late: "every window has expired"
        case .frameTruncated: "frame of the schema's id ends too early"
        case .frameMagic: "first byte of the frame is neither 0 nor 1"
        case .frameTrailing: "header __value_schema_id is longer than an id"
        case .frameTwice: "two headers __value_schema_id that differ"
        case .messageIndexes: "schema has no message at the indexes of the frame"
        case .schemaAbsent: "registry has no schema with that id"
        case .schemaUnusable: "schema cannot be used for this catalog"
        case .recordTruncated: "record ends inside a value"
        case .recordTrailing: "bytes are left behind the record"
        case .recordTooDeep: "record nested deeper than \(EventLimits.levels)"
        case .recordNotObject: "value is not a record"
        case .recordNotUTF8: "a text that is asked for is not UTF-8"
        case .recordValue: "a length, branch, symbol or tag of the record cannot be"
        case .recordGroup: "record has a group, which is not read"
        }
    }

    /// Whether one field of the catalog is wrong, not the event as a whole.
    var isOfField: Bool {
        switch self {
        case .missingField, .wrongType, .longText, .unknownValue, .notAnInteger, .tooManyDecimals,
            .notANumber, .negativeAmount, .beyondMaximum, .badTime, .futureTime, .pastTime,
            .tooManyEntries:
            true
        default: false
        }
    }

    /// Whether a value is none of its field's kind or `values`, in contrast to one out of bounds.
    var isOfKind: Bool {
        switch self {
        case .wrongType, .longText, .unknownValue, .notAnInteger, .tooManyDecimals, .notANumber,
            .badTime:
            true
        default: false
        }
    }
}
