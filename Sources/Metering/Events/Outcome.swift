/// What became of a record: each has exactly one outcome.
///
/// `schemas/events/README.md` gives the order of the checks.
public enum Outcome: UInt8, Sendable, CaseIterable {
    /// Counted.
    case accepted = 0
    /// The same (subject, source, id) stood among the N offsets before it.
    case duplicate = 1
    /// No meter takes events of its type.
    case ignored = 2
    /// No CloudEvent.
    case malformed = 3
    /// A CloudEvent of a known type with a field that a meter cannot take.
    case badField = 4
    /// Every window that it belongs to has expired.
    case late = 5
    /// Its time is beyond the record's timestamp by more than the bound.
    case future = 6

    /// The word in metrics, dead letters and documents.
    public var name: String {
        switch self {
        case .accepted: "accepted"
        case .duplicate: "duplicate"
        case .ignored: "ignored"
        case .malformed: "malformed"
        case .badField: "bad_field"
        case .late: "late"
        case .future: "future"
        }
    }

    /// Whether the record goes to the dead-letter topic.
    public var isRejected: Bool { rawValue >= Outcome.malformed.rawValue }
}

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
    /// No JSON text.
    case notJSON
    /// JSON nested deeper than permitted.
    case tooDeep
    /// A member that is asked for stands twice.
    case duplicateMember
    /// JSON, but not an object.
    case notAnObject
    /// `specversion` missing or not "1.0".
    case specversion
    /// `id` missing, empty, no text or no UTF-8.
    case id
    /// `source` missing, empty, no text or no UTF-8.
    case source
    /// `type` missing, empty, no text or no UTF-8.
    case type
    /// `subject` missing, empty, no text or no UTF-8.
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
    /// `data_base64` that is no base64.
    case notBase64
    /// `data_base64` that does not hold one JSON text.
    case base64NotJSON
    /// The event's time is before the earliest that the catalog takes.
    case past
    /// It has no time, and the record's timestamp is before that.
    case pastRecord
    /// A required field is missing.
    case missingField
    /// A field of another JSON type than declared.
    case wrongType
    /// A text over 256 bytes.
    case longText
    /// A text that is none of the declared values.
    case unknownValue
    /// A number that is no integer within 2^53 − 1.
    case notAnInteger
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

    /// What is wrong, without the place; `RejectedRecord.detail` has that too.
    public var text: String {
        switch self {
        case .none: ""
        case .tombstone: "null value without CloudEvents headers"
        case .emptyValue: "empty value"
        case .oversized: "value larger than 1048576 bytes"
        case .notJSON: "value is not one JSON text"
        case .tooDeep: "JSON nested deeper than 64"
        case .duplicateMember: "a member that is asked for stands twice"
        case .notAnObject: "value is not a JSON object"
        case .specversion: "specversion is not 1.0"
        case .id: "id is missing, empty or not a text"
        case .source: "source is missing, empty or not a text"
        case .type: "type is missing, empty or not a text"
        case .subject: "subject is missing, empty or not a text"
        case .time: "time is not RFC 3339 with a zone"
        case .noTime: "neither time nor record timestamp"
        case .longAttribute: "id, source or subject longer than 256 bytes"
        case .dataNotObject: "data is not a JSON object"
        case .dataTwice: "data and data_base64 are both given"
        case .notBase64: "data_base64 is not base64"
        case .base64NotJSON: "data_base64 does not hold one JSON text"
        case .past: "time is before the catalog's not_before"
        case .pastRecord: "record timestamp is before the catalog's not_before"
        case .missingField: "required field is missing"
        case .wrongType: "field has the wrong type"
        case .longText: "text longer than 256 bytes"
        case .unknownValue: "text is none of the permitted values"
        case .notAnInteger: "number is not an integer within 2^53 - 1"
        case .negativeAmount: "negative amount"
        case .beyondMaximum: "number beyond the field's max"
        case .badTime: "time field is not RFC 3339 with a zone"
        case .futureTime: "time field lies in the future"
        case .pastTime: "time field is before the catalog's not_before"
        case .tooManyEntries: "more than 32 entries"
        case .future: "event time lies in the future"
        case .late: "every window has expired"
        }
    }
}
