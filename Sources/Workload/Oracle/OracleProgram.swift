/// A catalog in the form in which events are counted: slots instead of names.
struct OracleProgram: Sendable {
    enum Source: Sendable {
        case field(Int)
        case eachKey(Int)
        case eachValue(Int)
    }

    struct Field: Sendable {
        var declaration: OracleField
        var slot: Int
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

        /// How many windows its keys hold.
        var extent: KeyExtent {
            isSeries ? (family == nil ? .series : .familySeries) : .single
        }
    }

    struct Dimension: Sendable {
        /// `NAME=`.
        let label: [UInt8]
        let source: Source
    }

    struct Clause: Sendable {
        var meter: Int
        var constant: Int64 = 1
        var amountField: Int?
        var isNegated = false
        var timeField: Int?
        var needs: [Int] = []
        /// Integer and time fields without which there is nothing to count.
        var mustHave: [Int] = []
        var each: Int?
        var scopes: [[Dimension]] = []
        var by: [Source] = []
        var valueField: Int?
        var of: Source?
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
    }

    struct Attributes: Sendable {
        var version: Int?
        /// The slots of CloudEvents' data, plain and in base64; nil for another envelope.
        var data: (plain: Int, base64: Int)?
        var id: Place
        var source: Place
        var type: Place
        var subject: Place
        var time: Int
        var timeFormat: OracleEnvelope.TimeFormat
    }

    var tree = PointerTree()
    var attributes: Attributes
    /// Nanoseconds since 1970 of the earliest time that an event may have.
    let earliestNanoseconds: Int64
    /// The node of the tree for the data of binary events; −1 when no field is asked for.
    var dataNode = -1
    /// Slots of the objects and arrays that are counted entry by entry.
    var eachSlots: [Int] = []
    var types: [EventType] = []
    var typeNames: [[UInt8]] = []
    var meters: [Meter] = []

