import Catalog
import Metering
import Verify
import Workload

/// Catalog files: an error names a line of the text; a valid catalog has the same digests after it
/// was written and read again, and the oracle can read it, too.
final class CatalogTarget: FuzzTarget {
    private static let file = "fuzz.yaml"

    func finding(for input: [UInt8]) -> String? {
        let catalog: MeterCatalog
        do throws(CatalogError) {
            catalog = try CatalogReader.check(files: [(name: Self.file, text: input)])
        } catch {
            return Self.isPlaced(error, in: input) ? nil : "no such place: \(error)"
        }
        let written = CatalogWriter.text(of: catalog)
        do {
            let again = try CatalogReader.check(files: [(name: "again.yaml", text: written)])
            let (before, after) = (try Self.digests(of: catalog), try Self.digests(of: again))
            if before != after { return "other digests after writing: \(shown(written))" }
            if catalog.derived != again.derived { return "other derived meters: \(shown(written))" }
            // The oracle does not check catalogs, but it must be able to read every valid one.
            let text = String(decoding: written, as: UTF8.self)
            _ = try Oracle(
                catalog: CatalogText.read([(name: Self.file, text: text)]),
                settings: OracleSettings(
                    prefix: "odo", generation: 1, shards: 1, dedupeWindow: 0,
                    futureBoundMilliseconds: 0))
        } catch {
            return "written as \(shown(written)): \(error)"
        }
        return nil
    }

    private static func digests(of catalog: MeterCatalog) throws -> [String] {
        let program = try Program(
            catalog: catalog, shardCount: 1, dedupeKey: (0, 0), futureBoundMilliseconds: 0)
        return program.contractEntries.map { "\($0.name) \($0.digest)" }
    }

    /// Whether the error names a line of the text, or no line when the text is empty.
    private static func isPlaced(_ error: CatalogError, in text: [UInt8]) -> Bool {
        if error.line == 0 { return error.message == "empty" || error.file != file }
        // Each line end that libyaml knows has one of these bytes, in any encoding.
        let breaks = text.count { [0x0A, 0x0D, 0x85, 0x28, 0x29, 0xA8, 0xA9].contains($0) }
        return error.file == file && !error.message.isEmpty && (1...breaks + 1) ~= error.line
    }
}

/// Writes declarations as a catalog file: flow style, every text in quotes and escaped.
private enum CatalogWriter {
    static func text(of catalog: MeterCatalog) -> [UInt8] {
        var members = [("version", "1")]
        let envelope = Self.members(of: catalog.envelope, notBefore: catalog.notBefore)
        if !catalog.envelope.requiresSpecVersion || !envelope.isEmpty {
            members.append(("envelope", mapping(envelope)))
        }
        if catalog.records != .json {
            members.append(("records", mapping([("format", quoted(catalog.records.rawValue))])))
        }
        members.append(("events", mapping(catalog.events.map { ($0.name, text(of: $0)) })))
        members.append(
            (
                "meters",
                mapping(
                    plain(catalog).map { ($0.name, text(of: $0)) }
                        + catalog.derived.map { ($0.name, text(of: $0, catalog)) })
            ))
        return Array(mapping(members).utf8)
    }

    private static func members(
        of envelope: Envelope, notBefore: EarliestTime
    ) -> [(String, String)] {
        var members: [(String, String)] = []
        // An envelope that says where one attribute is does not require CloudEvents' `specversion`.
        if !envelope.requiresSpecVersion {
            let time = [("at", text(of: envelope.time))] + Self.members(of: envelope.timeRule)
            members = [
                ("id", source(envelope.id)), ("source", source(envelope.source)),
                ("type", source(envelope.type)), ("subject", source(envelope.subject)),
                ("time", mapping(time)),
            ]
        }
        if notBefore != .standard {
            let date = CivilDate(day: notBefore.day)
            let parts = [date.monthOfYear, date.dayOfMonth].map { $0 < 10 ? "-0\($0)" : "-\($0)" }
            members.append(("not_before", quoted("\(date.year)\(parts.joined())")))
        }
        if envelope.ignoresTombstones { members.append(("tombstones", "ignore")) }
        if let inside = envelope.inside {
            members.append(("data", mapping([("at", pointer(inside)), ("inside", "json")])))
        }
        switch envelope.each {
        case nil: break
        case .lines: members.append(("each", "lines"))
        case .arrays(let arrays):
            members.append(
                ("each", list(arrays.map { $0.isEmpty ? "array" : pointer($0) })))
        }
        return members
    }

