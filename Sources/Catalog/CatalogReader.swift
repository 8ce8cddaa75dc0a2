public import Metering

/// Reads catalog files into declarations.
///
/// `schemas/catalog.md` is the grammar.
public enum CatalogReader {
    /// Reads and merges catalog files in their order.
    ///
    /// The result is well formed. Whether it can be lowered (kinds, dimensions, numbers of cells)
    /// is checked by `Program`, whose errors name the meter.
    public static func read(
        files: [(name: String, text: [UInt8])]
    ) throws(CatalogError)
        -> MeterCatalog
    {
        try merge(files).catalog
    }

    /// Reads and merges catalog files, and makes sure that their meters can be counted.
    ///
    /// - Throws: what `read` throws, and an error with file and line for a meter or event that
    ///   cannot be lowered.
    public static func check(
        files: [(name: String, text: [UInt8])]
    ) throws(CatalogError) -> MeterCatalog {
        let merge = try merge(files)
        do throws(ProgramError) {
            // This program sees no event, so the bound does not matter.
            _ = try Program(
                catalog: merge.catalog, shardCount: 1, dedupeKey: (0, 0),
                futureBoundMilliseconds: 0)
        } catch {
            throw merge.located(error)
        }
        return merge.catalog
    }

    private static func merge(
        _ files: [(name: String, text: [UInt8])]
    ) throws(CatalogError) -> CatalogMerge {
        var merge = CatalogMerge()
        for (name, text) in files {
            let node = try YAMLNode.read(file: name, text: text)
            try merge.add(NodeReader(file: name, node: node, path: ""))
        }
        return merge
    }
}

/// The catalog of the files read so far.
private struct CatalogMerge {
    var catalog = MeterCatalog()
    private var envelope: DeclaredEnvelope?
    /// Nodes of meters and events by their path.
    private var nodes: [String: NodeReader] = [:]

    /// The error of a meter or event, with file and line.
    func located(_ error: ProgramError) -> CatalogError {
        let node = nodes["meters.\(error.subject)"] ?? nodes["events.\(error.subject)"]
        return node?.fail(error.message)
            ?? CatalogError(file: "catalog", line: 0, field: error.subject, message: error.message)
    }

    mutating func add(_ root: NodeReader) throws(CatalogError) {
        let members = try root.members(["version", "envelope", "events", "meters"])
        guard let version = members.first(where: { $0.key == "version" })?.value else {
            throw root.fail("version is missing")
        }
        guard try version.integer() == 1 else { throw version.fail("must be 1") }
        for (key, value) in members {
            switch key {
            case "envelope": try add(envelope: value)
            case "events":
                for (name, event) in try value.members(nil) { try add(event: name, event) }
            case "meters":
                for (name, meter) in try value.members(nil) {
                    if catalog.meter(name) != nil { throw meter.fail("is in another file too") }
                    catalog.meters.append(try MeterReader.read(name, meter))
                    nodes[meter.path] = meter
                }
            default: break
            }
        }
    }

    private mutating func add(envelope node: NodeReader) throws(CatalogError) {
        let read = try EnvelopeReader.read(node)
        if let envelope, envelope != read {
            throw node.fail("differs from another file's envelope")
        }
        envelope = read
        catalog.envelope = read.envelope
        catalog.notBefore = read.notBefore
    }

    private mutating func add(event name: String, _ node: NodeReader) throws(CatalogError) {
        guard NodeReader.isName(name, upperCase: true, extra: "_.-") else {
            throw node.fail("a name is a letter a-z, then letters, digits and _ . -")
        }
        var event = EventDeclaration(name: name, type: name, fields: [])
        for (key, value) in try node.members(["type", "fields"]) {
            if key == "type" {
                event.type = try value.text()
                if event.type.isEmpty { throw value.fail("must not be empty") }
                continue
            }
            for (name, field) in try value.members(nil) {
                event.fields.append(try FieldReader.read(name, field))
            }
        }
        guard let index = catalog.events.firstIndex(where: { $0.name == name }) else {
            catalog.events.append(event)
            nodes[node.path] = node
            return
        }
        guard catalog.events[index].type == event.type else {
            throw node.fail("has another type in another file")
        }
        for field in event.fields {
            guard let known = catalog.events[index].field(field.name) else {
                catalog.events[index].fields.append(field)
                continue
            }
            if known != field {
                throw node.fail("field '\(field.name)' differs from another file's")
            }
        }
    }
}

/// What the key `envelope` declares.
private struct DeclaredEnvelope: Equatable {
    var envelope = Envelope.cloudEvents
    var notBefore = EarliestTime.standard
}

private enum EnvelopeReader {
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
        for (_, value) in try node.members(["const"]) {
            let text = try value.text()
            guard (1...EventLimits.textBytes).contains(text.utf8.count) else {
                throw value.fail("must be a text of 1 to \(EventLimits.textBytes) bytes")
            }
            return .constant(text)
        }
        throw node.fail("must be a JSON pointer or {const: TEXT}")
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

private enum FieldReader {
    static func read(_ name: String, _ node: NodeReader) throws(CatalogError) -> FieldDeclaration {
        guard NodeReader.isName(name, upperCase: true, extra: "_") else {
            throw node.fail("a name is a letter a-z, then letters, digits and _")
        }
        let members = try node.members([
            "at", "is", "required", "default", "max", "values", "each",
        ])
        guard let at = members.first(where: { $0.key == "at" })?.value else {
            throw node.fail("'at' is missing")
        }
        var field = FieldDeclaration(name: name, pointer: try at.pointer())
        // The kind is read first because it decides how a default is read.
        for (key, value) in members where key == "is" {
            field.kind = try value.word(FieldDeclaration.Kind.self, [.text, .integer, .time])
        }
        for (key, value) in members {
            switch key {
            case "required": field.isRequired = try value.bool()
            case "each": field.isFanOut = try value.bool()
            case "values": field.values = try value.texts()
            case "default": try readDefault(value, &field)
            case "max": field.maximum = try maximum(value, field)
            default: break
            }
        }
        if field.kind != .text, field.isFanOut || !field.values.isEmpty {
            throw node.fail("'each' and 'values' are for texts")
        }
        if let maximum = field.maximum, let integer = field.defaultInteger,
            integer.magnitude > maximum.magnitude
        {
            throw node.fail("'default' is beyond 'max'")
        }
        return field
    }

    private static func maximum(
        _ node: NodeReader, _ field: FieldDeclaration
    ) throws(CatalogError) -> Int64 {
        guard field.kind == .integer else { throw node.fail("is for integers") }
        let maximum = try node.integer()
        guard maximum > 0 else { throw node.fail("must be above 0") }
        return maximum
    }

    private static func readDefault(
        _ node: NodeReader, _ field: inout FieldDeclaration
    )
        throws(CatalogError)
    {
        switch field.kind {
        case .text:
            field.defaultText = try node.text()
            if (field.defaultText?.utf8.count ?? 0) > EventLimits.textBytes {
                throw node.fail("longer than \(EventLimits.textBytes) bytes")
            }
        case .integer: field.defaultInteger = try node.integer()
        case .time: throw node.fail("a time has no default")
        }
    }
}
