/// The names of a catalog's fields, attributes and types, for the texts of rejections.
///
/// Made once for each program and used for rejected records only.
final class RejectionNames: Sendable {
    /// Types of the events.
    let types: [String]
    /// JSON pointers of the fields, in the order of the program.
    private let fields: [String]
    private let attributes: [Rejection: (pointer: String?, header: String)]
    private let timeFormat: Envelope.TimeFormat

    init(_ catalog: MeterCatalog) {
        types = catalog.events.map(\.type)
        fields = catalog.events.flatMap { $0.fields.map { Self.text($0.pointer) } }
        let envelope = catalog.envelope
        timeFormat = envelope.timeFormat
        func pointer(_ source: Envelope.Source) -> String? {
            switch source {
            case .pointer(let pointer): return Self.text(pointer)
            case .places(let places, _):
                guard case .pointer(let pointer)? = places.first else { return nil }
                return Self.text(pointer)
            case .constant: return nil
            }
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

    private static let dataPointers = ["/data", "/data_base64"]

    /// The text of a JSON pointer (RFC 6901).
    private static func text(_ pointer: JSONPointer) -> String {
        pointer.map { token in
            "/"
                + token.unicodeScalars.map { character in
                    character == "~" ? "~0" : character == "/" ? "~1" : String(character)
                }.joined()
        }.joined()
    }

    /// What is wrong; for a time it names the format that the catalog asks for.
    func text(_ record: RejectedRecord) -> String {
        guard record.rejection == .time, !record.isBinary else { return record.rejection.text }
        return switch timeFormat {
        case .rfc3339: record.rejection.text
        case .unix: "time is not an integer of seconds since 1970 (unix)"
        case .unixMilliseconds: "time is not an integer of milliseconds since 1970 (unix-ms)"
        }
    }

    /// Where it is wrong; nil: the whole record is.
    func location(of record: RejectedRecord) -> String? {
        if record.rejection.isOfField {
            return fields.indices.contains(Int(record.field)) ? fields[Int(record.field)] : nil
        }
        let attribute: Rejection
        switch record.rejection {
        case .noTime, .future, .past: attribute = .time
        // In binary mode the whole value is the data, so there is nothing to point at.
        case .dataNotObject: return record.isBinary ? nil : Self.dataPointers[Int(record.field)]
        case .dataTwice, .notBase64, .base64NotJSON: return Self.dataPointers[1]
        case .longAttribute:
            attribute = record.field == 0 ? .id : record.field == 1 ? .source : .subject
        default: attribute = record.rejection
        }
        guard let names = attributes[attribute] else { return nil }
        return record.isBinary ? names.header : names.pointer
    }
}
