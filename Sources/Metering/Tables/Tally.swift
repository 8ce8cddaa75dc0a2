import CTables

/// How an entry changes a cell in Redis; each commutes with itself, so that folding first is the same.
public enum CellOperation: UInt8, Sendable {
    /// Adds to a hash field.
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
    var isAddition: Bool { self == .add || self == .addScore }

    /// Whether a cell keeps one of the values that it is given: least, greatest, first or last.
    @inline(__always)
    var keepsValue: Bool {
        switch self {
        case .minimum, .maximum, .first, .last: true
        case .add, .addScore, .distinct: false
        }
    }

    /// Estimated nanoseconds of script time an entry, with its part of its key; the law keeps a script
    /// within 3 ms.
    ///
    /// Counted on Redis 7.0.15 with script and key: 22,000 instructions a counter, of which three share a key; 4,200
    /// a score of a ranking that is added by a union. One that is added by itself costs far more than that: `fullCost`
    /// follows from how many were.
    var cost: Int32 {
        switch self {
        case .add, .distinct: 3_000
        case .minimum, .maximum, .first, .last: 4_500
        case .addScore: 900
        }
    }
}

/// One cell's delta in a tally.
public struct TallyCell: Sendable {
    /// Which cells of which meter: index into `Program.cellSets`.
    public var set: UInt16
    /// The window.
    public var window: Window
    /// Whether a following cell goes on where this one would overflow.
    var isFull: Bool = false
    /// Number of the window; of a grid weekday · 24 + hour.
    public var number: Int32
    /// Symbol of the escaped organization id.
    public var organization: UInt32
    /// Symbol of the escaped scope (`dim=value:dim=value`); 0 = none.
    public var scope: UInt32
    /// Symbol of the field, member or distinct value; a histogram's step itself; 0 for a series.
    public var field: UInt32
    /// Symbol of the value that a first or last keeps.
    public var payload: UInt32 = 0
    /// Amount to add, least or greatest value, or time of a first or last.
    public var amount: Int64

    /// The set that no cell has: a free place of a table.
    static var freeSet: UInt16 { .max }

    /// Where a table looks first.
    @inline(__always)
    var hash: UInt32 {
        let first =
            UInt64(set) << 48 | UInt64(window.rawValue) << 40 ^ UInt64(UInt32(bitPattern: number))
        let second = UInt64(organization) << 40 ^ UInt64(scope) << 20 ^ UInt64(field)
        let mixed = Hashing.mix(first ^ 0x9E37_79B9_7F4A_7C15, second ^ 0xE703_7ED1_A0B4_28DB)
        return UInt32(truncatingIfNeeded: mixed ^ mixed >> 32)
    }

    @inline(__always)
    func isSame(_ other: TallyCell) -> Bool {
        number == other.number && field == other.field && set == other.set
            && window == other.window && organization == other.organization && scope == other.scope
            && !isFull
    }
}

/// What the records of one shard add up to since its last commit.
///
/// One thread.
///
/// Cells are found by comparing integers: organization, scope and field are symbols of this tally. They
/// stand in one open-addressing table, so that a look-up touches one cache line. Cleared and reused, it
/// allocates only while it grows.
public struct Tally: ~Copyable {
    var symbols: SymbolTable
    private let memory: TableMemory
    private var table: UnsafeMutablePointer<TallyCell>
    private var tableMask: Int
    /// Places in the table in the order of their first touch.
    private var order: UnsafeMutablePointer<UInt32>
    /// Number of cells.
    public private(set) var count = 0
    /// Estimated nanoseconds of script time.
    public private(set) var cost: Int32 = 0
    /// Events folded into it.
    public private(set) var eventCount: Int64 = 0
    /// Least record timestamp of those events, or Int64.max.
    public private(set) var oldestTimestamp = Int64.max
    /// Own records by partition slot: accepted, duplicate, ignored, rejected.
    private var outcomes: UnsafeMutablePointer<Int64>
    private let partitionCount: Int

    /// Estimate at which a tally is full, in nanoseconds: so that its script takes 3 ms.
    public var fullCost = Tally.usualFullCost
    /// Where all scores are added by unions.
    public static var usualFullCost: Int32 { 3_000_000 }
    /// What a score costs more that is added by itself, in nanoseconds.
    public static var singleScoreCost: Int64 { 4_800 }
    /// A delta beyond this goes on in another cell: exact in Lua and in a score.
    static var largestAmount: Int64 { 9_007_199_254_740_991 }
    private static var free: TallyCell {
        TallyCell(
            set: TallyCell.freeSet, window: .all, number: 0, organization: 0, scope: 0, field: 0,
            amount: 0)
    }

