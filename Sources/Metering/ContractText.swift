/// The canonical text of what decides about numbers; two catalogs with the same entries count alike.
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
            entries.append((name: "meter:\(meter.name)", digest: digest(text(of: meter))))
        }
        return entries.sorted { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
    }

    private static func envelopeText(of catalog: MeterCatalog) -> String {
        // A ledger of an earlier build has no such word, and the default must not change its text.
        catalog.notBefore == .standard
            ? "\(catalog.envelope)"
            : "\(catalog.envelope) not_before=\(catalog.notBefore.day)"
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
            "\(field.pointer)", field.kind.rawValue, "\(field.isRequired)", "\(field.isFanOut)",
            field.defaultText.map(escaped) ?? "-", field.defaultInteger.map(String.init) ?? "-",
            "\(field.values)", "\(isUnsigned)", "\(isClauseTime)",
        ]
        // A ledger of an earlier build has no such word, and the default must not change its text.
        if let maximum = field.maximum, maximum != field.defaultMaximum(isAmount: isAmount) {
            parts.append("max=\(maximum)")
        }
        return parts.joined(separator: "|")
    }

    /// A default of hyphens only gets one more, because `-` says that there is none.
    private static func escaped(_ text: String) -> String {
        text.utf8.allSatisfy { $0 == UInt8(ascii: "-") } && !text.isEmpty ? text + "-" : text
    }

    private static func text(of meter: MeterDeclaration) -> String {
        var lines = [
            meter.kind.rawValue, meter.keep?.rawValue ?? "-", "\(meter.scopes)", "\(meter.by)",
            "\(meter.windows.map(\.name).sorted())", meter.value ?? "-", meter.of ?? "-",
            "\(meter.isSigned)",
        ]
        // Standard limits are no part of it: ledgers of builds that knew no limits stay as they are.
        if meter.limits != .standard(meter.kind) {
            lines.append("most \(limit(meter.limits.by)) \(limit(meter.limits.per))")
        }
        lines += meter.windows.map { "\($0.name)=\(meter.retention(of: $0))" }.sorted()
        lines += meter.clauses.map { clause in
            let bindings = clause.bindings.sorted { $0.key < $1.key }.map {
                "\($0.key)=\($0.value)"
            }
            return
                "\(clause.event)|\(clause.amount)|\(clause.time ?? "-")|\(bindings)|\(clause.needs)"
        }.sorted()
        return lines.joined(separator: "\n")
    }

    private static func limit(_ most: Int?) -> String { most.map(String.init) ?? "none" }

    /// 32 hexadecimal digits of SipHash-128 with the key 0: equality matters here, not secrecy.
    private static func digest(_ text: String) -> String {
        let words = Array(text.utf8).withUnsafeBytes { SipHash128(key: (0, 0)).hash($0) }
        return [words.0, words.1].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
