/// A rejected record of a batch.
public struct RejectedRecord: Sendable {
    /// Index in the batch.
    public var index: Int
    /// malformed, bad_field, late or future.
    public var outcome: Outcome
    /// What exactly is wrong.
    public var rejection: Rejection
    /// What it is about: a field of the program; of a long attribute 0 id, 1 source, 2 subject; of
    /// data that is no object 0 data, 1 data_base64.
    var field: Int32
    /// Index of the event among the catalog's; -1 = its type is not known.
    var event: Int32
    /// Whether its attributes stood in headers.
    var isBinary: Bool
    let names: RejectionNames

    /// What is wrong and where, like `required field is missing: /data/agent`.
    ///
    /// The text of a dead letter's header `detail`. The place is a JSON pointer into the value or
    /// the name of a header; there is none where the whole record is wrong.
    public var detail: String {
        let text = names.text(self)
        return names.place(of: self).map { "\(text): \($0)" } ?? text
    }

    /// The catalog's type of the event; nil where the record was rejected before that was looked
    /// at.
    public var eventType: String? { event < 0 ? nil : names.types[Int(event)] }

    /// What two records have in common that are rejected for the same reason, at the same place.
    public var cause: RejectionCause {
        RejectionCause(
            rejection: rejection, event: event, place: rejection.isOfField ? field : -1,
            isBinary: isBinary)
    }
}

/// Why records were rejected: reason, type of event and field.
public struct RejectionCause: Hashable, Sendable {
    let rejection: Rejection
    let event: Int32
    let place: Int32
    let isBinary: Bool
}

/// What a catalog's fields, attributes and types are called; made once, asked for rejected records
/// only.
final class RejectionNames: Sendable {
    /// Types of the events.
    let types: [String]
    /// JSON pointers of the fields, in the program's order.
    private let fields: [String]
    private let attributes: [Rejection: (pointer: String?, header: String)]
    private let timeFormat: Envelope.TimeFormat

    init(_ catalog: MeterCatalog) {
        types = catalog.events.map(\.type)
        fields = catalog.events.flatMap { $0.fields.map { Self.text($0.pointer) } }
        let envelope = catalog.envelope
        timeFormat = envelope.timeFormat
        func pointer(_ source: Envelope.Source) -> String? {
            if case .pointer(let pointer) = source { Self.text(pointer) } else { nil }
        }
        attributes = [
            .specversion: ("/specversion", "ce_specversion"),
            .id: (pointer(envelope.id), "ce_id"),
            .source: (pointer(envelope.source), "ce_source"),
            .type: (pointer(envelope.type), "ce_type"),
            .subject: (pointer(envelope.subject), "ce_subject"),
            .time: (Self.text(envelope.time), "ce_time"),
        ]
    }

    private static let dataPlaces = ["/data", "/data_base64"]

    /// The text of a JSON pointer (RFC 6901).
    private static func text(_ pointer: JSONPointer) -> String {
        pointer.map { token in
            "/"
                + token.unicodeScalars.map { character in
                    character == "~" ? "~0" : character == "/" ? "~1" : String(character)
                }.joined()
        }.joined()
    }

    /// What is wrong; a time's text names the form that the catalog asks for.
    func text(_ record: RejectedRecord) -> String {
        guard record.rejection == .time, !record.isBinary else { return record.rejection.text }
        return switch timeFormat {
        case .rfc3339: record.rejection.text
        case .unix: "time is not an integer of seconds since 1970 (unix)"
        case .unixMilliseconds: "time is not an integer of milliseconds since 1970 (unix-ms)"
        }
    }

    /// Where it is wrong; nil = the whole record is.
    func place(of record: RejectedRecord) -> String? {
        if record.rejection.isOfField {
            return fields.indices.contains(Int(record.field)) ? fields[Int(record.field)] : nil
        }
        let attribute: Rejection
        switch record.rejection {
        case .noTime, .future, .past: attribute = .time
        // In binary mode the value is the data, and has no name.
        case .dataNotObject: return record.isBinary ? nil : Self.dataPlaces[Int(record.field)]
        case .dataTwice, .notBase64, .base64NotJSON: return Self.dataPlaces[1]
        case .longAttribute:
            attribute = record.field == 0 ? .id : record.field == 1 ? .source : .subject
        default: attribute = record.rejection
        }
        guard let place = attributes[attribute] else { return nil }
        return record.isBinary ? place.header : place.pointer
    }
}

extension Rejection {
    /// Whether a field of the catalog is wrong, not the event as a whole.
    var isOfField: Bool {
        switch self {
        case .missingField, .wrongType, .longText, .unknownValue, .notAnInteger, .negativeAmount,
            .beyondMaximum, .badTime, .futureTime, .pastTime, .tooManyEntries:
            true
        default: false
        }
    }
}
