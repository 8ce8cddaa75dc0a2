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
        let members = try node.members(["id", "source", "type", "subject", "time", "not_before"])
        // An envelope with nothing but `not_before` still is that of CloudEvents.
        read.envelope.requiresSpecVersion = members.map(\.key) == ["not_before"]
        for (key, value) in members {
            switch key {
            case "id": read.envelope.id = try source(value)
            case "source": read.envelope.source = try source(value)
            case "type": read.envelope.type = try source(value)
            case "subject": read.envelope.subject = try source(value)
            case "time": try readTime(value, &read.envelope)
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

    private static func source(_ node: NodeReader) throws(CatalogError) -> Envelope.Source {
        if case .scalar = node.node { return .pointer(try node.pointer()) }
        let members = try node.members(["const", "at", "from"])
        guard let (key, value) = members.first(where: { $0.key != "from" }) else {
            throw node.fail("must be a JSON pointer, {at: POINTER, from: any} or {const: TEXT}")
        }
        guard key == "const" else {
            let pointer = try value.pointer()
            guard let from = members.first(where: { $0.key == "from" })?.value else {
                return .pointer(pointer)
            }
            _ = try from.word(FieldDeclaration.From.self, [.any])
            return .places([.pointer(pointer)], takesAny: true)
        }
        guard members.count == 1 else { throw node.fail("'const' has nothing beside it") }
        let text = try value.text()
        guard (1...EventLimits.textBytes).contains(text.utf8.count) else {
            throw value.fail("must be a text of 1 to \(EventLimits.textBytes) bytes")
        }
        return .constant(text)
    }

    private static func readTime(
        _ node: NodeReader, _ envelope: inout Envelope
    ) throws(CatalogError) {
        if case .scalar = node.node {
            envelope.time = try node.pointer()
            return
        }
        for (key, value) in try node.members(["at", "format"]) {
            if key == "at" {
                envelope.time = try value.pointer()
            } else {
                envelope.timeFormat = try value.word(
                    Envelope.TimeFormat.self, [.rfc3339, .unix, .unixMilliseconds])
            }
        }
    }
}