    /// An empty tally for records of `partitionCount` partitions, in memory that it shares with others of its thread.
    public init(partitionCount: Int, memory: TableMemory = TableMemory()) {
        self.memory = memory
        symbols = SymbolTable(memory: memory)
        let places = 128
        table = memory.allocate(places)
        table.initialize(repeating: Self.free, count: places)
        tableMask = places - 1
        order = memory.allocate(places)
        self.partitionCount = max(1, partitionCount)
        outcomes = .allocate(capacity: self.partitionCount * 4)
        outcomes.initialize(repeating: 0, count: self.partitionCount * 4)
        _ = symbols.intern(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    deinit {
        memory.deallocate(table, tableMask + 1)
        memory.deallocate(order, tableMask + 1)
        outcomes.deallocate()
    }

    /// Whether it must be committed before more is folded into it.
    @inline(__always)
    public var isFull: Bool { cost >= fullCost || symbols.isLarge }

    /// Forgets everything.
    public mutating func removeAll() {
        for index in 0..<count { table[Int(order[index])].set = TallyCell.freeSet }
        count = 0
        cost = 0
        eventCount = 0
        oldestTimestamp = Int64.max
        outcomes.update(repeating: 0, count: partitionCount * 4)
        symbols.removeAll()
        _ = symbols.intern(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Cell number `index` in the order of its first touch.
    public subscript(index: Int) -> TallyCell { table[Int(order[index])] }

    /// The bytes of a symbol; valid until the tally changes.
    public func bytes(_ symbol: UInt32) -> UnsafeRawBufferPointer { symbols.bytes(symbol) }

    /// Bytes of memory that it holds.
    public var byteCount: Int {
        (tableMask + 1) * MemoryLayout<TallyCell>.stride
            + (tableMask + 1) * MemoryLayout<UInt32>.stride + symbols.byteCount
    }

    /// Counts an accepted event whose record has that timestamp, -1 = none.
    @inline(__always)
    mutating func countEvent(_ timestamp: Int64) {
        eventCount += 1
        if timestamp >= 0 { oldestTimestamp = min(oldestTimestamp, timestamp) }
    }

    /// Counts one own record of a partition.
    @inline(__always)
    mutating func count(_ outcome: Outcome, partitionSlot: Int) {
        outcomes[partitionSlot * 4 + min(3, Int(outcome.rawValue))] += 1
    }

    /// Own records of a partition that were accepted, duplicate, ignored and rejected.
    public func outcomes(partitionSlot slot: Int) -> (Int64, Int64, Int64, Int64) {
        (outcomes[slot * 4], outcomes[slot * 4 + 1], outcomes[slot * 4 + 2], outcomes[slot * 4 + 3])
    }

    /// Fetches the cache line in which an entry's look-up will begin.
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
        var place = Int(hash) & tableMask
        while table[place].set != TallyCell.freeSet {
            if table[place].isSame(entry) {
                merge(entry, operation, into: place)
                return
            }
            place = (place + 1) & tableMask
        }
        append(entry, place, operation)
    }

    @inline(__always)
    private mutating func merge(_ entry: TallyCell, _ operation: CellOperation, into place: Int) {
        switch operation {
        case .add, .addScore:
            let sum = table[place].amount + entry.amount
            if sum.magnitude <= UInt64(Tally.largestAmount) {
                table[place].amount = sum
            } else {
                table[place].isFull = true
                addAgain(entry, operation)
            }
        case .minimum: table[place].amount = min(table[place].amount, entry.amount)
        case .maximum: table[place].amount = max(table[place].amount, entry.amount)
        case .distinct: break
        case .first, .last: keep(entry, operation, in: place)
        }
    }

    /// A cell that can hold no more goes on in another.
    @inline(never)
    private mutating func addAgain(_ entry: TallyCell, _ operation: CellOperation) {
        add(entry, operation)
    }

    @inline(never)
    private mutating func keep(_ entry: TallyCell, _ operation: CellOperation, in place: Int) {
        let old = table[place]
        if old.amount == entry.amount {
            if isGreater(entry.payload, old.payload) { table[place].payload = entry.payload }
        } else if (entry.amount < old.amount) == (operation == .first) {
            table[place].amount = entry.amount
            table[place].payload = entry.payload
        }
    }

    private func isGreater(_ left: UInt32, _ right: UInt32) -> Bool {
        symbols.bytes(right).lexicographicallyPrecedes(symbols.bytes(left))
    }

    @inline(never)
    private mutating func append(_ entry: TallyCell, _ place: Int, _ operation: CellOperation) {
        var place = place
        // Three quarters full: half the memory of a table that is half full, and caches are what it lacks.
        if count * 4 > tableMask * 3 {
            grow()
            place = Int(entry.hash) & tableMask
            while table[place].set != TallyCell.freeSet { place = (place + 1) & tableMask }
        }
        table[place] = entry
        order[count] = UInt32(place)
        count += 1
        cost += operation.cost
    }

    private mutating func grow() {
        let places = (tableMask + 1) * 2
        let bigger: UnsafeMutablePointer<TallyCell> = memory.allocate(places)
        bigger.initialize(repeating: Self.free, count: places)
        let longer: UnsafeMutablePointer<UInt32> = memory.allocate(places)
        let old = tableMask + 1
        tableMask = places - 1
        for index in 0..<count {
            let cell = table[Int(order[index])]
            var place = Int(cell.hash) & tableMask
            while bigger[place].set != TallyCell.freeSet { place = (place + 1) & tableMask }
            bigger[place] = cell
            longer[index] = UInt32(place)
        }
        memory.deallocate(table, old)
        memory.deallocate(order, old)
        table = bigger
        order = longer
    }
}
