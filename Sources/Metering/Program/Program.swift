import CEventScan

/// Why a catalog cannot be lowered.
public struct ProgramError: Error, Sendable, CustomStringConvertible {
    /// The meter or event at fault, or "".
    public let subject: String
    /// What is wrong, a clause for people.
    public let message: String
    /// `subject: message`.
    public var description: String { subject.isEmpty ? message : "\(subject): \(message)" }
}

/// A record as the fold sees it.
///
/// The bytes belong to the batch; the fold keeps no pointer to them.
public struct FoldRecord {
    /// Offset in its partition.
    public var offset: Int64
    /// Record timestamp in milliseconds since 1970; -1: none.
    public var timestampMilliseconds: Int64
    /// The value; nil: the null value of a tombstone.
    public var value: UnsafeRawPointer?
    /// Bytes of the value.
    public var valueByteCount: Int
    /// The key; nil: none.
    public var key: UnsafeRawPointer?
    /// Bytes of the key.
    public var keyByteCount: Int
    /// Index of the partition among the lane's cursors.
    public var partitionSlot: Int32
    /// Index of the binary attributes, -1 for a structured event, or `FoldRecord.batch`.
    public var attributes: Int32
    /// What `attributes` is of a batch of CloudEvents.
    public static var batch: Int32 { -2 }
    /// The values of the headers that the catalog asks for, as `HeaderNames` gathers them; nil: the
    /// record has no headers, or the catalog asks for none.
    public var headers: UnsafePointer<UnsafeRawBufferPointer?>?
    /// Bytes in front of the value that are a frame.
    var frameByteCount = 0
    /// The reader's program for the value; -1: it is JSON; below that it is rejected for its frame.
    var schema: Int32 = -1

    /// A record of these parts, without a copy of their bytes.
    public init(
        offset: Int64, timestampMilliseconds: Int64, value: UnsafeRawBufferPointer?,
        key: UnsafeRawBufferPointer?, partitionSlot: Int32, attributes: Int32 = -1,
        headers: UnsafePointer<UnsafeRawBufferPointer?>? = nil
    ) {
        self.headers = headers
        self.offset = offset
        self.timestampMilliseconds = timestampMilliseconds
        // An empty value is not the null value, though its buffer may have no address.
        self.value = value.map { $0.baseAddress ?? UnsafeRawPointer(bitPattern: 1) } ?? nil
        valueByteCount = value?.count ?? 0
        self.key = key.map { $0.baseAddress ?? UnsafeRawPointer(bitPattern: 1) } ?? nil
        keyByteCount = key?.count ?? 0
        self.partitionSlot = partitionSlot
        self.attributes = attributes
    }
}

/// A catalog lowered to instructions, and the loop that runs them.
///
/// Each lane has its own, with a JSON scanner and scratch memory. It allocates nothing per event
/// once its tables have grown. One thread.
public struct Program: ~Copyable {
    /// All sets of cells, by `TallyCell.cellSet`.
    public let cellSets: [CellSet]
    /// Names and digests of all that decides what is counted: entries of the contract.
    public let contractEntries: [(name: String, digest: String)]
    /// Counters of everything folded so far.
    public var counters = FoldCounters()
    /// Records of the last `run` that were rejected and must go to the dead letters.
    public internal(set) var rejected: [RejectedRecord] = []
    /// Where a rejection's text and place in the event come from.
    let rejectionNames: RejectionNames
    /// The seed of the hashes of names, the same as in the tallies.
    let symbolSeed = SymbolSeed.ofProcess

    /// Kafka's number of the partition in each slot.
    public var partitionNumbers: [Int32] = [0]

