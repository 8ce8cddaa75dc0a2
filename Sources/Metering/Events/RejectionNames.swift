/// The names of a catalog's fields, attributes and types, for the texts of rejections.
///
/// Made once for each program and used for rejected records only.
final class RejectionNames: Sendable {
    /// Types of the events.
    let types: [String]
    /// Where the fields are, in the order of the program.
    private let fields: [String]
    private let attributes: [Rejection: (pointer: String?, header: String)]
    /// How the event's time and the fields are written.
    private let formats: String
    private let fieldFormats: [String]
    /// Where a text with JSON in it is; nil: nowhere.
    private let inside: String?
    /// Where the lists of events are; nil: the value itself.
    private let lists: [String?]

    init(_ catalog: MeterCatalog) {
        types = catalog.events.map(\.type)
        func text(_ places: [Place]) -> String { places.map(\.text).joined(separator: " or ") }
        // The program has the conditions of an event behind its fields.
        func padding(_ event: EventDeclaration) -> [String] {
            catalog.conditions(of: event).map { _ in "" }
        }
        fields = catalog.events.flatMap { $0.fields.map { text($0.places) } + padding($0) }
        let envelope = catalog.envelope
        formats = Self.text(envelope.timeRule)
        fieldFormats = catalog.events.flatMap {
            $0.fields.map { Self.text($0.time) } + padding($0)
        }
        inside = envelope.inside.map { Place.pointer($0).text }
        lists =
            if case .arrays(let arrays)? = envelope.each {
                arrays.map { $0.isEmpty ? nil : Place.text($0) }
            } else { [] }
        func pointer(_ source: Envelope.Source) -> String? {
            switch source {
            case .pointer(let pointer): Place.pointer(pointer).text
            case .places(let places, _): text(places)
            case .constant: nil
            }
        }
        attributes = [
            .specversion: ("/specversion", "ce_specversion"),
            .id: (pointer(envelope.id), "ce_id"),
            .source: (pointer(envelope.source), "ce_source"),
            .type: (pointer(envelope.type), "ce_type"),
            .subject: (pointer(envelope.subject), "ce_subject"),
            .time: (text(envelope.time), "ce_time"),
        ]
    }

    private static let dataPointers = ["/data", "/data_base64"]

    private static func text(_ rule: TimeRule) -> String {
        rule.formats.count == 1
            ? rule.formats[0].description
            : "one of " + rule.formats.map(\.text).joined(separator: ", ")
    }

    /// What is wrong; for a time it names the formats that the catalog asks for.
    func text(_ record: RejectedRecord) -> String {
        switch record.rejection {
        case .time where !record.isBinary: "time is not \(formats)"
        case .badTime where fieldFormats.indices.contains(Int(record.field)):
            "time field is not \(fieldFormats[Int(record.field)])"
        default: record.rejection.text
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
        case .noEvents, .eventsNotArray, .containerNotObject:
            return lists.indices.contains(Int(record.field)) ? lists[Int(record.field)] : nil
        case .insideNotObject, .insideTooDeep, .insideDuplicate: return inside
        case .dataTwice, .notBase64, .base64NotJSON: return Self.dataPointers[1]
        case .longAttribute:
            attribute = record.field == 0 ? .id : record.field == 1 ? .source : .subject
        default: attribute = record.rejection
        }
        guard let names = attributes[attribute] else { return nil }
        return record.isBinary ? names.header : names.pointer
    }
}
