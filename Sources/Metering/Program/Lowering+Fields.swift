/// Lowers the fields of an event type.
extension Lowering {
    private typealias Uses = [(meter: MeterDeclaration, clause: Clause)]

    /// The rule of a field; reserves its slot in the scanner.
    mutating func rule(of field: FieldDeclaration, in event: EventDeclaration) -> FieldRule {
        let uses: Uses = catalog.meters.flatMap { meter in
            meter.clauses.filter { $0.event == event.name }.map { (meter, $0) }
        }
        func isAmount(_ clause: Clause) -> Bool {
            if case .field(field.name, _) = clause.amount { true } else { false }
        }
        let firstValue = Int32(values.count)
        for value in field.values { values.append(text(value)) }
        let other = other(field, uses)
        let maximum =
            field.maximum
            ?? field.defaultMaximum(isAmount: uses.contains { isAmount($0.clause) })
        return FieldRule(
            kind: field.kind, isRequired: field.isRequired,
            isUnsigned: uses.contains { !$0.meter.isSigned && isAmount($0.clause) },
            isClauseTime: isClauseTime(field, uses),
            hasDefaultInteger: field.defaultInteger != nil, other: other,
            slot: field.isFanOut || other >= 0 ? -1 : tree.slot(at: field.onlyPointer),
            fanOut: field.isFanOut ? tree.fanOut(at: field.onlyPointer) : -1,
            defaultInteger: field.defaultInteger ?? 0, maximum: maximum.magnitude,
            // For a list it is the key of an array's entries, which have no key.
            defaultText: text(field.isFanOut ? "unknown" : field.standIn),
            firstValue: firstValue,
            valueCount: Int32(field.values.count))
    }

    /// The rule of a condition: a field of its own that is present where the condition holds.
    mutating func rule(of condition: Condition, in event: EventDeclaration) -> FieldRule {
        let firstValue = Int32(values.count)
        for value in condition.values { values.append(text(value)) }
        var rule = OtherRule(firstPlace: 0, placeCount: 0, room: Int32(others.count))
        // A field that is not there is refused when the clause is lowered.
        rule.conditionField = Int32(
            event.fields.firstIndex { $0.name == condition.field } ?? 0)
        rule.isNot = condition.isNot
        if let comparison = condition.comparison {
            rule.side = comparison.side
            // A bound that the field cannot have is refused when the clause is lowered, too.
            rule.bound = event.field(condition.field).flatMap { comparison.number(for: $0) } ?? 0
        }
        others.append(rule)
        return FieldRule(
            kind: .text, isRequired: false, isUnsigned: false, isClauseTime: false,
            hasDefaultInteger: false, other: Int16(others.count - 1), slot: -1, fanOut: -1,
            defaultInteger: 0, maximum: 0, defaultText: FixedText(pointer: nil, count: 0),
            firstValue: firstValue, valueCount: Int32(condition.values.count))
    }

    /// Refuses a condition that its field cannot have.
    func check(_ condition: Condition, _ context: ClauseContext) throws(ProgramError) {
        guard let comparison = condition.comparison else {
            _ = try fieldIndex(condition.field, context, kinds: FieldDeclaration.dimensionKinds)
            return
        }
        let index = try fieldIndex(
            condition.field, context, kinds: FieldDeclaration.comparedKinds)
        let field = context.event.fields[Int(index)]
        guard comparison.number(for: field) == nil else { return }
        let wanted =
            switch field.kind {
            case .time: "time of RFC 3339 with a zone"
            case .decimal: "number with at most \(field.scale) decimals, within 2^53 - 1"
            case .integer, .text, .boolean: "integer within 2^53 - 1"
            }
        throw context.fail(
            "when: '\(comparison.side.rawValue)' of '\(field.name)' is no \(wanted)")
    }

    /// Whether a clause takes a field as the time of its windows or as its value.
    private func isClauseTime(_ field: FieldDeclaration, _ uses: Uses) -> Bool {
        field.kind == .time
            && uses.contains { $0.clause.time == field.name || $0.meter.value == field.name }
    }

