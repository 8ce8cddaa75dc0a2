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
        try merge.checkDerived()
        return merge
    }
}

/// The catalog of the files read so far.
private struct CatalogMerge {
    var catalog = MeterCatalog()
    private var envelope: DeclaredEnvelope?
    private var records: RecordFormat?
    /// Nodes of meters and events by their path.
    private var nodes: [String: NodeReader] = [:]

    /// The error of a meter or event, with file and line.
    func located(_ error: ProgramError) -> CatalogError {
        let node =
            nodes["meters.\(error.subject)"] ?? nodes["events.\(error.subject)"]
            ?? (error.subject == "envelope" ? nodes["envelope"] : nil)
        return node?.fail(error.message)
            ?? CatalogError(file: "catalog", line: 0, field: error.subject, message: error.message)
    }

    mutating func add(_ root: NodeReader) throws(CatalogError) {
        let members = try root.members([
            "version", "envelope", "records", "events", "meters",
        ])
        guard let version = members.first(where: { $0.key == "version" })?.value else {
            throw root.fail("version is missing")
        }
        guard try version.integer() == 1 else { throw version.fail("must be 1") }
        for (key, value) in members {
            switch key {
            case "envelope": try add(envelope: value)
            case "records": try add(records: value)
            case "events":
                for (name, event) in try value.members(nil) { try add(event: name, event) }
            case "meters":
                for (name, meter) in try value.members(nil) { try add(meter: name, meter) }
            default: break
            }
        }
    }

    private mutating func add(meter name: String, _ node: NodeReader) throws(CatalogError) {
        guard catalog.meter(name) == nil, catalog.derived(name) == nil else {
            throw node.fail("is in another file too")
        }
        nodes[node.path] = node
        if let (derived, sources) = try DerivedReader.read(name, node) {
            catalog.derived.append(derived)
            for source in sources {
                guard catalog.meter(source.name) == nil else {
                    throw node.fail("needs a meter of the name '\(source.name)', which there is")
                }
                catalog.meters.append(source)
                nodes["meters.\(source.name)"] = node
            }
        } else {
            catalog.meters.append(try MeterReader.read(name, node))
        }
    }

    /// Derived meters name others, which may be in later files.
    func checkDerived() throws(CatalogError) {
        for derived in catalog.derived {
            guard let node = nodes["meters.\(derived.name)"] else { continue }
            try DerivedReader.check(derived, node, catalog)
        }
    }

    private mutating func add(envelope node: NodeReader) throws(CatalogError) {
        let read = try EnvelopeReader.read(node)
        if let envelope, envelope != read {
            throw node.fail("differs from another file's envelope")
        }
        envelope = read
        nodes["envelope"] = node
        catalog.envelope = read.envelope
        catalog.notBefore = read.notBefore
    }

    private mutating func add(records node: NodeReader) throws(CatalogError) {
        var format: RecordFormat?
        for (_, value) in try node.members(["format"]) {
            format = try value.word(RecordFormat.self, RecordFormat.allCases)
        }
        guard let format else { throw node.fail("must be {format: FORMAT}") }
        if let records, records != format { throw node.fail("differs from another file's records") }
        records = format
        catalog.records = format
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
