import Metering
import Query

/// A meter of the catalog as OpenMeter's API describes meters.
struct OpenMeterMeter: Sendable {
    /// What OpenMeter does with the values of a window.
    enum Aggregation: String, Sendable {
        case count = "COUNT"
        case sum = "SUM"
        case least = "MIN"
        case greatest = "MAX"
        case latest = "LATEST"
        case distinct = "UNIQUE_COUNT"

        /// Whether no events are a number too: 0.
        var isCount: Bool { self == .count || self == .distinct }
    }

    /// The slug, and at the same time the id.
    let name: String
    let aggregation: Aggregation
    /// The `type` of the events on the wire; of the first kind where several feed the meter.
    let eventType: String
    /// Where the value is in an event; nil for counts.
    let valueProperty: String?
    /// Each dimension, and where its value is in an event.
    let groupBy: [(key: String, path: String)]
    /// Decimals of its numbers.
    let scale: Int

    /// Nil where OpenMeter has no aggregation of the kind, or the values are no numbers.
    ///
    /// `summary` is that of the meter, or of a unique that is answered from it.
    init?(_ meter: MeterDeclaration, _ summary: MeterSummary, in catalog: MeterCatalog) {
        guard let aggregation = OpenMeterMeter.aggregation(meter), let clause = meter.clauses.first,
            let event = catalog.event(clause.event)
        else { return nil }
        if meter.kind == .extreme, summary.valueKind != .integer { return nil }
        name = summary.name
        self.aggregation = aggregation
        eventType = event.type
        scale = summary.scale
        var value: String?
        switch meter.kind {
        case .sum: if case .field(let field, _) = clause.amount { value = field }
        case .extreme: value = meter.value
        case .distinct: value = meter.of
        default: break
        }
        valueProperty = value.flatMap { OpenMeterMeter.path(of: $0, event) }
        var groupBy: [(key: String, path: String)] = []
        for key in meter.by + meter.scopes.joined()
        where !groupBy.contains(where: { $0.key == key }) {
            let field = clause.bindings[key] ?? key
            groupBy.append((key, OpenMeterMeter.path(of: field, event) ?? "$.\(field)"))
        }
        self.groupBy = groupBy.sorted { $0.key < $1.key }
    }

    private static func aggregation(_ meter: MeterDeclaration) -> Aggregation? {
        switch meter.kind {
        case .count: .count
        case .sum: .sum
        case .distinct: .distinct
        case .extreme:
            switch meter.keep {
            case .min: .least
            case .max: .greatest
            case .last: .latest
            case .first, nil: nil
            }
        default: nil
        }
    }

    /// A JSONPath, from the event's `data` on where the field is in it.
    private static func path(of field: String, _ event: EventDeclaration) -> String? {
        guard let place = event.field(field)?.places.first, case .pointer(var tokens) = place else {
            return nil
        }
        if tokens.first == "data" { tokens.removeFirst() }
        return tokens.reduce("$") { path, token in
            let isPlain =
                !token.isEmpty && !(token.utf8.first.map { (48...57).contains($0) } ?? false)
                && token.utf8.allSatisfy { byte in
                    switch byte {
                    case 48...57, 65...90, 95, 97...122: true
                    default: false
                    }
                }
            guard !isPlain else { return path + "." + token }
            let escaped = token.unicodeScalars.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : "\($0)" }
            return path + "['" + escaped.joined() + "']"
        }
    }

    /// The value at the end of a list of the meter's dimensions.
    func hasKey(_ key: String) -> Bool { groupBy.contains { $0.key == key } }
}

extension QueryEngine {
    /// All meters that OpenMeter's API can show, by their names.
    var openMeters: [OpenMeterMeter] {
        summaries.compactMap { openMeter($0.name) }.sorted { $0.name < $1.name }
    }

    /// The meter with that name; nil where there is none that OpenMeter's API can show.
    func openMeter(_ name: String) -> OpenMeterMeter? {
        guard let summary = summary(name) else { return nil }
        for derived in catalog.derived {
            guard case .unique(_, let estimate) = derived.form else { continue }
            if derived.name == name {
                return catalog.meter(estimate).flatMap { OpenMeterMeter($0, summary, in: catalog) }
            }
            // The two meters of a unique are no meters that somebody named.
            if derived.form.sources.contains(name) { return nil }
        }
        return catalog.meter(name).flatMap { OpenMeterMeter($0, summary, in: catalog) }
    }

    /// The earliest second that an event may have: "the beginning of time" of a question.
    var firstSecond: Int64 { Int64(catalog.notBefore.day) * TimeRange.secondsPerDay }
}
