/// A catalog in the form in which events are counted: slots instead of names.
struct OracleProgram: Sendable {
    /// Where a dimension's value comes from.
    enum DimensionSource: Sendable {
        case field(Int)
        case eachKey(Int)
        case eachValue(Int)
    }

    /// Where a value is looked for.
    enum Source: Sendable {
        case slot(Int)
        /// In the text that holds JSON.
        case inside([[UInt8]])
        case entry(List)
        case header([UInt8])
        case key
        case keyMember([[UInt8]])
        case record
        case outer(level: Int, path: [[UInt8]])
        case outerEntry(level: Int, List)
        case constant([UInt8])

        /// Whether records in binary mode have it, too.
        var isOutsideOfValue: Bool {
            switch self {
            case .header, .key, .keyMember, .record, .constant: true
            case .slot, .inside, .entry, .outer, .outerEntry: false
            }
        }
    }

    /// A wanted entry of a list.
    struct List: Sendable {
        enum Place: Sendable {
            case slot(Int)
            case inside([[UInt8]])
        }
        let place: Place
        let key: [[UInt8]]
        let value: [[UInt8]]
        let name: [UInt8]
    }

    /// What is asked for in what contains an event.
    struct Outer: Sendable {
        /// The next list in it; empty: it is that list.
        var list: [[UInt8]]
        var paths: [[[UInt8]]] = []
        var lists: [List] = []
    }

    struct Field: Sendable {
        var declaration: OracleField
        /// Where the list of a field with `each` is.
        var slot: Int
        var places: [Source]
        var standIn: [UInt8]?
        var standInNumber: Int64 = 0
        var values: [[UInt8]]
        /// Whether a meter that is not signed takes it as an amount.
        var isUnsigned = false
        /// Whether a meter takes it as an amount.
        var isAmount = false
        /// Whether a clause takes a window's time or a value from it.
        var isUsedTime = false
    }

    struct Window: Sendable {
        let kind: OracleWindow
        /// How long the window is kept after its end; nil: for ever.
        let retentionMilliseconds: Int64?
    }

    struct Meter: Sendable {
        let name: [UInt8]
        /// The family whose keys it shares; nil: it has keys of its own.
        let family: [UInt8]?
        let kind: OracleMeter.Kind
        let keep: OracleMeter.Keep?
        let windows: [Window]
        let isSeries: Bool
        /// The windows in which its organizations are listed; empty where they are not, and it is
        /// not counted over all of them.
        let lists: [Window]

        /// How many windows its keys hold.
        var extent: KeyExtent {
            isSeries ? (family == nil ? .series : .familySeries) : .single
        }
    }

    struct Dimension: Sendable {
        /// `NAME=`.
        let label: [UInt8]
        let source: DimensionSource
    }

    struct Clause: Sendable {
        var meter: Int
        var constant: Int64 = 1
        var amountField: Int?
        var isNegated = false
        var timeField: Int?
        var needs: [Int] = []
        var when: [(field: Int, values: [[UInt8]], isNot: Bool)] = []
        /// Fields whose number must be in a range.
        var ranges: [(field: Int, range: ClosedRange<Int64>)] = []
        /// Integer and time fields without which there is nothing to count.
        var mustHave: [Int] = []
        var each: Int?
        var scopes: [[Dimension]] = []
        var by: [DimensionSource] = []
        var valueField: Int?
        var of: DimensionSource?
    }

    struct EventType: Sendable {
        var fields: [Field] = []
        var clauses: [Clause] = []
        /// Whether a field is the whole data, which then need not be an object.
        var readsData = false
    }

    enum Place: Sendable {
        case slot(Int)
        case constant([UInt8])
        /// The first that is there; with `any` a number, true or false by its text.
        case first([Source], any: Bool)
    }

    struct Attributes: Sendable {
        var version: Int?
        /// The slots of CloudEvents' data, plain and in base64; nil for another envelope.
        var data: (plain: Int, base64: Int)?
        var id: Place
        var source: Place
        var type: Place
        var subject: Place
        var time: [Source]
        var timeRule: OracleTimeRule
    }

    var tree = PointerTree()
    var attributes: Attributes
    /// The text that holds JSON, and all paths that are asked for in it and in keys.
    var insideSlot: Int?
    var insidePaths: [[[UInt8]]] = []
    var keyPaths: [[[UInt8]]] = []
    /// Wanted entries of lists.
    var lists: [List] = []
    /// Where a record has its events, and what is asked for in what contains them: of the record's
    /// value first, then of the entries of each list but the last.
    let each: OracleEach?
    var outers: [Outer] = []
    /// Whether batches of CloudEvents are taken apart.
    let takesBatches: Bool
    /// Nanoseconds since 1970 of the earliest time that an event may have.
    let earliestNanoseconds: Int64
    let ignoresTombstones: Bool
    let format: OracleRecordFormat
    /// The node of the tree for the data of binary events; −1 when no field is asked for.
    var dataNode = -1
    /// Slots of the objects and arrays that are counted entry by entry.
    var eachSlots: [Int] = []
    var types: [EventType] = []
    var typeNames: [[UInt8]] = []
    var meters: [Meter] = []

