/// Lowers a catalog to instructions; throws for a declaration that cannot be lowered.
struct Lowering {
    let catalog: MeterCatalog
    var tree = ScanTree()
    /// What is asked for inside the text of `Envelope.inside`, and in keys.
    var insideTree = ScanTree()
    var keyTree = ScanTree()
    /// What is asked for in what contains the event, and where its list is: `Program.outers`.
    var outerTrees: [ScanTree] = []
    var outerRules: [(list: Int32, isArray: Bool)] = []
    var envelope: Program.EnvelopeRule
    var events: [EventRule] = []
    var types: [(text: FixedText, event: Int32)] = []
    var fields: [FieldRule] = []
    var others: [OtherRule] = []
    var places: [PlaceRule] = []
    var formats: [FormatRule] = []
    var steps: [TimePattern.Step] = []
    var zones: [LocalZone] = []
    var values: [FixedText] = []
    var tuples: [TupleRule] = []
    var parts: [TuplePart] = []
    var instructions: [Instruction] = []
    var windows: [WindowRule] = []
    var needs: [Int32] = []
    var cellSets: [CellSet] = []
    var texts: [UnsafeMutableRawPointer] = []
    var largestFieldCount = 0
    var largestTupleCount = 0
    /// The escaped names of `Across`.
    var across: (all: FixedText, list: FixedText) = (
        FixedText(pointer: nil, count: 0), FixedText(pointer: nil, count: 0)
    )
    var setIndex: [String: Int] = [:]
    private var tupleIndex: [String: Int32] = [:]

    /// The most cells that one event may change.
    static let maximumCells = 256
    /// The most dimensions of one `by`, and of one scope.
    static let maximumDimensions = 4

    init(catalog: MeterCatalog) {
        self.catalog = catalog
        envelope = Program.EnvelopeRule(
            specversion: -1, data: -1, dataBase64: -1, id: -1, source: -1, type: -1, subject: -1,
            time: -1, timeRule: -1, timeFormat: .other, hasTimeOutside: false,
            ignoresTombstones: false,
            inside: -1,
            constants: (nil, nil, nil, nil))
    }