    private static func source(_ source: Envelope.Source) -> String {
        switch source {
        case .pointer(let tokens): pointer(tokens)
        case .constant(let text): mapping([("const", quoted(text))])
        case .places(let places, let takesAny):
            mapping([("at", text(of: places))] + (takesAny ? [("from", "any")] : []))
        }
    }

    private static func members(of rule: TimeRule) -> [(String, String)] {
        [("format", list(rule.formats.map { quoted($0.text) }))]
            + (rule.zone.map { [("zone", $0.name)] } ?? [])
    }

    private static func text(of places: [Place]) -> String {
        let texts = places.map { place in
            switch place {
            case .pointer(let tokens): pointer(tokens)
            case .entry(let entry): mapping(members(of: entry))
            case .outer(let list, let inner):
                mapping(
                    [("in", list.map { $0.isEmpty ? "array" : pointer($0) } ?? "record")]
                        + members(of: inner))
            case .header(let name): mapping([("header", quoted(name))])
            case .key: mapping([("key", "true")])
            case .record: mapping([("record", "true")])
            case .keyMember(let tokens): mapping([("key", pointer(tokens))])
            case .constant(let text): mapping([("const", quoted(text))])
            }
        }
        return texts.count == 1 ? texts[0] : list(texts)
    }

    private static func members(of entry: Place.Entry) -> [(String, String)] {
        [
            ("list", pointer(entry.list)), ("key", pointer(entry.key)),
            ("value", pointer(entry.value)), ("name", quoted(entry.name)),
        ]
    }

    /// What is beside `in`.
    private static func members(of inner: Place) -> [(String, String)] {
        switch inner {
        case .entry(let entry): members(of: entry)
        default: [("at", text(of: [inner]))]
        }
    }

    private static func text(of event: EventDeclaration) -> String {
        let fields = event.fields.map { field in
            var members = [
                ("at", text(of: field.places)), ("is", quoted(field.kind.rawValue)),
                ("required", "\(field.isRequired)"), ("each", "\(field.isFanOut)"),
                ("values", list(field.values.map(quoted))),
            ]
            if let text = field.defaultText { members.append(("default", quoted(text))) }
            if let number = field.defaultInteger {
                let text =
                    field.kind == .boolean
                    ? "\(number == 1)" : ScaledNumber.text(number, scale: field.scale)
                members.append(("default", text))
            }
            if let number = field.maximum {
                members.append(("max", ScaledNumber.text(number, scale: field.scale)))
            }
            if field.kind == .decimal { members.append(("scale", "\(field.scale)")) }
            if field.kind == .time { members += Self.members(of: field.time) }
            if field.isForgiving { members.append(("otherwise", "unknown")) }
            if field.isRounded { members.append(("round", "half_even")) }
            if field.from != .itself { members.append(("from", field.from.rawValue)) }
            return (field.name, mapping(members))
        }
        return mapping([("type", quoted(event.type)), ("fields", mapping(fields))])
    }

