internal import Metering

/// What the key `envelope` declares.
struct DeclaredEnvelope: Equatable {
    var envelope = Envelope.cloudEvents
    var notBefore = EarliestTime.standard
}

/// Reads the key `envelope`.
enum EnvelopeReader {
    static func read(_ node: NodeReader) throws(CatalogError) -> DeclaredEnvelope {
        var read = DeclaredEnvelope()
        let members = try node.members([
            "id", "source", "type", "subject", "time", "data", "not_before", "tombstones", "each",
        ])
        // An envelope that says nothing about attributes still is that of CloudEvents.
        read.envelope.requiresSpecVersion =
            !members.isEmpty
            && members.allSatisfy { ["not_before", "data", "tombstones", "each"].contains($0.key) }
        for (key, value) in members {
            switch key {
            case "id": read.envelope.id = try source(value, isID: true)
            case "source": read.envelope.source = try source(value)
            case "type": read.envelope.type = try source(value)
            case "subject": read.envelope.subject = try source(value)
            case "time": try readTime(value, &read.envelope)
            case "data": read.envelope.inside = try inside(value)
            case "each": read.envelope.each = try each(value)
            case "tombstones":
                let word = try value.text()
                guard ["ignore", "malformed"].contains(word) else {
                    throw value.fail("must be ignore or malformed")
                }
                read.envelope.ignoresTombstones = word == "ignore"
            default:
                guard let time = EarliestTime(try value.text()) else {
                    let years = Timestamp.years
                    throw value.fail(
                        "must be a year or a date from \(years.lowerBound) to "
                            + "\(years.upperBound), as 1995-07-01")
                }
                read.notBefore = time
            }
        }
        return read
    }

    private static func source(
        _ node: NodeReader, isID: Bool = false
    ) throws(CatalogError) -> Envelope.Source {
        let source = try anySource(node)
        if !isID, case .places(let places, _) = source, places.contains(.record) {
            throw node.fail("'record' is for the id")
        }
        return source
    }

    private static func anySource(_ node: NodeReader) throws(CatalogError) -> Envelope.Source {
        if case .scalar = node.node { return .pointer(try node.pointer()) }
        guard case .mapping(let pairs, _) = node.node else {
            return .places(try node.places(isAttribute: true), takesAny: false)
        }
        if pairs.map(\.key) == ["const"] {
            return .constant(try node.members(nil)[0].value.constant())
        }
        guard pairs.contains(where: { $0.key == "at" }), !pairs.contains(where: { $0.key == "in" })
        else {
            return .places(try node.places(isAttribute: true), takesAny: false)
        }
        var places: [Place] = []
        var takesAny = false
        for (key, value) in try node.members(["at", "from"]) {
            if key == "at" {
                places = try value.places(isAttribute: true)
            } else {
                _ = try value.word(FieldDeclaration.From.self, [.any])
                takesAny = true
            }
        }
        if !takesAny, places.count == 1, case .pointer(let pointer) = places[0] {
            return .pointer(pointer)
        }
        return .places(places, takesAny: takesAny)
    }

    /// Where a record has its events.
    private static func each(_ node: NodeReader) throws(CatalogError) -> EventList {
        func array(_ node: NodeReader, isFirst: Bool) throws(CatalogError) -> JSONPointer {
            guard case .scalar("array", _, _) = node.node else { return try node.pointer() }
            guard isFirst else { throw node.fail("'array' is the record's value: the first list") }
            return []
        }
        guard node.isList else {
            if case .scalar("lines", _, _) = node.node { return .lines }
            if case .scalar = node.node { return .arrays([try array(node, isFirst: true)]) }
            throw node.fail("must be lines, array, a JSON pointer, or a list of these two")
        }
        var arrays: [JSONPointer] = []
        for item in try node.items() { arrays.append(try array(item, isFirst: arrays.isEmpty)) }
        return .arrays(arrays)
    }

    /// The text that holds JSON.
    private static func inside(_ node: NodeReader) throws(CatalogError) -> JSONPointer? {
        var pointer: JSONPointer?
        var isInside = false
        for (key, value) in try node.members(["at", "inside"]) {
            if key == "at" {
                pointer = try value.pointer()
            } else {
                guard try value.text() == "json" else { throw value.fail("must be json") }
                isInside = true
            }
        }
        guard let pointer, isInside else { throw node.fail("must be {at: POINTER, inside: json}") }
        return pointer
    }

    private static func readTime(
        _ node: NodeReader, _ envelope: inout Envelope
    ) throws(CatalogError) {
        let keys = ["at", "format", "zone"]
        guard case .mapping(let pairs, _) = node.node,
            pairs.contains(where: { keys.contains($0.key) }),
            !pairs.contains(where: { $0.key == "in" })
        else {
            envelope.time = try node.places(isAttribute: false)
            return
        }
        let members = try node.members(keys)
        func member(_ name: String) -> NodeReader? { members.first { $0.key == name }?.value }
        if let at = member("at") { envelope.time = try at.places(isAttribute: false) }
        envelope.timeRule = try TimeRuleReader.read(
            format: member("format"), zone: member("zone"))
    }
}
