public import Workload

/// Reads catalogs as they are published: YAML text into the oracle's own declarations.
///
/// It relies on `odometer check` for what a valid catalog is; what it does not know is an error.
public enum CatalogText {
    /// Reads the files of a catalog, each a name and a text, and merges their declarations.
    public static func read(
        _ files: [(name: String, text: String)]
    ) throws(VerifyError) -> OracleCatalog {
        var catalog = OracleCatalog()
        for file in files {
            do {
                try read(YAMLText.root(of: file.text), into: &catalog)
            } catch {
                throw VerifyError(error.code, "\(file.name): \(error.message)")
            }
        }
        catalog.setScales()
        return catalog
    }

    private static func read(
        _ root: YAMLNode, into catalog: inout OracleCatalog
    ) throws(VerifyError) {
        for (name, value) in root.members ?? [] {
            switch name {
            case "version":
                guard value.text == "1" else { throw wrong("version is not 1") }
            case "envelope":
                catalog.envelope = try envelope(value)
                if let data = value["data"] {
                    guard data["inside"]?.text == "json", let pointer = data["at"]?.text else {
                        throw wrong("envelope: data is not {at: POINTER, inside: json}")
                    }
                    catalog.inside = pointer
                }
                catalog.each = try value["each"].map(each)
                catalog.ignoresTombstones = value["tombstones"]?.text == "ignore"
                if let text = value["not_before"]?.text {
                    guard let earliest = OracleCatalog.earliestSeconds(text) else {
                        throw wrong("envelope: not_before is neither a year nor a date")
                    }
                    catalog.earliestSeconds = earliest
                }
            case "records":
                let word = value["format"]?.text ?? ""
                guard let format = OracleRecordFormat(rawValue: word) else {
                    throw wrong("records: unknown format \(word)")
                }
                catalog.records = format
            case "events":
                for (name, value) in try members(value, "events") {
                    try unite(try event(name, value), into: &catalog)
                }
            case "meters":
                for (name, value) in try members(value, "meters") {
                    switch value["kind"]?.text {
                    // A ratio has no cells.
                    case "ratio": continue
                    case "unique": catalog.meters += try UniqueText.meters(name, value)
                    default: catalog.meters.append(try MeterText.meter(name, value))
                    }
                }
            default:
                throw wrong("unknown key \(name)")
            }
        }
    }

    private static func unite(
        _ event: OracleEvent, into catalog: inout OracleCatalog
    ) throws(VerifyError) {
        guard let place = catalog.events.firstIndex(where: { $0.name == event.name }) else {
            catalog.events.append(event)
            return
        }
        guard catalog.events[place].type == event.type else {
            throw wrong("event \(event.name) has another type in another file")
        }
        for field in event.fields {
            guard let known = catalog.events[place].fields.first(where: { $0.name == field.name })
            else {
                catalog.events[place].fields.append(field)
                continue
            }
            guard known == field else {
                throw wrong("event \(event.name): \(field.name) differs in another file")
            }
        }
    }

    /// The envelope; nil when nothing of it is given but what CloudEvents may have, too.
    private static func envelope(_ node: YAMLNode) throws(VerifyError) -> OracleEnvelope? {
        let given = try members(node, "envelope")
        let common = ["not_before", "data", "tombstones", "each"]
        if !given.isEmpty, given.allSatisfy({ common.contains($0.name) }) {
            return nil
        }
        var envelope = OracleEnvelope()
        for (name, value) in given {
            switch name {
            case "not_before", "data", "tombstones", "each": continue
            case "id": envelope.id = try place(value)
            case "source": envelope.source = try place(value)
            case "type": envelope.type = try place(value)
            case "subject": envelope.subject = try place(value)
            case "time":
                let hasRule =
                    value["in"] == nil
                    && ["at", "format", "zone"].contains { value[$0] != nil }
                if let node = hasRule ? value["at"] : value {
                    let places = try PlaceText.places(node)
                    envelope.time = places.count == 1 ? places[0] : .first(places, any: false)
                }
                envelope.timeRule = try FieldText.timeRule(value["format"], value["zone"])
            default: throw wrong("envelope: unknown key \(name)")
            }
        }
        return envelope
    }

    /// Where a record has its events.
    private static func each(_ node: YAMLNode) throws(VerifyError) -> OracleEach {
        if node.text == "lines" { return .lines }
        if let text = node.text { return .arrays([text == "array" ? "" : text]) }
        return .arrays(try texts(node, "each").map { $0 == "array" ? "" : $0 })
    }

    private static func place(_ node: YAMLNode) throws(VerifyError) -> OraclePlace {
        if let places = node["at"], node["in"] == nil {
            let from = node["from"]?.text
            guard from == nil || from == "any" else { throw wrong("envelope: from is not any") }
            return .first(try PlaceText.places(places), any: from != nil)
        }
        let places = try PlaceText.places(node)
        return places.count == 1 ? places[0] : .first(places, any: false)
    }

    private static func event(
        _ name: String, _ node: YAMLNode
    ) throws(VerifyError) -> OracleEvent {
        var event = OracleEvent(name)
        for (attribute, value) in try members(node, "event \(name)") {
            switch attribute {
            case "type": event.type = try text(value, "event \(name): type")
            case "fields":
                for (field, value) in try members(value, "event \(name): fields") {
                    event.fields.append(try FieldText.field(field, value))
                }
            default: throw wrong("event \(name): unknown key \(attribute)")
            }
        }
        return event
    }

    static func wrong(_ message: String) -> VerifyError {
        VerifyError(.catalog, message)
    }

    static func members(
        _ node: YAMLNode, _ place: String
    ) throws(VerifyError) -> [(name: String, value: YAMLNode)] {
        guard let members = node.members else { throw wrong("\(place) is no mapping") }
        return members
    }

    static func text(_ node: YAMLNode, _ place: String) throws(VerifyError) -> String {
        guard let text = node.text else { throw wrong("\(place) is no text") }
        return text
    }

    static func texts(_ node: YAMLNode, _ place: String) throws(VerifyError) -> [String] {
        guard case .list(let items) = node else { throw wrong("\(place) is no list") }
        var texts: [String] = []
        for item in items { texts.append(try text(item, place)) }
        return texts
    }

    static func truth(_ node: YAMLNode, _ place: String) throws(VerifyError) -> Bool {
        switch try text(node, place) {
        case "true": return true
        case "false": return false
        default: throw wrong("\(place) is neither true nor false")
        }
    }
}
