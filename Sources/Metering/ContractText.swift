/// The canonical text of all that decides what a catalog counts.
///
/// Two catalogs with the same entries count the same. **Frozen:** the digests of these texts are
/// stored in every ledger, and a ledger whose digests differ is refused. So every character is
/// written here by hand, and nothing depends on how Swift prints a value. Words that look like
/// Swift (`Metering.Envelope.Source.pointer`) come from the first builds, which printed values;
/// they stay when a type is renamed. A new property may only add text where its value is not the
/// default, as `not_before`, `max`, `most`, `family`, `scale`, `from` and others do.
enum ContractText {
    /// Names and digests: `meter:NAME` and `event:NAME/FIELD`, sorted by name.
    static func entries(of catalog: MeterCatalog) -> [(name: String, digest: String)] {
        var entries: [(name: String, digest: String)] = []
        entries.append((name: "envelope", digest: digest(envelopeText(of: catalog))))
        for event in catalog.events {
            entries.append((name: "event:\(event.name)", digest: digest(event.type)))
            for field in event.fields {
                entries.append(
                    (
                        name: "event:\(event.name)/\(field.name)",
                        digest: digest(text(of: field, event: event, catalog: catalog))
                    ))
            }
        }
        for meter in catalog.meters {
            let text = text(of: meter, catalog)
            entries.append((name: "meter:\(meter.name)", digest: digest(text)))
        }
        return entries.sorted { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
    }

    private static func envelopeText(of catalog: MeterCatalog) -> String {
        let envelope = catalog.envelope
        let parts = [
            "id: \(source(envelope.id))", "source: \(source(envelope.source))",
            "type: \(source(envelope.type))", "subject: \(source(envelope.subject))",
            "time: \(list(envelope.time))", "timeFormat: \(formats(envelope.timeRule))",
            "requiresSpecVersion: \(flag(envelope.requiresSpecVersion))",
        ]
        var text = "Envelope(\(parts.joined(separator: ", ")))"
        // A ledger of an earlier build has no such words, and defaults must not change its text.
        if catalog.notBefore != .standard { text += " not_before=\(catalog.notBefore.day)" }
        if let zone = envelope.timeRule.zone { text += " zone=\(zone.name)" }
        if envelope.ignoresTombstones { text += " tombstones=ignore" }
        if catalog.records != .json { text += " records=\(catalog.records.rawValue)" }
        if let inside = envelope.inside { text += " inside=\(list(inside))" }
        switch envelope.each {
        case nil: break
        case .lines: text += " each=lines"
        case .arrays(let arrays):
            text += " each=[\(arrays.map { list($0) }.joined(separator: ", "))]"
        }
        return text
    }

    private static func source(_ source: Envelope.Source) -> String {
        switch source {
        case .pointer(let pointer): "Metering.Envelope.Source.pointer(\(list(pointer)))"
        case .constant(let text): "Metering.Envelope.Source.constant(\(quoted(text)))"
        case .places(let places, let takesAny):
            "places(\(list(places))\(takesAny ? ", any" : ""))"
        }
    }

    /// One pointer is written as builds have written it that knew no other places.
    private static func list(_ places: [Place]) -> String {
        places.map { place in
            switch place {
            case .pointer(let pointer): list(pointer)
            case .entry(let entry):
                "entry(\(list(entry.list)), \(list(entry.key)), \(list(entry.value)), "
                    + "\(quoted(entry.name)))"
            case .header(let name): "header(\(quoted(name)))"
            case .key: "key"
            case .record: "record"
            case .keyMember(let pointer): "key(\(list(pointer)))"
            case .outer(let outer, let place):
                "in(\(outer.map { list($0) } ?? "record"), \(list([place])))"
            case .constant(let text): "constant(\(quoted(text)))"
            }
        }.joined(separator: " or ")
    }

    /// The three formats that the first builds knew have their words.
    private static func formats(_ rule: TimeRule) -> String {
        switch rule.formats {
        case [.rfc3339]: "Metering.Envelope.TimeFormat.rfc3339"
        case [.unix(.seconds)]: "Metering.Envelope.TimeFormat.unix"
        case [.unix(.milliseconds)]: "Metering.Envelope.TimeFormat.unixMilliseconds"
        default: list(rule.formats.map(\.text))
        }
    }

    private static func text(
        of field: FieldDeclaration, event: EventDeclaration, catalog: MeterCatalog
    ) -> String {
        let clauses = catalog.meters.flatMap { meter in
            meter.clauses.filter { $0.event == event.name }.map { (meter, $0) }
        }
        let isUnsigned = clauses.contains { meter, clause in
            if case .field(field.name, _) = clause.amount { !meter.isSigned } else { false }
        }
        let isClauseTime =
            field.kind == .time
            && clauses.contains { $0.1.time == field.name || $0.0.value == field.name }
        let isAmount = clauses.contains { _, clause in
            if case .field(field.name, _) = clause.amount { true } else { false }
        }
        var parts = [
            list(field.places), field.kind.rawValue, flag(field.isRequired),
            flag(field.isFanOut), field.defaultText.map(escaped) ?? "-",
            field.defaultInteger.map(number) ?? "-", list(field.values), flag(isUnsigned),
            flag(isClauseTime),
        ]
        // A ledger of an earlier build has no such word, and the default must not change its text.
        if let maximum = field.maximum, maximum != field.defaultMaximum(isAmount: isAmount) {
            parts.append("max=\(number(maximum))")
        }
        if field.kind == .decimal { parts.append("scale=\(number(Int64(field.scale)))") }
        if field.isRounded { parts.append("round=half_even") }
        if field.time.formats != [.rfc3339] { parts.append("format=\(formats(field.time))") }
        if let zone = field.time.zone { parts.append("zone=\(zone.name)") }
        if field.isForgiving { parts.append("otherwise=unknown") }
        if field.from != .itself { parts.append("from=\(field.from.rawValue)") }
        return parts.joined(separator: "|")
    }

    /// A default that consists of hyphens gets one more, because `-` means that there is no
    /// default.
    private static func escaped(_ text: String) -> String {
        text.utf8.allSatisfy { $0 == UInt8(ascii: "-") } && !text.isEmpty ? text + "-" : text
    }

    private static func text(of meter: MeterDeclaration, _ catalog: MeterCatalog) -> String {
        let scale = catalog.scale(of: meter)
        var lines = [
            meter.kind.rawValue, meter.keep?.rawValue ?? "-",
            "[\(meter.scopes.map(list).joined(separator: ", "))]", list(meter.by),
            list(meter.windows.map(\.name).sorted()), meter.value ?? "-", meter.of ?? "-",
            flag(meter.isSigned),
        ]
        // Standard limits are left out, so that ledgers of builds without limits stay valid.
        if meter.limits != .standard(meter.kind) {
            lines.append("most \(limit(meter.limits.by)) \(limit(meter.limits.per))")
        }
        // Where cells are kept is part of what all writers must agree on.
        if let family = meter.family { lines.append("family \(family)") }
        if meter.isAcross { lines.append("across") }
        if scale > 0 { lines.append("scale \(number(Int64(scale)))") }
        lines += meter.windows.map { "\($0.name)=\(retention(meter.retention(of: $0)))" }.sorted()
        lines += meter.clauses.map { clause in
            let bindings = clause.bindings.sorted { $0.key < $1.key }.map {
                "\($0.key)=\($0.value)"
            }
            let conditions = clause.conditions.map { condition in
                "|when=\(escaped(condition.field))\(condition.isNot ? " not" : "") "
                    + (condition.comparison.map { comparison in
                        let field = catalog.event(clause.event)?.field(condition.field)
                        // Ways to write one number are one condition.
                        let bound = field.flatMap { comparison.number(for: $0) }
                        return "\(comparison.side.rawValue) \(bound.map(number) ?? "-")"
                    } ?? list(condition.values))
            }
            return [
                clause.event, amount(clause.amount), clause.time ?? "-", list(bindings),
                list(clause.needs),
            ].joined(separator: "|") + conditions.joined()
        }.sorted()
        return lines.joined(separator: "\n")
    }

    private static func retention(_ retention: MeterDeclaration.Retention) -> String {
        switch retention {
        case .forever: "forever"
        case .seconds(let seconds): "seconds(\(number(seconds)))"
        }
    }

    private static func amount(_ amount: Clause.Amount) -> String {
        switch amount {
        case .constant(let value): "constant(\(number(value)))"
        case .field(let name, let isNegated):
            "field(\(quoted(name)), negated: \(flag(isNegated)))"
        }
    }

    private static func limit(_ most: Int?) -> String { most.map { number(Int64($0)) } ?? "none" }

    private static func number(_ value: Int64) -> String { String(value, radix: 10) }

    private static func flag(_ value: Bool) -> String { value ? "true" : "false" }

    private static func list(_ texts: [String]) -> String {
        "[\(texts.map(quoted).joined(separator: ", "))]"
    }

    /// The text between quotation marks, with the escapes that ledgers of earlier builds have.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "\"", "'": quoted += "\\\(scalar)"
            case "\0": quoted += #"\0"#
            case "\n": quoted += #"\n"#
            case "\r": quoted += #"\r"#
            case "\t": quoted += #"\t"#
            case "\u{01}"..."\u{1F}", "\u{7F}":
                let digits = String(scalar.value, radix: 16, uppercase: true)
                quoted += "\\u{\(digits.utf8.count == 1 ? "0" : "")\(digits)}"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// 32 hexadecimal digits of SipHash-128 with the key 0: equality matters here, not secrecy.
    private static func digest(_ text: String) -> String {
        let words = Array(text.utf8).withUnsafeBytes { SipHash128(key: (0, 0)).hash($0) }
        return [words.0, words.1].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
