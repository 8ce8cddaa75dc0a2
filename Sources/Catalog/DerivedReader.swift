internal import Metering

/// Reads meters that are answered from the cells of other meters.
enum DerivedReader {
    /// The kinds of them, which are words in a catalog but no `MeterKind`.
    private enum Kind: String, CaseIterable {
        case ratio, unique
    }

    static let words = Kind.allCases.map(\.rawValue)

    /// What the names of the meters that a `unique` is made of end with.
    private static let (valuesEnd, estimateEnd) = ("_values", "_estimate")
    /// How many values a `unique` tells apart in one window where it names no number.
    private static let standardExact: Int64 = 1_000

    /// The meter, and those with cells that it brings along; nil where the node is one that has
    /// cells itself.
    static func read(
        _ name: String, _ node: NodeReader
    ) throws(CatalogError) -> (meter: DerivedMeter, sources: [MeterDeclaration])? {
        guard
            let word = try node.members(nil).first(where: { $0.key == "kind" })?.value,
            let kind = Kind(rawValue: try word.text())
        else { return nil }
        guard MeterReader.isName(name) else { throw node.fail(MeterReader.nameRule) }
        switch kind {
        case .ratio: return (try ratio(name, node), [])
        case .unique: return try unique(name, node)
        }
    }

    private static func ratio(
        _ name: String, _ node: NodeReader
    ) throws(CatalogError) -> DerivedMeter {
        var (of, to) = ("", "")
        for (key, value) in try node.members(["kind", "of", "to"]) {
            switch key {
            case "of": of = try value.text()
            case "to": to = try value.text()
            default: break
            }
        }
        guard !of.isEmpty, !to.isEmpty else {
            throw node.fail("must be {kind: ratio, of: METER, to: METER}")
        }
        return DerivedMeter(name: name, .ratio(of: of, to: to))
    }

    /// A table of the values, which counts them up to a bound, and a distinct meter beyond it.
    private static func unique(
        _ name: String, _ node: NodeReader
    ) throws(CatalogError) -> (meter: DerivedMeter, sources: [MeterDeclaration]) {
        var estimate = MeterDeclaration(
            name: name + estimateEnd, kind: .distinct, windows: [], clauses: [])
        var exact = standardExact
        var perLimit = Most.standard(.count).per
        let members = try node.members([
            "kind", "of", "exact", "windows", "on", "per", "retention", "most", "across",
        ])
        for (key, value) in members {
            switch key {
            case "exact":
                exact = try value.integer()
                guard (1...100_000).contains(exact) else {
                    throw value.fail("must be a number from 1 to 100000")
                }
            case "most":
                for (_, limit) in try value.members(["per"]) {
                    perLimit = try MeterReader.limit(limit)
                }
            default: try MeterReader.read(key, value, into: &estimate)
            }
        }
        guard let of = estimate.of else { throw node.fail("a unique needs 'of', a field") }
        if perLimit != estimate.limits.per {
            estimate.most = Most(by: estimate.limits.by, per: perLimit)
        }
        var values = MeterDeclaration(
            name: name + valuesEnd, kind: .count, scopes: estimate.scopes, by: [of],
            windows: estimate.windows, retention: estimate.retention,
            most: Most(by: Int(exact), per: perLimit), isAcross: estimate.isAcross,
            clauses: estimate.clauses)
        // Both must be there for the same time.
        for window in values.windows where window != .all {
            values.retention[window] = estimate.retention(of: window)
        }
        return (
            DerivedMeter(name: name, .unique(values: values.name, estimate: estimate.name)),
            [values, estimate]
        )
    }

    // MARK: Checks

    /// Makes sure that there are the meters that it names, and that some question fits both.
    static func check(
        _ derived: DerivedMeter, _ node: NodeReader, _ catalog: MeterCatalog
    ) throws(CatalogError) {
        let members = try node.members(nil)
        func fail(_ key: String, _ message: String) -> CatalogError {
            (members.first { $0.key == key }?.value ?? node).fail(message)
        }
        if case .unique(let values, _) = derived.form {
            guard let reason = refusal(ofValues: values, catalog) else { return }
            throw fail("of", reason)
        }
        var sources: [MeterDeclaration] = []
        for (key, name) in zip(["of", "to"], derived.form.sources) {
            if catalog.derived(name) != nil {
                throw fail(key, "'\(name)' has no cells: it is made of other meters itself")
            }
            guard let meter = catalog.meter(name) else {
                throw fail(key, "there is no meter '\(name)'")
            }
            guard [.count, .sum, .ranking].contains(meter.kind) else {
                throw fail(
                    key,
                    "'\(name)' is a \(meter.kind.rawValue): a ratio is of counts, sums and "
                        + "rankings")
            }
            sources.append(meter)
        }
        let (of, to) = (sources[0], sources[1])
        guard of.windows.contains(where: { to.windows.contains($0) }) else {
            throw node.fail("'\(of.name)' and '\(to.name)' have no window in common")
        }
        guard of.scopes.contains(where: { to.scopes.contains($0) }) else {
            throw node.fail("'\(of.name)' and '\(to.name)' have no scope ('per') in common")
        }
    }

    /// Why a field cannot be what a `unique` counts: a table would count an absent number as
    /// `unknown`, a distinct meter not at all.
    private static func refusal(ofValues name: String, _ catalog: MeterCatalog) -> String? {
        guard let values = catalog.meter(name), let of = values.by.first else { return nil }
        for clause in values.clauses {
            guard let field = catalog.event(clause.event)?.field(of) else { continue }
            let isAlwaysThere = field.isRequired && !field.isForgiving
            if field.kind != .text, field.defaultInteger == nil, !isAlwaysThere {
                return "'\(of)' of \(clause.event) may be absent: give the field a default, or "
                    + "make it required"
            }
        }
        return nil
    }
}
