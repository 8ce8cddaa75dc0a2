/// The kind of a key in Redis.
public enum ExpectedShape: UInt8, Sendable {
    case hash
    case sortedSet
    case distinct
}

/// What one cell must hold.
public enum ExpectedValue: Equatable, Sendable {
    case integer(Int64)
    case text([UInt8])
}

/// The keys and cells that must be in Redis.
public struct ExpectedCells: ~Copyable {
    private struct Witness {
        var nanoseconds: Int64
        var value: [UInt8]
    }

    private var keys = ByteInterner()
    private var memberNames = ByteInterner()
    private var shapes: [ExpectedShape] = []
    /// Seconds since 1970; 0: never.
    private var expiriesInSeconds: [Int64] = []
    private var sums: [UInt64: Int64] = [:]
    /// What a sum beyond 64 bits has besides `sums`, in units of 2^64.
    private var carries: [UInt64: Int64] = [:]
    private var extremes: [UInt64: Int64] = [:]
    private var witnesses: [UInt64: Witness] = [:]
    private var distinctValues: Set<UInt64> = []
    private var sorted: [UInt64] = []
    private var isSorted = false
    /// Cells that were changed; nil when they are not noted.
    var changes: Set<UInt64>?
    /// Every change since it was last taken; nil when they are not kept.
    var everyChange: [CellChange]?

    init() {}

    /// The number of keys, empty ones included.
    public var keyCount: Int { keys.count }

    /// The number of a key by its name; nil when no such key is expected.
    public func number(of name: UnsafeRawBufferPointer) -> Int? {
        keys.find(name).map(Int.init)
    }

    /// The name of a key.
    public func name(_ key: Int) -> [UInt8] {
        [UInt8](keys.bytes(UInt32(key)))
    }

    /// The shape of a key.
    public func shape(_ key: Int) -> ExpectedShape {
        shapes[key]
    }

    /// When a key expires, in seconds since 1970; nil: never.
    public func expirySeconds(_ key: Int) -> Int64? {
        expiriesInSeconds[key] == 0 ? nil : expiriesInSeconds[key]
    }

    /// How many cells or values a key has, cells of 0 included; takes a binary search.
    public func count(_ key: Int) -> Int {
        range(key).count
    }

    /// The cells of a hash or sorted set without those of 0; call the oracle's `sortCells` before.
    public func cells(_ key: Int) -> [(member: [UInt8], value: ExpectedValue)] {
        range(key).compactMap { place in
            let cell = sorted[place]
            guard let value = value(cell) else { return nil }
            return ([UInt8](memberNames.bytes(UInt32(truncatingIfNeeded: cell))), value)
        }
    }

    /// The different values of a distinct count; call the oracle's `sortCells` before.
    public func values(_ key: Int) -> [[UInt8]] {
        range(key).map { [UInt8](memberNames.bytes(UInt32(truncatingIfNeeded: sorted[$0]))) }
    }

    /// Moves cells of a key to the key and member that `target` returns; nil: the cell is not
    /// moved.
    ///
    /// The cells must have been sorted before, and must be sorted again after the last move.
    /// `keepsLarger` says for a member which of two extremes is kept.
    public mutating func move(
        _ key: Int, keepsLarger: ([UInt8]) -> Bool,
        to target: ([UInt8]) -> (key: [UInt8], member: [UInt8])?
    ) {
        let expirySeconds = expiriesInSeconds[key]
        let shape = shapes[key]
        for place in lowerBound(UInt64(key) << 32)..<lowerBound(UInt64(key + 1) << 32) {
            let cell = sorted[place]
            let name = [UInt8](memberNames.bytes(UInt32(truncatingIfNeeded: cell)))
            guard let (keyName, memberName) = target(name) else { continue }
            let other =
                keyName.withUnsafeBytes { self.key($0, shape: shape, expirySeconds: expirySeconds) }
                | memberName.withUnsafeBytes { member($0) }
            guard other != cell else { continue }
            if let sum = sums.removeValue(forKey: cell) { add(sum, to: other) }
            if let extreme = extremes.removeValue(forKey: cell) {
                meet(extreme, at: other, keepsLarger: keepsLarger(name))
            }
            if let known = witnesses.removeValue(forKey: cell) {
                witness(
                    known.value, nanoseconds: known.nanoseconds, at: other,
                    keepsLater: keepsLarger(name))
            }
            if distinctValues.remove(cell) != nil { insert(other) }
        }
    }