    /// The rule of a field that the loop's own readers do not read; -1 where they do.
    private mutating func other(_ field: FieldDeclaration, _ uses: Uses) -> Int16 {
        let isDimension = uses.contains { meter, clause in
            (meter.by + meter.scopes.joined()).contains {
                (clause.bindings[$0] ?? $0) == field.name
            } || meter.of == field.name
                || clause.conditions.contains { $0.field == field.name && $0.comparison == nil }
        }
        let isOrdinary =
            switch field.kind {
            case .text: field.from == .itself
            case .integer: field.from == .itself && !isDimension
            case .decimal, .boolean: false
            case .time: field.time == .standard
            }
        let isPlain = field.places.count == 1 && !field.onlyPointer.isEmpty
        if isOrdinary, isPlain, !field.isForgiving, insidePointer(field.onlyPointer) == nil {
            return -1
        }
        let first = Int32(places.count)
        if !field.isFanOut { lower(field.places) }
        var rule = OtherRule(
            firstPlace: first, placeCount: Int32(places.count) - first, room: Int32(others.count),
            scale: Int32(field.scale), unit: ScaledNumber.unit(scale: field.scale),
            isRounded: field.isRounded, takesText: field.from == .text,
            takesAny: field.from == .any, isDimension: isDimension,
            isForgiving: field.isForgiving)
        if field.kind == .time { lower(field.time, into: &rule) }
        others.append(rule)
        return Int16(others.count - 1)
    }

    /// Adds the formats of a time.
    private mutating func lower(_ time: TimeRule, into rule: inout OtherRule) {
        if let zone = time.zone {
            let known = zones.firstIndex(of: zone)
            if known == nil { zones.append(zone) }
            rule.zone = Int32(known ?? zones.count - 1)
        }
        rule.firstFormat = Int32(formats.count)
        rule.formatCount = Int32(time.formats.count)
        for format in time.formats {
            switch format {
            case .rfc3339: formats.append(FormatRule(kind: .rfc3339))
            case .iso8601: formats.append(FormatRule(kind: .iso8601))
            case .unix(let unit):
                formats.append(FormatRule(kind: .unix, power: Int32(unit.rawValue)))
            case .pattern(let pattern):
                formats.append(
                    FormatRule(
                        kind: .pattern, firstStep: Int32(steps.count),
                        stepCount: Int32(pattern.steps.count)))
                steps += pattern.steps
            }
        }
    }

    /// Lowers the envelope's time: for the loop's own reader where that can read it.
    mutating func lowerTime() {
        let declared = catalog.envelope
        var rule = OtherRule(
            firstPlace: Int32(places.count), placeCount: 0, room: Int32(others.count))
        lower(declared.time)
        rule.placeCount = Int32(places.count) - rule.firstPlace
        lower(declared.timeRule, into: &rule)
        envelope.timeRule = Int32(others.count)
        others.append(rule)
        envelope.hasTimeOutside = declared.time.contains(where: \.isOutsideOfValue)
        guard declared.time.count == 1, case .pointer(let pointer) = declared.time[0],
            insidePointer(pointer) == nil, declared.timeRule.formats.count == 1
        else { return }
        envelope.time = tree.slot(at: pointer)
        envelope.timeFormat =
            switch declared.timeRule.formats[0] {
            case .rfc3339: .rfc3339
            case .unix(.seconds): .unix
            case .unix(.milliseconds): .unixMilliseconds
            case .unix, .iso8601, .pattern: .other
            }
    }

    /// The slot of an attribute of the envelope, as `Program.EnvelopeRule` has it.
    mutating func slot(of source: Envelope.Source) -> Int32 {
        let first = Int32(places.count)
        var takesAny = false
        switch source {
        case .pointer(let pointer):
            guard insidePointer(pointer) != nil else { return tree.slot(at: pointer) }
            lower([.pointer(pointer)])
        case .constant: return -1
        case .places(let some, let any):
            lower(some)
            takesAny = any
        }
        others.append(
            OtherRule(
                firstPlace: first, placeCount: Int32(places.count) - first,
                room: Int32(others.count), takesAny: takesAny))
        return -1 - Int32(others.count)
    }

