import Catalog
import Foundation
import Metering
import TestSupport
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
        try read("version: 1\n\(envelope)\n\(declarations)")
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

    static let milliseconds = """
        envelope:
          id: /meta/id
          source: {const: "shop:1"}
          type: /what
          subject: "/a~1b"
          time: {at: /at, format: unix-ms}
        """
    static let seconds = """
        envelope: {type: {const: shop.sale}, time: {at: /data/at, format: unix}, id: /meta/id, not_before: 1971-02-03}
        """

    private static let declarations = """
        events:
          sale:
            type: shop.sale
            fields:
              amount: {at: /data/amount, is: integer}
              price: {at: /price, is: integer, default: -7}
              size: {at: /data/size, is: integer, required: true, max: 1000000}
              who: {at: /who/name}
              region: {at: /who/region, default: ""}
              kind: {at: /kind, values: [a, "b:c", "ä"], default: none}
              tags: {at: /tags, each: true}
              ads: {at: /tags/ads}
              marks: {at: /marks, each: true, values: [x, y], default: z, required: true}
              created: {at: /created, is: time}
              seen: {at: /data/seen, is: time}
          refund:
            fields:
              amount: {at: /data/refund/amount, is: integer, required: true}
              buyer: {at: /data/buyer, default: "nobody at all"}
              region: {at: "/data/~0~1/", required: true}
              created: {at: /created, is: time, required: true}
          ping:
          # Data that are a text, or a list: no object.
          note: {fields: {note: {at: /data}}}
          list: {fields: {entries: {at: /data, each: true}}}
          stale: {fields: {tags: {at: /data/tags, each: true}, day: {at: /day, is: time}}}
        meters:
          sales: {kind: count, windows: [minute, quarter, day, month, all], on: [{event: sale}, {event: refund, amount: -1}],
            retention: {minute: 1h, quarter: 2h, day: 1d, month: 40d}}
          spent: {kind: sum, signed: true, windows: [day, all], per: [organization, region, [region, who]], by: [kind],
            on: [{event: sale, amount: amount}, {event: refund, amount: -amount, with: {who: buyer, kind: buyer}}]}
          left: {kind: level, windows: [quarter, all], by: [who, region], on: [{event: sale, amount: size, time: created, needs: [who]},
            {event: refund, amount: -amount, time: created, with: {who: buyer}}]}
          cheapest: {kind: extreme, keep: min, value: price, windows: [minute, day], on: [{event: sale}], retention: {minute: 3h}}
          dearest: {kind: extreme, keep: max, value: price, windows: [month, all], by: [region], on: [{event: sale, needs: [amount]}]}
          first_buyer: {kind: extreme, keep: first, value: who, windows: [quarter, all], on: [{event: sale}], retention: {quarter: 1h}}
          last_price: {kind: extreme, keep: last, value: price, windows: [day, all], per: [organization, kind], on: [{event: sale, time: seen}]}
          newest: {kind: extreme, keep: max, value: time, windows: [all], on: [{event: sale}, {event: refund}, {event: ping}]}
          last_seen: {kind: extreme, keep: max, value: seen, windows: [all], on: [{event: sale}]}
          buyers: {kind: distinct, of: who, windows: [day, all], per: [organization, [kind, region]], on: [{event: sale}], retention: {day: 1d}}
          sizes: {kind: histogram, value: price, windows: [day, all], on: [{event: sale}]}
          top: {kind: ranking, by: [who, kind], windows: [day, month], on: [{event: sale, amount: size}], retention: {day: 2d}}
          hours: {kind: grid, on: [{event: sale, amount: 2}, {event: refund, amount: amount, time: created}]}
          labels: {kind: count, windows: [minute, day], by: [tags.key, tags.value, region], on: [{event: sale, needs: [amount]}]}
          marked: {kind: ranking, windows: [all], by: [marks.value], on: [{event: sale, amount: size}]}
          both: {kind: count, windows: [all], by: [marks.key], on: [{event: sale}]}
          last_note: {kind: extreme, keep: last, value: note, windows: [all], on: [{event: note, needs: [note]}]}
          listed: {kind: count, windows: [all], by: [entries.key, entries.value], on: [{event: list}]}
          stale_tags: {kind: count, windows: [minute, quarter], by: [tags.value], on: [{event: stale}], retention: {minute: 1h, quarter: 2h}}
          stale_days: {kind: count, windows: [minute], on: [{event: stale, time: day}], retention: {minute: 1h}}
        """
}

extension OracleCatalog {
    /// The same declarations as the oracle understands them.
    init(_ catalog: MeterCatalog) {
        self.init()
        let declared = catalog.envelope
        if !declared.requiresSpecVersion {
            envelope = OracleEnvelope(
                id: Self.place(declared.id), source: Self.place(declared.source),
                type: Self.place(declared.type), subject: Self.place(declared.subject),
                time: Self.pointer(declared.time),
                timeFormat: .init(rawValue: declared.timeFormat.rawValue) ?? .rfc3339)
        }
        earliestSeconds = Int64(catalog.notBefore.day) * 86_400
        events = catalog.events.map { event in
            OracleEvent(event.name, type: event.type, fields: event.fields.map(Self.field))
        }
        meters = catalog.meters.map(Self.meter)
    }

    private static func pointer(_ pointer: JSONPointer) -> String {
        pointer.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    }

    private static func place(_ source: Envelope.Source) -> OraclePlace {
        switch source {
        case .constant(let text): .constant(text)
        case .pointer(let tokens): .pointer(pointer(tokens))
        }
    }

    private static func field(_ field: FieldDeclaration) -> OracleField {
        OracleField(
            field.name, at: pointer(field.pointer),
            is: .init(rawValue: field.kind.rawValue) ?? .text, required: field.isRequired,
            standIn: field.defaultText ?? field.defaultInteger.map(String.init),
            most: field.maximum,
            values: field.values, each: field.isFanOut)
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
        return OracleClause(
            clause.event, amount: amount, time: clause.time, with: clause.bindings,
            needs: clause.needs)
    }
}