    mutating func text(_ string: String) -> FixedText {
        let bytes = Array(string.utf8)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(8, bytes.count), alignment: 8)
        bytes.withUnsafeBytes {
            if let base = $0.baseAddress { memory.copyMemory(from: base, byteCount: $0.count) }
        }
        texts.append(memory)
        return FixedText(pointer: UnsafeRawPointer(memory), count: Int32(bytes.count))
    }

    mutating func run() throws(ProgramError) {
        try checkCounts()
        try lowerLists()
        lowerEnvelope()
        try checkNames()
        lowerAcross()
        for meter in catalog.meters { try check(meter) }
        try checkScopeLimits()
        try checkFamilies()
        try checkScales()
        for (index, event) in catalog.events.enumerated() {
            try lower(event, index: Int32(index))
        }
        try checkLists()
    }

    private mutating func lowerEnvelope() {
        let declared = catalog.envelope
        func constant(_ source: Envelope.Source) -> FixedText? {
            if case .constant(let value) = source { text(value) } else { nil }
        }
        if declared.requiresSpecVersion {
            envelope.specversion = tree.slot(at: ["specversion"])
            envelope.data = tree.slot(at: ["data"])
            envelope.dataBase64 = tree.slot(at: ["data_base64"])
        }
        envelope.id = slot(of: declared.id)
        envelope.source = slot(of: declared.source)
        envelope.type = slot(of: declared.type)
        envelope.subject = slot(of: declared.subject)
        lowerTime()
        envelope.ignoresTombstones = declared.ignoresTombstones
        envelope.inside = declared.inside.map { tree.slot(at: $0) } ?? -1
        envelope.constants = (
            constant(declared.id), constant(declared.source), constant(declared.type),
            constant(declared.subject)
        )
    }

    private func checkNames() throws(ProgramError) {
        // Compared as bytes, because Swift's strings may be equal though their bytes differ.
        var seen = Set<[UInt8]>()
        for event in catalog.events {
            guard seen.insert(Array(event.type.utf8)).inserted else {
                throw ProgramError(
                    subject: event.name, message: "two events have type '\(event.type)'")
            }
        }
        seen.removeAll()
        for meter in catalog.meters {
            guard seen.insert(Array(meter.name.utf8)).inserted else {
                throw ProgramError(subject: meter.name, message: "two meters have this name")
            }
        }
    }

    private func check(_ meter: MeterDeclaration) throws(ProgramError) {
        func fail(_ message: String) throws(ProgramError) -> Never {
            throw ProgramError(subject: meter.name, message: message)
        }
        if let refusal = meter.kind.rules.refusal(of: meter) { try fail(refusal) }
        if let refusal = Across.refusal(of: meter) { try fail(refusal) }
        if meter.clauses.isEmpty { try fail("'on' names no event") }
        if meter.scopes.isEmpty { try fail("'per' names no scope") }
        if meter.by.count > Self.maximumDimensions
            || meter.scopes.contains(where: { $0.count > Self.maximumDimensions })
        {
            try fail("more than \(Self.maximumDimensions) dimensions")
        }
        if Set(meter.scopes).count != meter.scopes.count {
            try fail("'per' names a scope twice")
        }
        if Set(meter.windows).count != meter.windows.count {
            try fail("'windows' names a window twice")
        }
        let dimensions = Set(meter.by + meter.scopes.joined())
        for clause in meter.clauses {
            if catalog.event(clause.event) == nil {
                try fail("there is no event '\(clause.event)'")
            }
            for name in clause.bindings.keys.sorted() where !dimensions.contains(name) {
                try fail("'with': there is no dimension '\(name)' in 'per' and 'by'")
            }
        }
    }

    // MARK: Events

    private mutating func lower(_ event: EventDeclaration, index: Int32) throws(ProgramError) {
        types.append((text(event.type), index))
        let firstField = Int32(fields.count)
        for field in event.fields { fields.append(rule(of: field, in: event)) }
        for condition in catalog.conditions(of: event) {
            fields.append(rule(of: condition, in: event))
        }
        let fieldCount = fields.count - Int(firstField)
        let firstTuple = Int32(tuples.count)
        let firstInstruction = Int32(instructions.count)
        var cells = 0
        var isNeverLate = true
        for meter in catalog.meters {
            for clause in meter.clauses where clause.event == event.name {
                for scope in meter.scopes {
                    var context = ClauseContext(
                        meter: meter, clause: clause, scope: scope, event: event,
                        firstField: firstField, firstTuple: firstTuple)
                    let made = try lower(&context)
                    let count =
                        Int(made.windowCount) * (made.fanOut >= 0 ? EventLimits.entries : 1)
                    cells += count
                    if meter.isAcross { cells += count + repeatAcross(made, meter) }
                }
            }
        }
        let made = instructions[Int(firstInstruction)...]
        if !made.isEmpty {
            isNeverLate = made.contains { instruction in
                instruction.needCount == 0 && instruction.fanOut < 0 && !mayLackValue(instruction)
                    && instruction.windowIndices.contains { windows[Int($0)].retentionSeconds < 0 }
            }
        }
        guard cells <= Self.maximumCells else {
            throw ProgramError(
                subject: event.name,
                message:
                    "one event may change \(cells) cells; at most \(Self.maximumCells) are allowed")
        }
        events.append(
            EventRule(
                firstField: firstField, fieldCount: Int32(fieldCount),
                firstTuple: firstTuple,
                tupleCount: Int32(tuples.count) - firstTuple, firstInstruction: firstInstruction,
                instructionCount: Int32(instructions.count) - firstInstruction,
                isNeverLate: isNeverLate,
                readsData: event.fields.contains { $0.places.contains(.pointer(["data"])) }))
        largestFieldCount = max(largestFieldCount, fieldCount)
        largestTupleCount = max(largestTupleCount, tuples.count - Int(firstTuple))
    }

    /// Whether an instruction may do nothing because an optional number or time is absent.
    private func mayLackValue(_ instruction: Instruction) -> Bool {
        for field in [instruction.amountField, instruction.timeField, instruction.valueField]
        where field >= 0 {
            let rule = fields[Int(field)]
            if !rule.isRequired, rule.kind != .text, !rule.hasDefaultInteger { return true }
        }
        return false
    }

    // MARK: Clauses

    struct ClauseContext {
        let meter: MeterDeclaration
        let clause: Clause
        let scope: [String]
        let event: EventDeclaration
        let firstField: Int32
        let firstTuple: Int32

        func fail(_ message: String) -> ProgramError {
            ProgramError(subject: meter.name, message: "on \(event.name): \(message)")
        }
    }

    func fieldIndex(
        _ name: String, _ context: ClauseContext, kinds: [FieldDeclaration.Kind]?
    )
        throws(ProgramError) -> Int32
    {
        guard let index = context.event.fields.firstIndex(where: { $0.name == name }) else {
            throw context.fail("the event has no field '\(name)'")
        }
        let field = context.event.fields[index]
        if let kinds, !kinds.contains(field.kind) || field.isFanOut {
            let wanted = kinds.map(\.rawValue).joined(separator: " or ")
            throw context.fail("field '\(name)' is no \(wanted)")
        }
        return Int32(index)
    }

    private mutating func lower(_ context: inout ClauseContext) throws(ProgramError) -> Instruction
    {
        let meter = context.meter
        let rules = meter.kind.rules
        var instruction = Instruction(
            cellSet: UInt16(cellSet(of: meter, scope: context.scope)),
            operation: rules.operation(of: meter), place: rules.place(of: meter), value: .none,
            isNegated: false)
        instruction.isFirstScope = context.scope == meter.scopes.first
        let firstField = context.firstField
        switch context.clause.amount {
        case .constant(let amount): instruction.amount = try scaled(amount, context)
        case .field(let name, let isNegated):
            instruction.amountField =
                firstField + (try fieldIndex(name, context, kinds: [.integer, .decimal]))
            instruction.isNegated = isNegated
        }
        if let time = context.clause.time {
            instruction.timeField = firstField + (try fieldIndex(time, context, kinds: [.time]))
        }
        try lowerValue(&instruction, context, firstField)
        if !context.scope.isEmpty {
            instruction.scopeTuple = try tuple(context.scope, isScope: true, context, &instruction)
        }
        if instruction.place == .tuple {
            instruction.placeTuple = try tuple(meter.by, isScope: false, context, &instruction)
        }
        instruction.firstNeed = Int32(needs.count)
        for need in context.clause.needs {
            needs.append(firstField + (try fieldIndex(need, context, kinds: nil)))
        }
        let conditions = catalog.conditions(of: context.event)
        for condition in context.clause.conditions {
            try check(condition, context)
            let index = conditions.firstIndex(of: condition) ?? 0
            needs.append(firstField + Int32(context.event.fields.count + index))
        }
        instruction.needCount = Int32(needs.count) - instruction.firstNeed
        instruction.firstWindow = Int32(windows.count)
        for window in rules.windows(of: meter) {
            let retentionSeconds: Int64 =
                if case .seconds(let seconds) = meter.retention(of: window) { seconds } else { -1 }
            windows.append(
                WindowRule(window: window, retentionSeconds: window == .all ? -1 : retentionSeconds)
            )
        }
        instruction.windowCount = Int32(windows.count) - instruction.firstWindow
        instructions.append(instruction)
        return instruction
    }

    private func lowerValue(
        _ instruction: inout Instruction, _ context: ClauseContext, _ firstField: Int32
    )
        throws(ProgramError)
    {
        let meter = context.meter
        if let of = meter.of {
            instruction.valueField =
                firstField + (try fieldIndex(of, context, kinds: FieldDeclaration.dimensionKinds))
            instruction.value = .text
        }
        guard let value = meter.value else { return }
        if value == "time" {
            instruction.value = .eventTime
            return
        }
        let index = try fieldIndex(value, context, kinds: nil)
        let field = context.event.fields[Int(index)]
        if field.isFanOut { throw context.fail("value '\(value)' is a list") }
        if let refusal = meter.kind.rules.refusal(of: meter, value: value, kind: field.kind) {
            throw context.fail(refusal)
        }
        instruction.valueField = firstField + index
        instruction.value =
            switch field.kind {
            case .integer, .decimal: .integer
            case .time: .time
            case .text, .boolean: .text
            }
    }

    private mutating func tuple(
        _ dimensions: [String], isScope: Bool, _ context: ClauseContext,
        _ instruction: inout Instruction
    ) throws(ProgramError) -> Int32 {
        let firstField = context.firstField
        var made: [TuplePart] = []
        for dimension in dimensions {
            var name = context.clause.bindings[dimension] ?? dimension
            var source = TuplePart.Source.field
            if name.hasSuffix(".key") || name.hasSuffix(".value") {
                source = name.hasSuffix(".key") ? .entryKey : .entryValue
                name = String(name.prefix(upTo: name.lastIndex(of: ".") ?? name.endIndex))
            }
            let index = try fieldIndex(name, context, kinds: nil)
            let field = context.event.fields[Int(index)]
            guard FieldDeclaration.dimensionKinds.contains(field.kind),
                field.isFanOut == (source != .field)
            else {
                throw context.fail("dimension '\(dimension)' is no text, integer or boolean")
            }
            if field.isFanOut {
                if isScope {
                    throw context.fail("'\(dimension)' is part of a list and cannot be in 'per'")
                }
                if instruction.fanOut >= 0, instruction.fanOut != firstField + index {
                    throw context.fail("two lists in one 'by'")
                }
                instruction.fanOut = firstField + index
            }
            made.append(
                TuplePart(
                    source: source, field: firstField + index,
                    label: isScope ? text(dimension + "=") : FixedText(pointer: nil, count: 0)))
        }
        // Meters of one event often share dimensions: each tuple is resolved once for each event.
        let name =
            "\(context.event.name) \(isScope ? dimensions : []) \(made.map { [Int32($0.source.rawValue), $0.field] })"
        if let known = tupleIndex[name] { return known }
        let takesEntries = made.contains { $0.source != .field }
        tuples.append(
            TupleRule(
                first: Int32(parts.count), count: Int32(made.count), takesEntries: takesEntries,
                onlyField: made.count == 1 && !isScope && !takesEntries ? made[0].field : -1))
        parts += made
        tupleIndex[name] = Int32(tuples.count) - 1
        return Int32(tuples.count) - 1
    }

    private mutating func cellSet(of meter: MeterDeclaration, scope: [String]) -> Int {
        let name = "\(meter.name) \(scope)"
        if let known = setIndex[name] { return known }
        let keepsText = meter.clauses.contains { clause in
            let kind = meter.value.flatMap { catalog.event(clause.event)?.field($0)?.kind }
            return kind == .text || kind == .boolean
        }
        let retentionSeconds = Window.allCases.map { window -> Int64 in
            guard window != .all, case .seconds(let seconds) = meter.retention(of: window) else {
                return -1
            }
            return seconds
        }
        cellSets.append(
            CellSet(
                meter: meter.name, family: meter.family, shape: meter.shape,
                operation: meter.kind.rules.operation(of: meter), keepsText: keepsText,
                retentionSeconds: retentionSeconds, most: meter.mostMembers, scope: scope,
                mostScopes: scope.isEmpty ? nil : meter.limits.per))
        setIndex[name] = cellSets.count - 1
        return cellSets.count - 1
    }
}