    init(_ catalog: OracleCatalog) throws(OracleError) {
        earliestNanoseconds = catalog.earliestSeconds * 1_000_000_000
        ignoresTombstones = catalog.ignoresTombstones
        format = catalog.records
        each = catalog.each
        takesBatches = catalog.each == nil && catalog.envelope == nil
        var sources = SourceBuilder(inside: catalog.inside, each: catalog.each)
        attributes = try Self.attributes(catalog.envelope, &sources)
        if let inside = catalog.inside { insideSlot = try sources.tree.add(inside) }
        var places: [String: (type: Int, index: [String: Int])] = [:]
        for event in catalog.events {
            var type = EventType()
            var index: [String: Int] = [:]
            for declaration in event.fields {
                index[declaration.name] = type.fields.count
                let field = try Self.field(declaration, event.name, &sources)
                if declaration.isEach, !eachSlots.contains(field.slot) {
                    eachSlots.append(field.slot)
                }
                let pointers = declaration.places + [.pointer(declaration.pointer)]
                if pointers.contains(.pointer("/data")) { type.readsData = true }
                type.fields.append(field)
            }
            guard places[event.name] == nil, !typeNames.contains(Array(event.type.utf8)) else {
                throw OracleError("event \(event.name) is declared twice")
            }
            places[event.name] = (types.count, index)
            types.append(type)
            typeNames.append(Array(event.type.utf8))
        }
        dataNode = sources.tree.child(named: "data")
        tree = sources.tree
        outers = sources.outers
        (insidePaths, keyPaths, lists) = (sources.insidePaths, sources.keyPaths, sources.lists)
        for meter in catalog.meters {
            meters.append(Self.meter(meter))
            for clause in meter.clauses {
                guard let (type, index) = places[clause.event] else {
                    throw OracleError("meter \(meter.name): no event \(clause.event)")
                }
                var builder = ClauseBuilder(meter: meter, clause: clause, index: index)
                try builder.build(meters.count - 1, &types[type].fields)
                types[type].clauses.append(builder.lowered)
            }
        }
    }

    private static func field(
        _ declaration: OracleField, _ event: String, _ sources: inout SourceBuilder
    ) throws(OracleError) -> Field {
        var places: [Source] = []
        let declared =
            declaration.places.isEmpty ? [.pointer(declaration.pointer)] : declaration.places
        for place in declared { places += try sources.sources(place) }
        var slot = -1
        if declaration.isEach, case .slot(let number)? = places.first { slot = number }
        var field = Field(
            declaration: declaration, slot: slot, places: places,
            standIn: declaration.standIn.map { Array($0.utf8) },
            values: declaration.values.map { Array($0.utf8) })
        guard let standIn = declaration.standIn else { return field }
        switch declaration.kind {
        case .text, .boolean:
            break
        case .integer:
            guard let number = Int64(standIn) else {
                throw OracleError("event \(event): default of \(declaration.name) is no integer")
            }
            field.standInNumber = number
            field.standIn = Array(String(number).utf8)
        case .decimal:
            let text = DecimalText(standIn.utf8)
            guard let number = text?.scaled(declaration.scale, rounds: false) else {
                throw OracleError("event \(event): default of \(declaration.name) is no decimal")
            }
            field.standInNumber = number
        case .time:
            guard let time = Array(standIn.utf8).withUnsafeBytes({ TimeText.nanoseconds($0) })
            else { throw OracleError("event \(event): default of \(declaration.name) is no time") }
            field.standInNumber = time
        }
        return field
    }

    private static func attributes(
        _ envelope: OracleEnvelope?, _ sources: inout SourceBuilder
    ) throws(OracleError) -> Attributes {
        let places = envelope ?? OracleEnvelope()
        func place(_ place: OraclePlace) throws(OracleError) -> Place {
            switch place {
            case .constant(let text): return .constant(Array(text.utf8))
            case .first(let some, let any):
                var all: [Source] = []
                for place in some { all += try sources.sources(place) }
                return .first(all, any: any)
            default: return .first(try sources.sources(place), any: false)
            }
        }
        var version: Int?
        var data: (plain: Int, base64: Int)?
        if envelope == nil {
            version = try sources.tree.add("/specversion")
            data = (
                plain: try sources.tree.add("/data"), base64: try sources.tree.add("/data_base64")
            )
        }
        let id = try place(places.id)
        let source = try place(places.source)
        let type = try place(places.type)
        let subject = try place(places.subject)
        let time = try sources.sources(places.time)
        return Attributes(
            version: version, data: data, id: id, source: source, type: type, subject: subject,
            time: time,
            timeRule: places.timeRule)
    }

    private static func meter(_ meter: OracleMeter) -> Meter {
        Meter(
            name: Array(meter.name.utf8), family: meter.family.map { Array($0.utf8) },
            kind: meter.kind, keep: meter.keep,
            windows: meter.windows.map {
                Window(kind: $0, retentionMilliseconds: retentionMilliseconds(of: $0, meter))
            },
            isSeries: meter.isSeries, lists: meter.isAcross ? lists(of: meter) : [])
    }

    /// A month's list is kept as long as the cell of the meter that is kept longest; one of all
    /// time there is where the meter has such a window.
    private static func lists(of meter: OracleMeter) -> [Window] {
        let kept = meter.windows.map { retentionMilliseconds(of: $0, meter) }
        let isEndless = kept.contains { $0 == nil }
        let month = Window(
            kind: .month, retentionMilliseconds: isEndless ? nil : kept.compactMap { $0 }.max())
        guard meter.windows.contains(.all) else { return [month] }
        return [month, Window(kind: .all, retentionMilliseconds: nil)]
    }

    private static func retentionMilliseconds(
        of window: OracleWindow, _ meter: OracleMeter
    ) -> Int64? {
        switch meter.retention[window] {
        case .forever: return nil
        case .seconds(let seconds): return seconds * 1_000
        case nil: break
        }
        switch window {
        case .minute: return 26 * 3_600_000
        case .quarter: return 92 * 86_400_000
        case .day where meter.kind == .ranking || meter.kind == .distinct: return 400 * 86_400_000
        default: return nil
        }
    }
}
