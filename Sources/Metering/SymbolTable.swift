/// Byte strings by small numbers: equal bytes have the same number, so cells compare as integers.
///
/// Open addressing over raw memory; cleared and reused, it allocates only while it grows. One thread.
struct SymbolTable: ~Copyable {
    private struct Symbol {
        var hash: UInt64
        var offset: UInt32
        var length: UInt32
    }
    private var symbols: UnsafeMutablePointer<Symbol>
    private var symbolCapacity: Int
    private(set) var count = 0
    private var slots: UnsafeMutablePointer<UInt32>
    private var slotMask: Int
    private var arena: UnsafeMutableRawPointer
    private var arenaCapacity: Int
    private var arenaCount = 0

    init(capacity: Int = 64) {
        symbolCapacity = capacity
        symbols = .allocate(capacity: capacity)
        slotMask = capacity * 2 - 1
        slots = .allocate(capacity: capacity * 2)
        slots.initialize(repeating: 0, count: capacity * 2)
        arenaCapacity = capacity * 16
        arena = .allocate(byteCount: arenaCapacity, alignment: 8)
    }

    deinit {
        symbols.deallocate()
        slots.deallocate()
        arena.deallocate()
    }

    mutating func removeAll() {
        guard count > 0 else { return }
        count = 0
        arenaCount = 0
        slots.update(repeating: 0, count: slotMask + 1)
    }

    /// The bytes of a symbol; valid until the next change.
    @inline(__always)
    func bytes(_ symbol: UInt32) -> UnsafeRawBufferPointer {
        let one = symbols[Int(symbol)]
        return UnsafeRawBufferPointer(
            start: arena + Int(one.offset), count: Int(one.length))
    }

    @inline(__always)
    func hash(_ symbol: UInt32) -> UInt64 { symbols[Int(symbol)].hash }

    /// The number of these bytes, new if need be.
    @inline(__always)
    mutating func intern(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let hash = Hashing.table(bytes)
        var slot = Int(truncatingIfNeeded: hash) & slotMask
        while slots[slot] != 0 {
            let symbol = slots[slot] - 1
            let one = symbols[Int(symbol)]
            if one.hash == hash, Int(one.length) == bytes.count,
                equal(arena + Int(one.offset), bytes)
            {
                return symbol
            }
            slot = (slot + 1) & slotMask
        }
        return add(bytes, hash, slot)
    }

    @inline(__always)
    private func equal(_ left: UnsafeMutableRawPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index + 8 <= right.count {
            if left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                != right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            {
                return false
            }
            index += 8
        }
        while index < right.count {
            if left.load(fromByteOffset: index, as: UInt8.self) != right[index] { return false }
            index += 1
        }
        return true
    }

    private mutating func add(
        _ bytes: UnsafeRawBufferPointer, _ hash: UInt64, _ slot: Int
    ) -> UInt32 {
        if count == symbolCapacity {
            grow()
            return intern(bytes)
        }
        while arenaCount + bytes.count > arenaCapacity { growArena() }
        if let base = bytes.baseAddress {
            (arena + arenaCount).copyMemory(from: base, byteCount: bytes.count)
        }
        (symbols + count).initialize(
            to: Symbol(hash: hash, offset: UInt32(arenaCount), length: UInt32(bytes.count)))
        arenaCount += bytes.count
        count += 1
        slots[slot] = UInt32(count)
        return UInt32(count - 1)
    }

    private mutating func grow() {
        let bigger = UnsafeMutablePointer<Symbol>.allocate(capacity: symbolCapacity * 2)
        bigger.moveInitialize(from: symbols, count: count)
        symbols.deallocate()
        symbols = bigger
        symbolCapacity *= 2
        slots.deallocate()
        slots = .allocate(capacity: symbolCapacity * 2)
        slots.initialize(repeating: 0, count: symbolCapacity * 2)
        slotMask = symbolCapacity * 2 - 1
        for symbol in 0..<count {
            var slot = Int(truncatingIfNeeded: symbols[symbol].hash) & slotMask
            while slots[slot] != 0 { slot = (slot + 1) & slotMask }
            slots[slot] = UInt32(symbol + 1)
        }
    }

    private mutating func growArena() {
        let bigger = UnsafeMutableRawPointer.allocate(byteCount: arenaCapacity * 2, alignment: 8)
        bigger.copyMemory(from: arena, byteCount: arenaCount)
        arena.deallocate()
        arena = bigger
        arenaCapacity *= 2
    }
}
