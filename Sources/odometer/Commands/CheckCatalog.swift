import Metering
import Printing
import Registry
import Zones

/// What `check` says about a catalog.
extension Commands {
    static func printMeters(_ catalog: MeterCatalog) {
        var rows = [["METER", "KIND", "WINDOWS", "PER", "BY", "EVENTS"]]
        for meter in catalog.meters {
            let scopes = meter.scopes.map {
                $0.isEmpty ? "organization" : $0.joined(separator: "+")
            }
            var kind = meter.kind.rawValue
            if let keep = meter.keep { kind += " \(keep.rawValue)" }
            var events: [String] = []
            for clause in meter.clauses where !events.contains(clause.event) {
                events.append(clause.event)
            }
            rows.append([
                meter.name, kind, meter.windows.map(\.name).joined(separator: " "),
                scopes.joined(separator: " "), meter.by.joined(separator: " "),
                events.joined(separator: " "),
            ])
        }
        Output.table(rows)
        guard !catalog.derived.isEmpty else { return }
        Output.line("\nMeters that are answered from others and store nothing themselves:\n")
        Output.table(
            [["METER", "KIND", "FROM"]]
                + catalog.derived.map { meter in
                    [meter.name, meter.form.word, meter.form.sources.joined(separator: ", ")]
                })
    }

    /// Where a record has its events, and what an id that is the record means.
    static func printEvents(_ catalog: MeterCatalog) throws(CommandFailure) {
        let hasList = catalog.envelope.each != nil
        switch catalog.envelope.each {
        case nil: break
        case .lines: Output.line("\nA record has an event in each line.")
        case .arrays(let lists):
            let names = lists.map { $0.isEmpty ? "its value" : Place.pointer($0).description }
            Output.line(
                "\nA record has its events in \(names.joined(separator: ", in each entry in ")).")
        }
        if hasList {
            Output.line(
                "At most \(EventLimits.events) of them; all of a record's events count or none does."
            )
        }
        try printFullRecord(catalog)
        guard catalog.hasRecordID else { return }
        Output.line(
            "\nThe id of an event is its record\(hasList ? " and its number in it" : "") where it has "
                + "no other one: no such event is a duplicate.\nRecords that are read again count "
                + "once, but what a producer sends again counts again.")
    }

    /// How long Redis' script takes for a record that is full of events.
    private static func printFullRecord(_ catalog: MeterCatalog) throws(CommandFailure) {
        // Batches of CloudEvents need no word in the catalog.
        guard catalog.envelope.each != nil || catalog.envelope.requiresSpecVersion else { return }
        let milliseconds: Int64
        do throws(ProgramError) {
            let program = try Program(
                catalog: catalog, shardCount: 1, dedupeKey: (0, 0), futureBoundMilliseconds: 0)
            milliseconds = program.fullRecordNanoseconds / 1_000_000
        } catch {
            throw .usage(error.message)
        }
        let seconds = ScaledNumber.text((milliseconds + 99) / 100, scale: 1)
        Output.line(
            "\nA record of \(EventLimits.events) events of one organization that share no cell is one "
                + "script of Redis, of about \(seconds) s at most.")
    }

    /// What the numbers of each decimal may be: of one event, of a ranking and of a cell.
    static func printDecimals(_ catalog: MeterCatalog) {
        var rows = [["DECIMAL", "SCALE", "MORE DECIMALS", "ONE EVENT", "A SCORE", "A CELL"]]
        for event in catalog.events {
            for field in event.fields where field.kind == .decimal {
                let largest = FieldDeclaration.largestInteger
                rows.append(
                    ["\(event.name)/\(field.name)", "\(field.scale)"]
                        + [field.isRounded ? "rounded half to even" : "bad_field"]
                        + [field.maximum ?? largest, largest, Int64.max].map {
                            ScaledNumber.text($0, scale: field.scale)
                        })
            }
        }
        if rows.count == 1 { return }
        Output.line("\nDecimals, and the greatest number of each:\n")
        Output.table(rows)
    }