    let shardCount: UInt32
    let futureBoundMilliseconds: Int64
    /// Nanoseconds since 1970 of the earliest time that an event may have.
    let notBeforeNanoseconds: Int64
    let identityHash: IdentityHash
    let scanner: OpaquePointer
    let dataNode: Int32
    let slots: UnsafePointer<es_value>
    let fans: UnsafePointer<es_fan_out>
    /// Scanners of a text with JSON and of keys; nil where nothing in them is asked for.
    let insideScanner: OpaquePointer?
    let keyScanner: OpaquePointer?
    /// What contains the event where a record has several.
    ///
    /// The record's value first, then the entries of each list but the last. Empty where each
    /// record is one event, or has one in each line.
    let outers: FixedArray<OuterRule>
    /// The scanner of batches of CloudEvents, once there was one.
    var batchScanner: OpaquePointer?
    /// Records whose `attributes` are below it have a list of events.
    let firstSingle: Int32
    /// The schemas of records that are not plain JSON; nil: they are.
    var frames: Frames?
    let envelope: EnvelopeRule
    let events: FixedArray<EventRule>
    let types: TypeTable
    let fields: FixedArray<FieldRule>
    let others: FixedArray<OtherRule>
    let places: FixedArray<PlaceRule>
    let formats: FixedArray<FormatRule>
    let steps: FixedArray<TimePattern.Step>
    let zones: [LocalZone]
    /// Whether something is asked for that is not in the value itself.
    let looksElsewhere: Bool
    let values: FixedArray<FixedText>
    let tuples: FixedArray<TupleRule>
    let parts: FixedArray<TuplePart>
    let instructions: FixedArray<Instruction>
    let windows: FixedArray<WindowRule>
    let needs: FixedArray<Int32>
    /// The names of `Across`, as keys have them.
    let across: (all: SymbolKey, list: SymbolKey)
    /// Texts that rules point to; freed with the program.
    private let texts: [UnsafeMutableRawPointer]
    var scratch: EventScratch
    var pending: PendingRecord
    var held = HeldEvents()

    /// Slots of the scanner for the envelope's attributes.
    ///
    /// -1: not read from the event; -2 - n: read by the rule n of `others`.
    struct EnvelopeRule {
        /// How the loop itself reads the time; what these do not read, `timeRule` reads.
        enum TimeFormat: UInt8 { case rfc3339, unix, unixMilliseconds, other }
        var specversion: Int32
        /// -1 where the catalog declares its own envelope: then only the fields' pointers count.
        var data: Int32
        var dataBase64: Int32
        var id: Int32
        var source: Int32
        var type: Int32
        var subject: Int32
        /// -1 where only the rule `timeRule` of `others` reads it.
        var time: Int32
        var timeRule: Int32
        var timeFormat: TimeFormat
        /// Whether binary records without a time have one beside the value.
        var hasTimeOutside: Bool
        var ignoresTombstones: Bool
        /// The text with JSON inside.
        var inside: Int32
        var constants: (id: FixedText?, source: FixedText?, type: FixedText?, subject: FixedText?)
    }

    /// Lowers a catalog.
    ///
    /// - Parameters:
    ///   - dedupeKey: the ledger's random key.
    ///   - futureBoundMilliseconds: how much later than its record's timestamp an event may be.
    public init(
        catalog: MeterCatalog, shardCount: Int, dedupeKey: (UInt64, UInt64),
        futureBoundMilliseconds: Int64
    ) throws(ProgramError) {
        var lowering = Lowering(catalog: catalog)
        do { try lowering.run() } catch {
            lowering.texts.forEach { $0.deallocate() }
            throw error
        }
        let made = lowering.tree.makeScanner()
        let outerScanners = lowering.outerTrees.map { $0.makeScanner().scanner }
        let (hasInside, hasKey) = (
            lowering.insideTree.slotCount > 0, lowering.keyTree.slotCount > 0
        )
        let insideScanner = hasInside ? lowering.insideTree.makeScanner().scanner : nil
        let keyScanner = hasKey ? lowering.keyTree.makeScanner().scanner : nil
        guard let scanner = made.scanner, (insideScanner != nil) == hasInside,
            (keyScanner != nil) == hasKey, !outerScanners.contains(nil)
        else {
            throw Program.withoutMemory(
                [made.scanner, insideScanner, keyScanner] + outerScanners, lowering)
        }
        self.scanner = scanner
        self.insideScanner = insideScanner
        self.keyScanner = keyScanner
        outers = FixedArray(
            zip(outerScanners, lowering.outerRules).compactMap { scanner, rule in
                scanner.map {
                    OuterRule(
                        scanner: $0, slots: es_slots($0), list: rule.list, isArray: rule.isArray)
                }
            })
        firstSingle =
            catalog.envelope.each != nil
            ? 0 : catalog.envelope.requiresSpecVersion ? -1 : FoldRecord.batch
        dataNode = made.dataNode
        frames = Frames(
            catalog.records, scanner, dataNode: made.dataNode, bareSlots: lowering.bareSlots)
        frames?.pointers = lowering.tree.pointers
        slots = es_slots(scanner)
        fans = es_fan_outs(scanner)
        envelope = lowering.envelope
        events = FixedArray(lowering.events)
        types = TypeTable(lowering.types)
        fields = FixedArray(lowering.fields)
        others = FixedArray(lowering.others)
        places = FixedArray(lowering.places)
        formats = FixedArray(lowering.formats)
        steps = FixedArray(lowering.steps)
        zones = lowering.zones
        looksElsewhere = lowering.places.contains { $0.source != .value }
        values = FixedArray(lowering.values)
        tuples = FixedArray(lowering.tuples)
        parts = FixedArray(lowering.parts)
        instructions = FixedArray(lowering.instructions)
        windows = FixedArray(lowering.windows)
        needs = FixedArray(lowering.needs)
        across = (
            SymbolKey(lowering.across.all.bytes, symbolSeed),
            SymbolKey(lowering.across.list.bytes, symbolSeed)
        )
        cellSets = lowering.cellSets
        texts = lowering.texts
        contractEntries = ContractText.entries(of: catalog)
        rejectionNames = RejectionNames(catalog)
        self.shardCount = UInt32(shardCount)
        self.futureBoundMilliseconds = futureBoundMilliseconds
        notBeforeNanoseconds = catalog.notBefore.nanoseconds
        identityHash = IdentityHash(key: dedupeKey)
        scratch = EventScratch(
            fieldCount: lowering.largestFieldCount, tupleCount: lowering.largestTupleCount,
            roomCount: lowering.others.count)
        pending = PendingRecord(capacity: Lowering.maximumCells)
    }

