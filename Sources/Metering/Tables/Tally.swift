import CTables

/// How an entry changes a cell in Redis.
///
/// The order of entries does not matter to any of them, so a tally may merge entries before they
/// reach Redis.
public enum CellOperation: UInt8, Sendable {
    /// Adds to a member of a hash.
    case add = 0
    /// Adds to a sorted set's score.
    case addScore = 1
    /// Keeps the least number.
    case minimum = 2
    /// Keeps the greatest number.
    case maximum = 3
    /// Keeps the value of the earliest time.
    case first = 4
    /// Keeps the value of the latest time.
    case last = 5
    /// Adds a value to a HyperLogLog.
    case distinct = 6

    /// Whether entries are added up, so that 0 changes nothing.
    public var isAddition: Bool { self == .add || self == .addScore }

    /// Whether a cell keeps one of the values that it is given: least, greatest, first or last.
    @inline(__always)
    public var keepsValue: Bool {
        switch self {
        case .minimum, .maximum, .first, .last: true
        case .add, .addScore, .distinct: false
        }
    }

    /// Estimated script time for an entry, with its share of its key.
    ///
    /// A script should take 3 ms at most. Counted on Redis 7.0.15, script and key together: 22,000
    /// processor instructions for a counter where three share a key, 4,200 for a ranking's score
    /// that is added by a union. A score that is added alone costs far more:
    /// `Tally.fullCostNanoseconds` is adjusted to how many those are.
    var costNanoseconds: Int32 {
        switch self {
        case .add, .distinct: 3_000
        case .minimum, .maximum, .first, .last: 4_500
        case .addScore: 900
        }
    }
}

/// One cell's delta in a tally.
public struct TallyCell: Sendable {
    /// Which meter in which scope: an index into `Program.cellSets`.
    public var cellSet: UInt16
    /// The window.
    public var window: Window
    /// Whether another cell of the tally continues this one, whose amount would have overflowed.
    var isFull: Bool = false
    /// Number of the window; for a grid weekday · 24 + hour.
    public var number: Int32
    /// Symbol of the escaped organization id.
    public var organization: UInt32
    /// Symbol of the escaped scope (`dim=value:dim=value`); 0: the whole organization.
    public var scope: UInt32
    /// Symbol of the member, or of a distinct count's value; for a histogram the step itself; 0 for
    /// a series and a grid.
    public var member: UInt32
    /// Symbol of the value that a first or last keeps.
    public var payload: UInt32 = 0
    /// Amount to add, least or greatest value, or for a first or last the event's time.
    public var amount: Int64

    /// The `cellSet` of a free slot of the table: no cell has it.
    static var noCellSet: UInt16 { .max }

    /// Hash of what identifies the cell; its low bits are the first slot that is looked at.
    @inline(__always)
    var hash: UInt32 {
        let first =
            UInt64(cellSet) << 48 | UInt64(window.rawValue) << 40
            ^ UInt64(UInt32(bitPattern: number))
        let second = UInt64(organization) << 40 ^ UInt64(scope) << 20 ^ UInt64(member)
        let mixed = Hashing.mix(first ^ 0x9E37_79B9_7F4A_7C15, second ^ 0xE703_7ED1_A0B4_28DB)
        return UInt32(truncatingIfNeeded: mixed ^ mixed >> 32)
    }

    @inline(__always)
    func isSame(_ other: TallyCell) -> Bool {
        number == other.number && member == other.member && cellSet == other.cellSet
            && window == other.window && organization == other.organization && scope == other.scope
            && !isFull
    }
}

/// What the records of one shard add up to since its last commit.
///
/// Cells are found by comparing integers: organization, scope and member are symbols of this tally.
/// They are in one table with open addressing, so that a look-up touches one cache line. A tally is
/// cleared and used again; it allocates only while it grows, and where it gives memory back. One
/// thread.
public struct Tally: ~Copyable {
    var symbols: SymbolTable
    private let memory: TableMemory
    private var table: UnsafeMutablePointer<TallyCell>
    private var tableMask: Int
    /// Slots of the table in the order in which they were filled.
    private var order: UnsafeMutablePointer<UInt32>
    /// Number of cells.
    public private(set) var count = 0
    /// Estimated script time of its commit.
    public private(set) var costNanoseconds: Int32 = 0
    /// Events folded into it.
    public private(set) var eventCount: Int64 = 0
    /// Least record timestamp of those events, `Int64.max` where none has one.
    public private(set) var oldestTimestampMilliseconds = Int64.max
    /// Numbers by partition slot.
    ///
    /// First four each: the shard's events that were accepted, duplicate and ignored, and its
    /// records that were rejected. Then one each: further events.
    private var outcomes: UnsafeMutablePointer<Int64>
    private let partitionCount: Int
    private var shrinking = Shrinking(least: 16_384)