    /// Sorts the cells by key, so that they can be read.
    mutating func sort() {
        guard !isSorted else { return }
        sorted = Array(sums.keys)
        sorted += extremes.keys
        sorted += witnesses.keys
        sorted += distinctValues
        sorted.sort()
        isSorted = true
    }

    private func range(_ key: Int) -> Range<Int> {
        precondition(isSorted, "sort() comes before reading")
        return lowerBound(UInt64(key) << 32)..<lowerBound(UInt64(key + 1) << 32)
    }

    private func lowerBound(_ cell: UInt64) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < cell { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func value(_ cell: UInt64) -> ExpectedValue? {
        if let sum = sums[cell] {
            if let carry = carries[cell], carry != 0 {
                return .text(Array(String((Int128(carry) << 64) + Int128(sum)).utf8))
            }
            return sum == 0 ? nil : .integer(sum)
        }
        if let extreme = extremes[cell] { return .text(Self.twentyDigits(extreme)) }
        guard let witness = witnesses[cell] else { return nil }
        return .text(Self.twentyDigits(witness.nanoseconds) + [0x3A] + witness.value)
    }

    /// A value as 20 digits whose order as texts is the order of the numbers.
    static func twentyDigits(_ value: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 20)
        writer.put(digits: 20, of: UInt64(bitPattern: value) ^ (1 << 63))
        return [UInt8](writer.bytes)
    }

    mutating func key(
        _ name: UnsafeRawBufferPointer, shape: ExpectedShape, expirySeconds: Int64
    ) -> UInt64 {
        let number = keys.intern(name)
        if Int(number) == shapes.count {
            shapes.append(shape)
            expiriesInSeconds.append(expirySeconds)
        }
        isSorted = false
        return UInt64(number) << 32
    }

    mutating func member(_ name: UnsafeRawBufferPointer) -> UInt64 {
        UInt64(memberNames.intern(name))
    }

    mutating func add(_ amount: Int64, to cell: UInt64) {
        let (sum, isBeyond) = sums[cell, default: 0].addingReportingOverflow(amount)
        sums[cell] = sum
        if isBeyond { carries[cell, default: 0] += amount < 0 ? -1 : 1 }
        note(.add(amount), of: cell)
    }

    mutating func meet(_ value: Int64, at cell: UInt64, keepsLarger: Bool) {
        note(keepsLarger ? .keepGreater(value) : .keepLesser(value), of: cell)
        guard let known = extremes[cell] else { return extremes[cell] = value }
        if keepsLarger ? value > known : value < known { extremes[cell] = value }
    }

    /// Keeps the earliest or latest value; of two with equal times, the bytewise greater one.
    mutating func witness(
        _ value: [UInt8], nanoseconds: Int64, at cell: UInt64, keepsLater: Bool
    ) {
        note(
            keepsLater
                ? .keepLatest(value, nanoseconds: nanoseconds)
                : .keepEarliest(value, nanoseconds: nanoseconds), of: cell)
        if let known = witnesses[cell] {
            let isBetter =
                keepsLater ? nanoseconds > known.nanoseconds : nanoseconds < known.nanoseconds
            let isTie =
                nanoseconds == known.nanoseconds && known.value.lexicographicallyPrecedes(value)
            guard isBetter || isTie else { return }
        }
        witnesses[cell] = Witness(nanoseconds: nanoseconds, value: value)
    }

    mutating func insert(_ cell: UInt64) {
        distinctValues.insert(cell)
        note(.insert, of: cell)
    }

    private mutating func note(_ kind: CellChange.Kind, of cell: UInt64) {
        changes?.insert(cell)
        everyChange?.append(CellChange(kind: kind, cell: cell))
    }

    func memberName(_ cell: UInt64) -> UnsafeRawBufferPointer {
        memberNames.bytes(UInt32(truncatingIfNeeded: cell))
    }
}