    /// Gives back what a lowering holds whose scanners could not all be made.
    private static func withoutMemory(
        _ scanners: [OpaquePointer?], _ lowering: Lowering
    ) -> ProgramError {
        for scanner in scanners { if let scanner { es_destroy(scanner) } }
        lowering.texts.forEach { $0.deallocate() }
        return ProgramError(subject: "", message: "no memory for the scanner")
    }

    deinit {
        es_destroy(scanner)
        if let insideScanner { es_destroy(insideScanner) }
        if let keyScanner { es_destroy(keyScanner) }
        if let batchScanner { es_destroy(batchScanner) }
        for index in 0..<outers.count { es_destroy(outers.base[index].scanner) }
        for text in texts { text.deallocate() }
    }
}

extension Program {
    /// About how long Redis' script takes at most for the events of one record, in nanoseconds.
    ///
    /// Each of `EventLimits.events` events is of one organization then, and changes as many cells
    /// of its own as an event can.
    public var fullRecordNanoseconds: Int64 {
        var most: Int64 = 0
        for index in 0..<events.count {
            let event = events.base[index]
            var cost: Int64 = 0
            for number in event.firstInstruction..<event.firstInstruction + event.instructionCount {
                let instruction = instructions[number]
                let cells =
                    Int64(instruction.windowCount)
                    * (instruction.fanOut < 0 ? 1 : Int64(EventLimits.entries))
                cost += cells * Int64(instruction.operation.costNanoseconds)
            }
            most = max(most, cost)
        }
        return most * Int64(EventLimits.events)
    }
}

/// Where `run` stopped.
public struct FoldStop: Sendable, Equatable {
    /// Index of the first record not taken.
    public var next: Int
    /// Shard whose tally is full; nil when all records are taken.
    public var fullShard: Int?
}

/// Finds an event type by its bytes.
struct TypeTable: ~Copyable {
    private let slots: FixedArray<Slot>
    private let mask: Int
    private struct Slot {
        var hash: UInt64 = 0
        var text = FixedText(pointer: nil, count: 0)
        var event: Int32 = -1
    }

    init(_ types: [(text: FixedText, event: Int32)]) {
        var size = 16
        while size < types.count * 4 { size *= 2 }
        mask = size - 1
        var table = [Slot](repeating: Slot(), count: size)
        for (text, event) in types {
            let hash = Hashing.table(text.bytes)
            var index = Int(truncatingIfNeeded: hash) & mask
            while table[index].event >= 0 { index = (index + 1) & mask }
            table[index] = Slot(hash: hash, text: text, event: event)
        }
        slots = FixedArray(table)
    }

    /// Index of the event with that type, or -1.
    @inline(__always)
    func event(of type: UnsafeRawBufferPointer) -> Int32 {
        let hash = Hashing.table(type)
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots.base[index].event >= 0 {
            let slot = slots.base[index]
            if slot.hash == hash, slot.text.bytes.isEqual(to: type) { return slot.event }
            index = (index + 1) & mask
        }
        return -1
    }
}
