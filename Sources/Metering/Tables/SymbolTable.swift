import CTables

/// Two random words in the hash of every name, so that no producer can choose names that collide.
///
/// Each factor of the hash's first product has one of them: otherwise a text could make a factor 0.
struct SymbolSeed: Sendable {
    var first: UInt64
    var last: UInt64

    /// The words of this process; nothing outside it depends on them.
    static let ofProcess = {
        var random = SystemRandomNumberGenerator()
        return SymbolSeed(first: random.next(), last: random.next())
    }()
}

/// A byte string prepared for a look-up: its first and last eight bytes as words, and its hash.
///
/// Two texts of up to 16 bytes are equal exactly when their lengths and words are.
struct SymbolKey {
    let bytes: UnsafeRawBufferPointer
    let first: UInt64
    let last: UInt64
    let hash: UInt32

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, _ seed: SymbolSeed) {
        self.bytes = bytes
        let count = bytes.count
        if count >= 8 {
            first = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
            last = bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        } else {
            first = Self.shortWord(bytes)
            last = 0
        }
        var mixed = Hashing.mix(
            first ^ seed.first, last ^ seed.last ^ UInt64(truncatingIfNeeded: count) << 56)
        if count > 16 {
            for index in stride(from: 8, to: count - 8, by: 8) {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                mixed = Hashing.mix(mixed ^ word, 0xE703_7ED1_A0B4_28DB)
            }
        }
        mixed = Hashing.mix(mixed, 0xA076_1D64_78BD_642F)
        hash = UInt32(truncatingIfNeeded: mixed ^ mixed >> 32)
    }

    /// Up to seven bytes as one word, low byte first.
    @inline(__always)
    private static func shortWord(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var word: UInt64 = 0
        for index in stride(from: bytes.count - 1, through: 0, by: -1) {
            word = word << 8 | UInt64(bytes[index])
        }
        return word
    }

    /// Whether no byte is escaped in a key name.
    @inline(__always)
    var isPlain: Bool {
        let count = bytes.count
        if count < 8 { return count == 0 || NameEscape.isPlain(first | Self.plainFrom(count)) }
        guard NameEscape.isPlain(first), NameEscape.isPlain(last) else { return false }
        guard count > 16 else { return true }
        for index in stride(from: 8, to: count - 8, by: 8)
        where !NameEscape.isPlain(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) {
            return false
        }
        return true
    }

    /// A word with plain bytes from position `count` on and zeros before.
    @inline(__always)
    private static func plainFrom(_ count: Int) -> UInt64 {
        0x6161_6161_6161_6161 << UInt64(count * 8)
    }
}

/// Gives byte strings small numbers, their symbols.
///
/// Equal bytes have the same symbol, so cells compare as integers. The table uses open addressing
/// over raw memory; a slot itself holds the bytes of a short text, so that most look-ups touch one
/// cache line. A table is cleared and used again; it allocates only while it grows, and where it
/// gives memory back. One thread.
struct SymbolTable: ~Copyable {
    private struct Slot {
        var first: UInt64
        var last: UInt64
        var hash: UInt32
        var length: UInt32
        /// The symbol + 1; 0: the slot is free.
        var taken: UInt32
        var offset: UInt32
    }
    private struct Symbol {
        var offset: UInt32
        var length: UInt32
    }
    private let memory: TableMemory
    private let seed: SymbolSeed
    private var symbols: UnsafeMutablePointer<Symbol>
    private var symbolCapacity: Int
    private(set) var count = 0
    private var slots: UnsafeMutablePointer<Slot>
    private var slotMask: Int
    private var arena: UnsafeMutablePointer<UInt8>
    private var arenaCapacity: Int
    private var arenaCount = 0
    private var shrinking = Shrinking(least: 8_192)
    private var arenaShrinking = Shrinking(least: 256 << 10)
    private static var free: Slot {
        Slot(first: 0, last: 0, hash: 0, length: 0, taken: 0, offset: 0)
    }

    /// Whether it holds more texts than the cells of a full tally need.
    ///
    /// That happens when many events add nothing, mostly because they are duplicates.
    private(set) var isLarge = false
    private static var manySymbols: Int { 32_768 }
    private static var manyBytes: Int { 4 << 20 }

    init(capacity: Int = 64, memory: TableMemory, seed: SymbolSeed = .ofProcess) {
        self.memory = memory
        self.seed = seed
        symbolCapacity = capacity
        symbols = memory.allocate(capacity)
        slotMask = capacity * 2 - 1
        slots = memory.allocate(capacity * 2)
        slots.initialize(repeating: Self.free, count: capacity * 2)
        arenaCapacity = capacity * 16
        arena = memory.allocate(arenaCapacity)
    }

    deinit {
        memory.deallocate(symbols, symbolCapacity)
        memory.deallocate(slots, slotMask + 1)
        memory.deallocate(arena, arenaCapacity)
    }

