import Catalog
import Foundation
import Metering
import TestSupport
import Verify
import Workload

/// Catalogs that tests use.
enum Catalogs {
    /// The catalog that the product is shipped with.
    static func shipped() throws -> MeterCatalog {
        try CatalogReader.read(files: Checkout.shippedMeters())
    }

    /// The catalog of a text.
    static func read(
        _ text: String, name: String = "test.yaml"
    ) throws(CatalogError)
        -> MeterCatalog
    {
        try CatalogReader.read(files: [(name: name, text: Array(text.utf8))])
    }

    /// One that uses everything that the grammar has, under one of several envelopes.
    static func everything(envelope: String) throws -> MeterCatalog {
        try read("version: 1\n\(envelope)\n\(everythingDeclared)")
    }

    /// One with all places where values may be.
    static func places(envelope: String) throws -> MeterCatalog {
        // 'each' does not go into a text.
        let isText = envelope.contains("inside")
        let declared =
            isText ? placesDeclared.replacing("/data/tags", with: "/tags") : placesDeclared
        return try read("version: 1\n\(envelope)\n\(declared)")
    }

    /// One whose records have several events.
    static func lists(_ number: Int) throws -> MeterCatalog {
        let outer =
            number == 4
            ? listsDeclared.replacing(
                "{at: /kind,", with: "{at: [/kind, {in: /scope/metrics, at: /kind}],")
            : listsDeclared
        return try read("version: 1\n\(lists[number])\n\(outer)")
    }

    /// One with all ways to write times.
    static func times(envelope: String) throws -> MeterCatalog {
        try read("version: 1\n\(envelope)\n\(timesDeclared)")
    }

    /// One with all that values may be.
    static func values(envelope: String) throws -> MeterCatalog {
        try read("version: 1\n\(envelope)\n\(valuesDeclared)")
    }

    /// The same catalog with each meter in a family, where one takes it.
    static func inFamilies(_ catalog: MeterCatalog) throws -> MeterCatalog {
        var catalog = catalog
        for index in catalog.meters.indices {
            for number in 1...9 {
                catalog.meters[index].family = number < 9 ? "family_\(number)" : nil
                let program = try? Program(
                    catalog: catalog, shardCount: 1, dedupeKey: (0, 0), futureBoundMilliseconds: 0)
                if program != nil { break }
            }
        }
        return catalog
    }

    /// The catalog with every meter also counted over all organizations that can be: an event may
    /// change so many cells only.
    static func across(_ catalog: MeterCatalog) throws -> MeterCatalog {
        var catalog = catalog
        for index in catalog.meters.indices {
            catalog.meters[index].isAcross = true
            let program = try? Program(
                catalog: catalog, shardCount: 1, dedupeKey: (0, 0), futureBoundMilliseconds: 0)
            if program == nil { catalog.meters[index].isAcross = false }
        }
        return catalog
    }
}

extension OracleCatalog {
    /// The same declarations as the oracle understands them.
    init(_ catalog: MeterCatalog) {
        self.init()
        records = .init(rawValue: catalog.records.rawValue) ?? .json
        let declared = catalog.envelope
        if !declared.requiresSpecVersion {
            envelope = OracleEnvelope(
                id: Self.place(declared.id), source: Self.place(declared.source),
                type: Self.place(declared.type), subject: Self.place(declared.subject),
                time: .first(declared.time.map(Self.place), any: false),
                timeRule: Self.rule(declared.timeRule))
        }
        earliestSeconds = Int64(catalog.notBefore.day) * 86_400
        inside = declared.inside.map(Self.pointer)
        ignoresTombstones = declared.ignoresTombstones
        each = declared.each.map { each in
            switch each {
            case .lines: .lines
            case .arrays(let arrays): .arrays(arrays.map(Self.pointer))
            }
        }
        events = catalog.events.map { event in
            OracleEvent(event.name, type: event.type, fields: event.fields.map(Self.field))
        }
        meters = catalog.meters.map(Self.meter)
        setScales()
    }

    private static func pointer(_ pointer: JSONPointer) -> String {
        pointer.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    }

    private static func rule(_ rule: TimeRule) -> OracleTimeRule {
        OracleTimeRule(
            formats: rule.formats.compactMap { OracleTimeRule.Format($0.text) },
            zone: try? rule.zone.map { try ZoneFiles.zone($0.name) })
    }

    private static func place(_ source: Envelope.Source) -> OraclePlace {
        switch source {
        case .constant(let text): .constant(text)
        case .pointer(let tokens): .pointer(pointer(tokens))
        case .places(let places, let takesAny): .first(places.map(self.place), any: takesAny)
        }
    }

    private static func place(_ place: Place) -> OraclePlace {
        switch place {
        case .pointer(let tokens): .pointer(pointer(tokens))
        case .entry(let entry):
            .entry(
                list: pointer(entry.list), key: pointer(entry.key), value: pointer(entry.value),
                name: entry.name)
        case .header(let name): .header(name)
        case .key: .key
        case .record: .record
        case .outer(let list, let inner): .outer(list.map(pointer), self.place(inner))
        case .keyMember(let tokens): .keyMember(pointer(tokens))
        case .constant(let text): .constant(text)
        }
    }

    private static func field(_ field: FieldDeclaration) -> OracleField {
        let standIn = field.defaultInteger.map { number in
            field.kind == .boolean
                ? "\(number == 1)" : ScaledNumber.text(number, scale: field.scale)
        }
        var made = OracleField(
            field.name, at: "",
            is: .init(rawValue: field.kind.rawValue) ?? .text, required: field.isRequired,
            standIn: field.defaultText ?? standIn,
            most: field.maximum,
            values: field.values, each: field.isFanOut)
        made.places = field.places.map(place)
        made.isForgiving = field.isForgiving
        made.time = rule(field.time)
        made.from = .init(rawValue: field.from.rawValue) ?? .itself
        made.scale = field.scale
        made.isRounded = field.isRounded
        return made
    }

    private static func meter(_ meter: MeterDeclaration) -> OracleMeter {
        var made = OracleMeter(
            meter.name, .init(rawValue: meter.kind.rawValue) ?? .count,
            windows: meter.windows.compactMap { .init(rawValue: $0.name) },
            on: meter.clauses.map(clause))
        made.scopes = meter.scopes
        made.by = meter.by
        made.keep = meter.keep.flatMap { .init(rawValue: $0.rawValue) }
        made.value = meter.value
        made.of = meter.of
        made.isSigned = meter.isSigned
        made.family = meter.family
        made.isAcross = meter.isAcross
        made.mostMembers = meter.limits.by
        made.mostScopes = meter.limits.per
        for (window, retention) in meter.retention {
            guard let window = OracleWindow(rawValue: window.name) else { continue }
            switch retention {
            case .forever: made.retention[window] = .forever
            case .seconds(let seconds): made.retention[window] = .seconds(seconds)
            }
        }
        return made
    }

    private static func clause(_ clause: Clause) -> OracleClause {
        let amount: OracleClause.Amount =
            switch clause.amount {
            case .constant(let number): .constant(number)
            case .field(let name, let isNegated): .field(name, isNegated: isNegated)
            }
        var made = OracleClause(
            clause.event, amount: amount, time: clause.time, with: clause.bindings,
            needs: clause.needs)
        for condition in clause.conditions {
            if let comparison = condition.comparison {
                made.bounds.append(
                    (condition.field, comparison.side.rawValue, comparison.bound))
            } else {
                made.when.append((condition.field, condition.values, condition.isNot))
            }
        }
        return made
    }
}