    /// Adds the rules of places.
    private mutating func lower(_ some: [Place]) {
        for place in some {
            let isOutside = place.isOutsideOfValue
            func add(_ source: PlaceRule.Source, _ index: Int32) {
                places.append(
                    PlaceRule(source: source, index: index, isOutsideOfValue: isOutside))
            }
            switch place {
            case .pointer(let pointer):
                if let rest = insidePointer(pointer) { add(.inside, insideTree.slot(at: rest)) }
                // What is inside may also be there as it is: not all producers pack it.
                add(.value, tree.slot(at: pointer))
            case .entry(let entry):
                if let rest = insidePointer(entry.list) {
                    var inner = entry
                    inner.list = rest
                    add(.inside, insideTree.slot(of: inner))
                }
                add(.value, tree.slot(of: entry))
            case .header(let name):
                let index = MeterCatalog.index(of: name, in: catalog.headerNames)
                add(.header, Int32(index ?? 0))
            case .key: add(.key, 0)
            case .record: add(.record, 0)
            case .outer(let list, let inner): lowerOuter(list, inner)
            case .keyMember(let pointer): add(.keyMember, keyTree.slot(at: pointer))
            case .constant(let constant):
                values.append(text(constant))
                add(.constant, Int32(values.count - 1))
            }
        }
    }

    /// What is left of a pointer that goes into a text with JSON; nil: it does not.
    private func insidePointer(_ pointer: JSONPointer) -> JSONPointer? {
        guard let inside = catalog.envelope.inside, pointer.count > inside.count,
            pointer.starts(with: inside)
        else { return nil }
        return Array(pointer.dropFirst(inside.count))
    }

    /// Slots of integers and of times in RFC 3339 that nothing else reads, so that their texts are
    /// not needed where records are not JSON.
    var bareSlots: Set<Int32> {
        var bare = Set(
            fields.filter { $0.slot >= 0 && ($0.kind == .integer || $0.kind == .time) }
                .map(\.slot))
        if envelope.time >= 0 { bare.insert(envelope.time) }
        bare.subtract(fields.filter { $0.kind == .text }.map(\.slot))
        bare.subtract([envelope.id, envelope.source, envelope.type, envelope.subject])
        // The time's own place is read where the loop's reader cannot: as a moment, or by its text.
        let rule = others[Int(envelope.timeRule)]
        let ownPlaces =
            envelope.timeFormat == .rfc3339
            ? Int(rule.firstPlace)..<Int(rule.firstPlace + rule.placeCount) : 0..<0
        for (index, place) in places.enumerated()
        where place.source == .value && !ownPlaces.contains(index) {
            bare.remove(place.index)
        }
        return bare
    }

    /// Fields and conditions have numbers of 16 bits.
    func checkCounts() throws(ProgramError) {
        var count = 0
        for event in catalog.events {
            count += event.fields.count + catalog.conditions(of: event).count
            guard count <= 32_000 else {
                throw ProgramError(
                    subject: event.name,
                    message: "a catalog has at most 32,000 fields and conditions of all events")
            }
        }
    }

    /// Entries of one list can be asked for in one way only, and those of a list inside a text
    /// not one by one.
    func checkLists() throws(ProgramError) {
        for event in catalog.events {
            for field in event.fields
            where field.isFanOut && insidePointer(field.onlyPointer) != nil {
                throw ProgramError(
                    subject: event.name,
                    message: "'\(field.name)' with 'each' is inside a text with JSON")
            }
        }
        for tree in [tree, insideTree] + outerTrees {
            if let conflict = tree.conflict { throw ProgramError(subject: "", message: conflict) }
        }
    }
}

extension FieldDeclaration {
    /// The kinds of fields whose values can be dimensions.
    static let dimensionKinds: [Kind] = [.text, .integer, .boolean]
    /// The kinds of fields that are compared with bounds.
    static let comparedKinds: [Kind] = [.integer, .decimal, .time]

    /// The pointer of a field that is at one pointer; else empty.
    var onlyPointer: JSONPointer {
        if places.count == 1, case .pointer(let pointer) = places[0] { pointer } else { [] }
    }

    /// What an absent field counts as where it is a dimension.
    var standIn: String {
        guard let defaultInteger else { return defaultText ?? "unknown" }
        return kind == .boolean ? defaultInteger == 0 ? "false" : "true" : "\(defaultInteger)"
    }
}