    /// What meters over all organizations cost: how many cells an event changes for them.
    static func printAcross(_ catalog: MeterCatalog) {
        var rows = [["OVER ALL ORGANIZATIONS", "CELLS OF ITS OWN", "FOR ALL", "FOR THE LIST"]]
        for meter in catalog.meters where meter.isAcross {
            let own = meter.scopes.count * meter.windows.count
            let lists = Across.listRetention(of: meter).count
            rows.append([meter.name, "\(own)", "\(own)", "\(lists)"])
        }
        if rows.count == 1 { return }
        Output.line(
            "\nCells that a clause changes; of a list each entry those of its own and for all:\n")
        Output.table(rows)
    }

    /// What the clocks of each zone of a catalog do: now, and at their next change.
    static func printZones(_ catalog: MeterCatalog) {
        var rows = [["ZONE", "NOW", "NEXT CHANGE", "THEN", "LOCAL TIMES THERE"]]
        let now = ValueText.now() / 1_000
        for name in catalog.zoneNames {
            guard let zone = try? ZoneDatabase.system.zone(named: name) else { continue }
            let span = zone.span(at: now)
            guard span.end < .max else {
                rows.append([name, offset(span.offset), "none", "", "each comes once"])
                continue
            }
            let next = zone.span(at: span.end).offset
            let minutes = abs(next - span.offset) / 60
            rows.append([
                name, offset(span.offset), ValueText.time(span.end * 1_000), offset(next),
                next < span.offset
                    ? "\(minutes) minutes come twice: the first is taken"
                    : "\(minutes) minutes are left out: moved on by these",
            ])
        }
        if rows.count == 1 { return }
        Output.line("\nZones of times that are written without one:\n")
        Output.table(rows)
    }

    private static func offset(_ seconds: Int64) -> String {
        let minutes = abs(seconds) / 60
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(seconds < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
    }

    /// What records are written in, and what the schemas of a directory have of it.
    static func printRecords(
        _ catalog: MeterCatalog, _ settings: Settings
    ) throws(CommandFailure) {
        guard catalog.records.isFramed else { return }
        let meaning =
            switch catalog.records {
            case .json: ""
            case .avro: "Avro: 0 and a schema's id before each, or its GUID in the header"
            case .protobuf:
                "Protobuf: 0, a schema's id and the message's indexes before each, or its GUID "
                    + "and these in the header"
            case .jsonSchema: "JSON: 0 and a schema's id before each, or its GUID in the header"
            }
        Output.line("\nRecords are \(meaning) \(FrameHeader.name)")
        guard catalog.records.needsSchemas, let place = settings.text(Options.schemas) else {
            return
        }
        Output.line("Schemas are in \(place)")
        do {
            guard let files = try SchemaKeeper.files(place) else { return }
            let program = try Program(
                catalog: catalog, shardCount: 1, dedupeKey: (0, 0), futureBoundMilliseconds: 0)
            var rows = [["SCHEMA", "FORMAT", "THE CATALOG ASKS FOR, AND IT HAS NOT"]]
            for file in files {
                guard let schema = file.schema else {
                    rows.append(["\(file.key)", "", "cannot be read: \(file.why)"])
                    continue
                }
                let found = program.missing(in: schema)
                let said =
                    found.pointers.map { $0.isEmpty ? "nothing" : $0.joined(separator: " ") }
                    ?? "cannot be used: \(found.why)"
                let message = schema.format == .protobuf ? " message \(found.message)" : ""
                rows.append(["\(file.key)", schema.format.rawValue + message, said])
            }
            if rows.count > 1 { Output.table(rows) }
        } catch let error as SchemaPlaceError {
            throw .usage("--schemas: \(error.message)")
        } catch {
            throw .usage("\(error)")
        }
    }

    /// A format of the gallery as a catalog file; all but the catalog is comments.
    static func printExample(_ name: String) {
        guard let format = ForeignFormats.all.first(where: { $0.name == name }) else { return }
        Output.line(format.catalog)
        Output.line("# Records of such a topic:")
        for line in format.sample.split(separator: "\n") { Output.line("# \(line)") }
        Output.line(
            "#\n# What these count: records by outcome, and of each organization its keys in Redis:"
        )
        for line in format.cells.split(separator: "\n") { Output.line("# \(line)") }
    }
}