    private static func text(of meter: MeterDeclaration) -> String {
        var members = [
            ("kind", quoted(meter.kind.rawValue)), ("signed", "\(meter.isSigned)"),
            ("windows", list(meter.windows.map { quoted($0.name) })),
            ("per", list(meter.scopes.map { list($0.map(quoted)) })),
            ("by", list(meter.by.map(quoted))), ("on", list(meter.clauses.map(text))),
            ("retention", retention(of: meter)),
        ]
        if let most = meter.most {
            let limits = [("by", most.by), ("per", most.per)]
            members.append(
                ("most", mapping(limits.map { ($0.0, $0.1.map(String.init) ?? "none") })))
        }
        if meter.isAcross { members.append(("across", "true")) }
        if let family = meter.family { members.append(("family", quoted(family))) }
        if let keep = meter.keep { members.append(("keep", quoted(keep.rawValue))) }
        if let value = meter.value { members.append(("value", quoted(value))) }
        if let field = meter.of { members.append(("of", quoted(field))) }
        return mapping(members)
    }

    /// The meters that no derived one brings along.
    private static func plain(_ catalog: MeterCatalog) -> [MeterDeclaration] {
        let brought: [String] = catalog.derived.flatMap { derived in
            if case .unique = derived.form { return derived.form.sources }
            return []
        }
        return catalog.meters.filter { !brought.contains($0.name) }
    }

    private static func text(of derived: DerivedMeter, _ catalog: MeterCatalog) -> String {
        switch derived.form {
        case .ratio(let of, let to):
            return mapping([("kind", "ratio"), ("of", quoted(of)), ("to", quoted(to))])
        case .unique(let name, _):
            guard let values = catalog.meter(name), let exact = values.limits.by else { return "" }
            return mapping([
                ("kind", "unique"), ("across", "\(values.isAcross)"),
                ("of", quoted(values.by.joined())),
                ("exact", "\(exact)"), ("windows", list(values.windows.map { quoted($0.name) })),
                ("per", list(values.scopes.map { list($0.map(quoted)) })),
                ("on", list(values.clauses.map(text))), ("retention", retention(of: values)),
                ("most", mapping([("per", values.limits.per.map { "\($0)" } ?? "none")])),
            ])
        }
    }

    private static func text(of clause: Clause) -> String {
        let amount =
            switch clause.amount {
            case .constant(let number): "\(number)"
            case .field(let name, let isNegated): (isNegated ? "-" : "") + name
            }
        var members = [
            ("event", quoted(clause.event)), ("amount", quoted(amount)),
            ("needs", list(clause.needs.map(quoted))),
            (
                "with",
                mapping(
                    clause.bindings.sorted { $0.key < $1.key }.map { ($0.key, quoted($0.value)) })
            ),
        ]
        let conditions = clause.conditions.map { condition in
            let rest =
                condition.comparison.map { ($0.side.rawValue, quoted($0.bound)) }
                ?? (condition.isNot ? "not_in" : "in", list(condition.values.map(quoted)))
            return mapping([("field", quoted(condition.field)), rest])
        }
        if !conditions.isEmpty { members.append(("when", list(conditions))) }
        if let time = clause.time { members.append(("time", quoted(time))) }
        return mapping(members)
    }

    private static func retention(of meter: MeterDeclaration) -> String {
        mapping(
            meter.retention.sorted { $0.key.rawValue < $1.key.rawValue }
                .map { ($0.key.name, length($0.value)) })
    }

    private static func length(_ retention: MeterDeclaration.Retention) -> String {
        guard case .seconds(let seconds) = retention else { return "forever" }
        for (unit, length) in [("m", Int64(60)), ("h", 3_600)] where seconds / length <= 1_000_000 {
            return "\(seconds / length)\(unit)"
        }
        return "\(seconds / 86_400)d"
    }

    private static func pointer(_ tokens: JSONPointer) -> String {
        quoted(
            tokens.map { token in
                "/" + token.replacing("~", with: "~0").replacing("/", with: "~1")
            }.joined())
    }

    private static func mapping(_ members: [(String, String)]) -> String {
        "{\(members.map { "\(quoted($0.0)): \($0.1)" }.joined(separator: ", "))}"
    }

    private static func list(_ items: [String]) -> String {
        "[\(items.joined(separator: ", "))]"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case " "..."~": quoted.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return quoted + "\""
    }
}