    init(_ catalog: OracleCatalog) throws(OracleError) {
        var tree = PointerTree()
        earliestNanoseconds = catalog.earliestSeconds * 1_000_000_000
        attributes = try Self.attributes(catalog.envelope, &tree)
        var places: [String: (type: Int, index: [String: Int])] = [:]
        for event in catalog.events {
            var type = EventType()
            var index: [String: Int] = [:]
            for declaration in event.fields {
                let slot = try tree.add(declaration.pointer)
                index[declaration.name] = type.fields.count
                if declaration.pointer == "/data" { type.readsData = true }
                type.fields.append(try Self.field(declaration, slot, event.name))
                if declaration.isEach, !eachSlots.contains(slot) { eachSlots.append(slot) }
            }
            guard places[event.name] == nil, !typeNames.contains(Array(event.type.utf8)) else {
                throw OracleError("event \(event.name) is declared twice")
            }
            places[event.name] = (types.count, index)
            types.append(type)
            typeNames.append(Array(event.type.utf8))
        }
        dataNode = tree.child(named: "data")
        self.tree = tree
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
        _ declaration: OracleField, _ slot: Int, _ event: String
    ) throws(OracleError) -> Field {
        var field = Field(
            declaration: declaration, slot: slot,
            standIn: declaration.standIn.map { Array($0.utf8) },
            values: declaration.values.map { Array($0.utf8) })
        guard let standIn = declaration.standIn else { return field }
        switch declaration.kind {
        case .text:
            break
        case .integer:
            guard let number = Int64(standIn) else {
                throw OracleError("event \(event): default of \(declaration.name) is no integer")
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
        _ envelope: OracleEnvelope?, _ tree: inout PointerTree
    ) throws(OracleError) -> Attributes {
        let places = envelope ?? OracleEnvelope()
        func place(_ place: OraclePlace) throws(OracleError) -> Place {
            switch place {
            case .constant(let text): return .constant(Array(text.utf8))
            case .pointer(let pointer):
                return .slot(try tree.add(pointer))
            }
        }
        var version: Int?
        var data: (plain: Int, base64: Int)?
        if envelope == nil {
            version = try tree.add("/specversion")
            data = (plain: try tree.add("/data"), base64: try tree.add("/data_base64"))
        }
        let id = try place(places.id)
        let source = try place(places.source)
        let type = try place(places.type)
        let subject = try place(places.subject)
        let time = try tree.add(places.time)
        return Attributes(
            version: version, data: data, id: id, source: source, type: type, subject: subject,
            time: time,
            timeFormat: places.timeFormat)
    }

    private static func meter(_ meter: OracleMeter) -> Meter {
        Meter(
            name: Array(meter.name.utf8), family: meter.family.map { Array($0.utf8) },
            kind: meter.kind, keep: meter.keep,
            windows: meter.windows.map {
                Window(kind: $0, retentionMilliseconds: retentionMilliseconds(of: $0, meter))
            },
            isSeries: meter.isSeries)
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

/// Lowers one clause of one meter.
struct ClauseBuilder {
    let meter: OracleMeter
    let clause: OracleClause
    let index: [String: Int]
    var lowered = OracleProgram.Clause(meter: 0)

    init(meter: OracleMeter, clause: OracleClause, index: [String: Int]) {
        self.meter = meter
        self.clause = clause
        self.index = index
    }

    mutating func build(
        _ number: Int, _ fields: inout [OracleProgram.Field]
    ) throws(OracleError) {
        lowered.meter = number
        switch clause.amount {
        case .constant(let constant):
            lowered.constant = constant
        case .field(let name, let isNegated):
            let field = try find(name)
            lowered.amountField = field
            lowered.isNegated = isNegated
            lowered.mustHave.append(field)
            fields[field].isAmount = true
            if !meter.isSigned { fields[field].isUnsigned = true }
        }
        if let name = clause.time {
            let field = try find(name)
            lowered.timeField = field
            lowered.mustHave.append(field)
            fields[field].isUsedTime = true
        }
        for name in clause.needs { lowered.needs.append(try find(name)) }
        try buildValue(&fields)
        for scope in meter.scopes {
            var dimensions: [OracleProgram.Dimension] = []
            for name in scope {
                dimensions.append(
                    .init(label: Array("\(name)=".utf8), source: try dimension(name, fields)))
            }
            lowered.scopes.append(dimensions)
        }
        for name in meter.by { lowered.by.append(try dimension(name, fields)) }
    }

    private mutating func buildValue(_ fields: inout [OracleProgram.Field]) throws(OracleError) {
        switch meter.kind {
        case .extreme, .histogram:
            guard let name = meter.value else {
                throw OracleError("meter \(meter.name): no value")
            }
            guard name != "time" else { return }
            let field = try find(name)
            lowered.valueField = field
            if fields[field].declaration.kind != .text { lowered.mustHave.append(field) }
            if fields[field].declaration.kind == .time { fields[field].isUsedTime = true }
        case .distinct:
            guard let name = meter.of else { throw OracleError("meter \(meter.name): no of") }
            lowered.of = try dimension(name, fields)
        case .count, .sum, .level, .ranking, .grid:
            break
        }
    }

    private mutating func dimension(
        _ name: String, _ fields: [OracleProgram.Field]
    ) throws(OracleError) -> OracleProgram.Source {
        let parts = (clause.with[name] ?? name).split(separator: ".", maxSplits: 1)
        let field = try find(String(parts.first ?? ""))
        guard fields[field].declaration.isEach else {
            if fields[field].declaration.kind != .text { lowered.mustHave.append(field) }
            return .field(field)
        }
        guard lowered.each == nil || lowered.each == field else {
            throw OracleError("meter \(meter.name): two fields with each in one clause")
        }
        lowered.each = field
        return parts.last == "key" ? .eachKey(field) : .eachValue(field)
    }

    private func find(_ name: String) throws(OracleError) -> Int {
        guard let field = index[name] else {
            throw OracleError("meter \(meter.name): event \(clause.event) has no field \(name)")
        }
        return field
    }
}
