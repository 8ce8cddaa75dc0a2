internal import Metering

/// Reads one meter of a catalog file.
enum MeterReader {
    private static let reserved: Set<String> = ["totals", "directory"]
    private static let keys = [
        "kind", "windows", "on", "per", "by", "keep", "value", "of", "retention", "signed",
        "most", "family", "across",
    ]

    static let nameRule =
        "a name is a letter a-z, then a-z, digits and _; not totals, directory"

    static func isName(_ name: String) -> Bool {
        NodeReader.isName(name, upperCase: false, extra: "_") && !reserved.contains(name)
    }

    static func read(_ name: String, _ node: NodeReader) throws(CatalogError) -> MeterDeclaration {
        guard isName(name) else { throw node.fail(nameRule) }
        let members = try node.members(keys)
        guard let kind = members.first(where: { $0.key == "kind" })?.value else {
            throw node.fail("'kind' is missing")
        }
        guard let word = MeterKind(rawValue: try kind.text()) else {
            let words = MeterKind.allCases.map(\.rawValue) + DerivedReader.words
            throw kind.fail("must be one of \(words.joined(separator: ", "))")
        }
        var meter = MeterDeclaration(name: name, kind: word, windows: [], clauses: [])
        for (key, value) in members { try read(key, value, into: &meter) }
        return meter
    }

    static func read(
        _ key: String, _ value: NodeReader, into meter: inout MeterDeclaration
    )
        throws(CatalogError)
    {
        switch key {
        case "windows":
            for item in try value.items() { meter.windows.append(try item.window()) }
        case "on":
            for item in try value.items() { meter.clauses += try clauses(item) }
        case "per": meter.scopes = try scopes(value)
        case "by": meter.by = try value.texts()
        case "keep":
            meter.keep = try value.word(MeterDeclaration.Keep.self, [.first, .last, .min, .max])
        case "value": meter.value = try value.text()
        case "of": meter.of = try value.text()
        case "signed": meter.isSigned = try value.bool()
        case "across": meter.isAcross = try value.bool()
        case "most": meter.most = try most(value, meter.kind)
        case "family": meter.family = try family(value)
        case "retention":
            for (name, length) in try value.members(Window.allCases.map(\.name)) {
                guard let window = Window(name: name), window != .all else {
                    throw length.fail("'all' is kept for ever")
                }
                meter.retention[window] = try length.retention()
            }
        default: break
        }
    }

    /// A family's name has the place of a meter's in the names of keys.
    private static func family(_ node: NodeReader) throws(CatalogError) -> String {
        let name = try node.text()
        guard isName(name) else { throw node.fail(nameRule) }
        return name
    }

    /// One limit for both `by` and `per`, or a mapping; a limit that is left out is the standard
    /// one.
    private static func most(
        _ node: NodeReader, _ kind: MeterKind
    ) throws(CatalogError) -> Most {
        if case .scalar = node.node {
            let both = try limit(node)
            return Most(by: both, per: both)
        }
        var most = Most.standard(kind)
        for (key, value) in try node.members(["by", "per"]) {
            if key == "by" { most.by = try limit(value) } else { most.per = try limit(value) }
        }
        return most
    }

    static func limit(_ node: NodeReader) throws(CatalogError) -> Int? {
        let text = try node.text()
        if text == "none" { return nil }
        guard let limit = Int(text), (1...Most.largest).contains(limit) else {
            throw node.fail("must be none or a number from 1 to \(Most.largest)")
        }
        return limit
    }

    private static func scopes(_ node: NodeReader) throws(CatalogError) -> [[String]] {
        var scopes: [[String]] = []
        for item in try node.items() {
            if item.isList {
                scopes.append(try item.texts())
            } else {
                let name = try item.text()
                scopes.append(name == "organization" ? [] : [name])
            }
        }
        return scopes
    }

    /// One entry of `on`: with a `sign` it is two clauses.
    private static func clauses(_ node: NodeReader) throws(CatalogError) -> [Clause] {
        let members = try node.members([
            "event", "amount", "time", "with", "needs", "when", "sign",
        ])
        guard let event = members.first(where: { $0.key == "event" })?.value else {
            throw node.fail("'event' is missing")
        }
        var clause = Clause(event: try event.text())
        for (key, value) in members {
            switch key {
            case "amount": clause.amount = try amount(value)
            case "time": clause.time = try value.text()
            case "needs": clause.needs = try value.texts()
            case "when":
                let items = value.isList ? try value.items() : [value]
                for item in items { clause.conditions += try ConditionReader.read(item) }
            case "with":
                for (dimension, field) in try value.members(nil) {
                    clause.bindings[dimension] = try field.text()
                }
            default: break
            }
        }
        guard let sign = members.first(where: { $0.key == "sign" })?.value else { return [clause] }
        return try ConditionReader.signed(clause, sign)
    }

    /// An integer, a field's name, or the name with a hyphen before it for its negative.
    private static func amount(_ node: NodeReader) throws(CatalogError) -> Clause.Amount {
        let text = try node.text()
        if let number = Int64(text) {
            guard number.magnitude <= FieldDeclaration.largestInteger.magnitude else {
                throw node.fail("beyond 2^53 - 1")
            }
            return .constant(number)
        }
        let isNegated = text.hasPrefix("-")
        return .field(isNegated ? String(text.dropFirst()) : text, negated: isNegated)
    }
}