    /// Estimate at which the tally is full, chosen so that its script takes 3 ms.
    public var fullCostNanoseconds = Tally.usualFullCostNanoseconds
    /// `fullCostNanoseconds` where all scores are added by unions.
    public static var usualFullCostNanoseconds: Int32 { 3_000_000 }
    /// What a score that is added alone costs more than one in a union.
    public static var singleScoreCostNanoseconds: Int64 { 4_800 }
    /// The largest delta of one cell: exact in Lua and as a score.
    ///
    /// What would exceed it goes to another cell.
    static var largestAmount: Int64 { 9_007_199_254_740_991 }
    private static var free: TallyCell {
        TallyCell(
            cellSet: TallyCell.noCellSet, window: .all, number: 0, organization: 0, scope: 0,
            member: 0, amount: 0)
    }

    /// An empty tally for records of `partitionCount` partitions.
    ///
    /// It shares `memory` with the other tallies of its thread.
    public init(partitionCount: Int, memory: TableMemory = TableMemory()) {
        self.memory = memory
        symbols = SymbolTable(memory: memory)
        let slots = 128
        table = memory.allocate(slots)
        table.initialize(repeating: Self.free, count: slots)
        tableMask = slots - 1
        order = memory.allocate(slots)
        self.partitionCount = max(1, partitionCount)
        outcomes = .allocate(capacity: self.partitionCount * 5)
        outcomes.initialize(repeating: 0, count: self.partitionCount * 5)
        _ = symbols.intern(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    deinit {
        memory.deallocate(table, tableMask + 1)
        memory.deallocate(order, tableMask + 1)
        outcomes.deallocate()
    }

    /// Whether it must be committed before more is folded into it.
    @inline(__always)
    public var isFull: Bool { costNanoseconds >= fullCostNanoseconds || symbols.isLarge }

    /// Forgets everything; keeps the memory, but for what was not needed for some time.
    public mutating func removeAll() {
        if let fewer = shrinking.note(used: count, of: tableMask + 1) {
            memory.deallocate(table, tableMask + 1)
            memory.deallocate(order, tableMask + 1)
            tableMask = fewer - 1
            table = memory.allocate(fewer)
            table.initialize(repeating: Self.free, count: fewer)
            order = memory.allocate(fewer)
        } else {
            for index in 0..<count { table[Int(order[index])].cellSet = TallyCell.noCellSet }
        }
        count = 0
        costNanoseconds = 0
        eventCount = 0
        oldestTimestampMilliseconds = Int64.max
        outcomes.update(repeating: 0, count: partitionCount * 5)
        symbols.removeAll()
        _ = symbols.intern(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// The cell that was added as number `index`.
    public subscript(index: Int) -> TallyCell { table[Int(order[index])] }

    /// The bytes of a symbol; valid until the tally changes.
    public func bytes(_ symbol: UInt32) -> UnsafeRawBufferPointer { symbols.bytes(symbol) }

    /// Bytes of memory that it holds.
    public var byteCount: Int {
        (tableMask + 1) * MemoryLayout<TallyCell>.stride
            + (tableMask + 1) * MemoryLayout<UInt32>.stride + symbols.byteCount
    }

    /// Counts an accepted event whose record has that timestamp; -1: none.
    @inline(__always)
    mutating func countEvent(_ timestampMilliseconds: Int64) {
        eventCount += 1
        if timestampMilliseconds >= 0 {
            oldestTimestampMilliseconds = min(oldestTimestampMilliseconds, timestampMilliseconds)
        }
    }

    /// Counts the outcome of a record of the shard.
    @inline(__always)
    mutating func count(_ outcome: Outcome, partitionSlot: Int) {
        outcomes[partitionSlot * 4 + min(3, Int(outcome.rawValue))] += 1
    }

    /// Counts an event that is not the first of its record.
    mutating func countFurther(partitionSlot: Int) {
        outcomes[partitionCount * 4 + partitionSlot] += 1
    }

    /// The shard's events of a partition that are not the first ones of their records.
    public func further(partitionSlot slot: Int) -> Int64 { outcomes[partitionCount * 4 + slot] }

    /// Of a partition, the shard's events that were accepted, duplicate and ignored, and its
    /// records that were rejected.
    public func outcomes(partitionSlot slot: Int) -> (Int64, Int64, Int64, Int64) {
        (outcomes[slot * 4], outcomes[slot * 4 + 1], outcomes[slot * 4 + 2], outcomes[slot * 4 + 3])
    }

    /// Prefetches the cache line in which an entry's look-up will begin.
    @inline(__always)
    func prefetch(_ hash: UInt32) { ct_prefetch(table + (Int(hash) & tableMask)) }

    /// Merges an entry into its cell.
    @inline(__always)
    mutating func add(_ entry: TallyCell, _ operation: CellOperation) {
        add(entry, entry.hash, operation)
    }

    /// Merges an entry with that `TallyCell.hash` into its cell.
    @inline(__always)
    mutating func add(_ entry: TallyCell, _ hash: UInt32, _ operation: CellOperation) {
        var slot = Int(hash) & tableMask
        while table[slot].cellSet != TallyCell.noCellSet {
            if table[slot].isSame(entry) {
                merge(entry, operation, into: slot)
                return
            }
            slot = (slot + 1) & tableMask
        }
        append(entry, slot, operation)
    }

    @inline(__always)
    private mutating func merge(_ entry: TallyCell, _ operation: CellOperation, into slot: Int) {
        switch operation {
        case .add, .addScore:
            let sum = table[slot].amount + entry.amount
            if sum.magnitude <= UInt64(Tally.largestAmount) {
                table[slot].amount = sum
            } else {
                table[slot].isFull = true
                addAgain(entry, operation)
            }
        case .minimum: table[slot].amount = min(table[slot].amount, entry.amount)
        case .maximum: table[slot].amount = max(table[slot].amount, entry.amount)
        case .distinct: break
        case .first, .last: keep(entry, operation, in: slot)
        }
    }

    /// Adds the entry to another cell, because the one that it belongs to can hold no more.
    @inline(never)
    private mutating func addAgain(_ entry: TallyCell, _ operation: CellOperation) {
        add(entry, operation)
    }

    @inline(never)
    private mutating func keep(_ entry: TallyCell, _ operation: CellOperation, in slot: Int) {
        let old = table[slot]
        if old.amount == entry.amount {
            if isGreater(entry.payload, old.payload) { table[slot].payload = entry.payload }
        } else if (entry.amount < old.amount) == (operation == .first) {
            table[slot].amount = entry.amount
            table[slot].payload = entry.payload
        }
    }

    private func isGreater(_ left: UInt32, _ right: UInt32) -> Bool {
        symbols.bytes(right).lexicographicallyPrecedes(symbols.bytes(left))
    }

    @inline(never)
    private mutating func append(_ entry: TallyCell, _ slot: Int, _ operation: CellOperation) {
        var slot = slot
        // Grows only when three quarters are full: a smaller table fits better into the caches.
        if count * 4 > tableMask * 3 {
            grow()
            slot = Int(entry.hash) & tableMask
            while table[slot].cellSet != TallyCell.noCellSet { slot = (slot + 1) & tableMask }
        }
        table[slot] = entry
        order[count] = UInt32(slot)
        count += 1
        // A record of many events is never divided, however much it costs.
        let (sum, overflow) = costNanoseconds.addingReportingOverflow(operation.costNanoseconds)
        costNanoseconds = overflow ? Int32.max : sum
    }

    private mutating func grow() {
        let oldSlots = tableMask + 1
        let slots = oldSlots * 2
        let bigger: UnsafeMutablePointer<TallyCell> = memory.allocate(slots)
        bigger.initialize(repeating: Self.free, count: slots)
        let longer: UnsafeMutablePointer<UInt32> = memory.allocate(slots)
        tableMask = slots - 1
        for index in 0..<count {
            let cell = table[Int(order[index])]
            var slot = Int(cell.hash) & tableMask
            while bigger[slot].cellSet != TallyCell.noCellSet { slot = (slot + 1) & tableMask }
            bigger[slot] = cell
            longer[index] = UInt32(slot)
        }
        memory.deallocate(table, oldSlots)
        memory.deallocate(order, oldSlots)
        table = bigger
        order = longer
    }
}