    /// Bytes of memory that it holds.
    var byteCount: Int {
        symbolCapacity * MemoryLayout<Symbol>.stride + (slotMask + 1) * MemoryLayout<Slot>.stride
            + arenaCapacity
    }

    /// Forgets all symbols; keeps the memory, but for what was not needed for some time.
    mutating func removeAll() {
        guard count > 0 else { return }
        let fewer = shrinking.note(used: count, of: symbolCapacity)
        let fewerBytes = arenaShrinking.note(used: arenaCount, of: arenaCapacity)
        count = 0
        isLarge = false
        arenaCount = 0
        if let fewerBytes {
            memory.deallocate(arena, arenaCapacity)
            arenaCapacity = fewerBytes
            arena = memory.allocate(arenaCapacity)
        }
        guard let fewer else {
            slots.update(repeating: Self.free, count: slotMask + 1)
            return
        }
        memory.deallocate(symbols, symbolCapacity)
        memory.deallocate(slots, slotMask + 1)
        symbolCapacity = fewer
        symbols = memory.allocate(fewer)
        slotMask = fewer * 2 - 1
        slots = memory.allocate(fewer * 2)
        slots.initialize(repeating: Self.free, count: fewer * 2)
    }

    /// The bytes of a symbol; valid until the next change.
    @inline(__always)
    func bytes(_ symbol: UInt32) -> UnsafeRawBufferPointer {
        let text = symbols[Int(symbol)]
        return UnsafeRawBufferPointer(start: arena + Int(text.offset), count: Int(text.length))
    }

    /// Prefetches the cache line in which a look-up will begin.
    @inline(__always)
    func prefetch(_ key: SymbolKey) { ct_prefetch(slots + (Int(key.hash) & slotMask)) }

    /// The symbol of these bytes, a new one if they have none.
    @inline(__always)
    mutating func intern(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        intern(SymbolKey(bytes, seed))
    }

    /// The symbol of the key's bytes, a new one if they have none.
    @inline(__always)
    mutating func intern(_ key: SymbolKey) -> UInt32 {
        var index = Int(key.hash) & slotMask
        while slots[index].taken != 0 {
            let slot = slots + index
            if slot.pointee.first == key.first, slot.pointee.last == key.last,
                Int(slot.pointee.length) == key.bytes.count,
                key.bytes.count <= 16
                    || slot.pointee.hash == key.hash
                        && isEqual(
                            UnsafeMutableRawPointer(arena + Int(slot.pointee.offset)), key.bytes)
            {
                return slot.pointee.taken - 1
            }
            index = (index + 1) & slotMask
        }
        return add(key, index)
    }

    /// Compares the bytes between the first and the last word of a key.
    @inline(__always)
    private func isEqual(
        _ left: UnsafeMutableRawPointer, _ right: UnsafeRawBufferPointer
    ) -> Bool {
        for index in stride(from: 8, to: right.count - 8, by: 8)
        where left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            != right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        {
            return false
        }
        return true
    }

    @inline(never)
    private mutating func add(_ key: SymbolKey, _ index: Int) -> UInt32 {
        if count == symbolCapacity {
            grow()
            return intern(key)
        }
        while arenaCount + key.bytes.count > arenaCapacity { growArena() }
        if let base = key.bytes.baseAddress {
            UnsafeMutableRawPointer(arena + arenaCount).copyMemory(
                from: base, byteCount: key.bytes.count)
        }
        let length = UInt32(key.bytes.count)
        (symbols + count).initialize(to: Symbol(offset: UInt32(arenaCount), length: length))
        count += 1
        slots[index] = Slot(
            first: key.first, last: key.last, hash: key.hash, length: length,
            taken: UInt32(count), offset: UInt32(arenaCount))
        arenaCount += key.bytes.count
        isLarge = count >= Self.manySymbols || arenaCount >= Self.manyBytes
        return UInt32(count - 1)
    }

    private mutating func grow() {
        let bigger: UnsafeMutablePointer<Symbol> = memory.allocate(symbolCapacity * 2)
        bigger.moveInitialize(from: symbols, count: count)
        memory.deallocate(symbols, symbolCapacity)
        symbols = bigger
        symbolCapacity *= 2
        let old = slots
        let oldCount = slotMask + 1
        slots = memory.allocate(symbolCapacity * 2)
        slots.initialize(repeating: Self.free, count: symbolCapacity * 2)
        slotMask = symbolCapacity * 2 - 1
        for index in 0..<oldCount where old[index].taken != 0 {
            var free = Int(old[index].hash) & slotMask
            while slots[free].taken != 0 { free = (free + 1) & slotMask }
            slots[free] = old[index]
        }
        memory.deallocate(old, oldCount)
    }

    private mutating func growArena() {
        let bigger: UnsafeMutablePointer<UInt8> = memory.allocate(arenaCapacity * 2)
        bigger.moveInitialize(from: arena, count: arenaCount)
        memory.deallocate(arena, arenaCapacity)
        arena = bigger
        arenaCapacity *= 2
    }
}
