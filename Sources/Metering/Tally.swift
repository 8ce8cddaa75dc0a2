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

    /// Estimated nanoseconds of script time an entry, with its part of its key; the law keeps a script
    /// within 3 ms.
    ///
    /// Measured in large keys on Redis 7.0.15: 0.8 µs a counter, 2.6 a score, 2.8 an extreme, 0.3 a distinct
    /// value; with a key for each cell 3.4 to 5.5. In between, because a commit names most keys for several cells.
    var cost: Int32 {
        switch self {
        case .add, .distinct: 2_000
        case .minimum, .maximum, .first, .last: 3_500
        case .addScore: 4_000
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
}

/// What the records of one shard add up to since its last commit.
///
/// One thread.
///
/// Cells are found by comparing integers: organization, scope and field are symbols of this tally.
/// Cleared and reused, it allocates only while it grows.
public struct Tally: ~Copyable {
    var symbols = SymbolTable()
    private var cells: UnsafeMutablePointer<TallyCell>
    private var hashes: UnsafeMutablePointer<UInt32>
    private var capacity: Int
    /// Number of cells.
    public private(set) var count = 0
    private var slots: UnsafeMutablePointer<UInt32>
    private var slotMask: Int
    /// Estimated nanoseconds of script time.
    public private(set) var cost: Int32 = 0
    /// Events folded into it.
    public internal(set) var eventCount: Int64 = 0
    /// Least record timestamp of those events, or Int64.max.
    public internal(set) var oldestTimestamp = Int64.max
    /// Own records by partition slot: accepted, duplicate, ignored, rejected.
    private var outcomes: UnsafeMutablePointer<Int64>
    private let partitionCount: Int

    /// Script time at which a tally is full, in nanoseconds.
    public static var fullCost: Int32 { 3_000_000 }
    /// A delta beyond this goes on in another cell: exact in Lua and in a score.
    static var largestAmount: Int64 { 9_007_199_254_740_991 }

    /// An empty tally for records of `partitionCount` partitions.
    public init(partitionCount: Int) {
        capacity = 64
        cells = .allocate(capacity: capacity)
        hashes = .allocate(capacity: capacity)
        slots = .allocate(capacity: capacity * 2)
        slots.initialize(repeating: 0, count: capacity * 2)
        slotMask = capacity * 2 - 1
        self.partitionCount = max(1, partitionCount)
        outcomes = .allocate(capacity: self.partitionCount * 4)
        outcomes.initialize(repeating: 0, count: self.partitionCount * 4)
        _ = symbols.intern(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    deinit {
        cells.deallocate()
        hashes.deallocate()
        slots.deallocate()
        outcomes.deallocate()
    }

    /// Whether it must be committed before more is folded into it.
    @inline(__always)
    public var isFull: Bool { cost >= Tally.fullCost }

    /// Forgets everything.
    public mutating func removeAll() {
        if count > 0 { slots.update(repeating: 0, count: slotMask + 1) }
        count = 0
        cost = 0
        eventCount = 0
        oldestTimestamp = Int64.max
        outcomes.update(repeating: 0, count: partitionCount * 4)
        symbols.removeAll()
        _ = symbols.intern(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Cell number `index` in the order of its first touch.
    public subscript(index: Int) -> TallyCell { cells[index] }

    /// The bytes of a symbol; valid until the tally changes.
    public func bytes(_ symbol: UInt32) -> UnsafeRawBufferPointer { symbols.bytes(symbol) }

    /// Counts one own record of a partition.
    @inline(__always)
    mutating func count(_ outcome: Outcome, partitionSlot: Int) {
        outcomes[partitionSlot * 4 + min(3, Int(outcome.rawValue))] += 1
    }

    /// Own records of a partition that were accepted, duplicate, ignored and rejected.
    public func outcomes(partitionSlot slot: Int) -> (Int64, Int64, Int64, Int64) {
        (outcomes[slot * 4], outcomes[slot * 4 + 1], outcomes[slot * 4 + 2], outcomes[slot * 4 + 3])
    }

    /// Merges an entry into its cell.
    @inline(__always)
    mutating func add(_ entry: TallyCell, _ operation: CellOperation) {
        let hash = Tally.hash(entry)
        var slot = Int(hash) & slotMask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if hashes[index] == hash, Tally.isSame(cells[index], entry), !cells[index].isFull {
                merge(entry, operation, into: index)
                return
            }
            slot = (slot + 1) & slotMask
        }
        append(entry, hash, slot, operation)
    }

    @inline(__always)
    private static func hash(_ cell: TallyCell) -> UInt32 {
        let first =
            UInt64(cell.set) << 48 | UInt64(cell.window.rawValue) << 40
            ^ UInt64(UInt32(bitPattern: cell.number))
        let second = UInt64(cell.organization) << 40 ^ UInt64(cell.scope) << 20 ^ UInt64(cell.field)
        let mixed = Hashing.mix(first ^ 0x9E37_79B9_7F4A_7C15, second ^ 0xE703_7ED1_A0B4_28DB)
        return UInt32(truncatingIfNeeded: mixed ^ mixed >> 32)
    }

    @inline(__always)
    private static func isSame(_ left: TallyCell, _ right: TallyCell) -> Bool {
        left.number == right.number && left.field == right.field && left.set == right.set
            && left.window == right.window && left.organization == right.organization
            && left.scope == right.scope
    }

    @inline(__always)
    private mutating func merge(_ entry: TallyCell, _ operation: CellOperation, into index: Int) {
        switch operation {
        case .add, .addScore:
            let sum = cells[index].amount + entry.amount
            if abs(sum) <= Tally.largestAmount {
                cells[index].amount = sum
            } else {
                cells[index].isFull = true
                add(entry, operation)
            }
        case .minimum: cells[index].amount = min(cells[index].amount, entry.amount)
        case .maximum: cells[index].amount = max(cells[index].amount, entry.amount)
        case .distinct: break
        case .first, .last:
            let old = cells[index]
            if old.amount == entry.amount {
                if isGreater(entry.payload, old.payload) { cells[index].payload = entry.payload }
            } else if (entry.amount < old.amount) == (operation == .first) {
                cells[index].amount = entry.amount
                cells[index].payload = entry.payload
            }
        }
    }

    private func isGreater(_ left: UInt32, _ right: UInt32) -> Bool {
        symbols.bytes(right).lexicographicallyPrecedes(symbols.bytes(left))
    }

    @inline(never)
    private mutating func append(
        _ entry: TallyCell, _ hash: UInt32, _ slot: Int, _ operation: CellOperation
    ) {
        var slot = slot
        if count == capacity {
            grow()
            slot = Int(hash) & slotMask
            while slots[slot] != 0 { slot = (slot + 1) & slotMask }
        }
        (cells + count).initialize(to: entry)
        hashes[count] = hash
        count += 1
        cost += operation.cost
        slots[slot] = UInt32(count)
    }

    private mutating func grow() {
        let bigger = UnsafeMutablePointer<TallyCell>.allocate(capacity: capacity * 2)
        bigger.moveInitialize(from: cells, count: count)
        cells.deallocate()
        cells = bigger
        let more = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2)
        more.moveInitialize(from: hashes, count: count)
        hashes.deallocate()
        hashes = more
        capacity *= 2
        slots.deallocate()
        slots = .allocate(capacity: capacity * 2)
        slots.initialize(repeating: 0, count: capacity * 2)
        slotMask = capacity * 2 - 1
        for index in 0..<count {
            var slot = Int(hashes[index]) & slotMask
            while slots[slot] != 0 { slot = (slot + 1) & slotMask }
            slots[slot] = UInt32(index + 1)
        }
    }
}
