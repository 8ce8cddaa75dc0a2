import CEventScan

/// The ids of the last N offsets of one partition: tells duplicates, by the log alone.
///
/// A ring of entries in the order of their offsets, each 96 bits of keyed hash and the offset's low
/// 32 bits, and an open-addressing index of ring positions: 16 + 8 = 24 bytes an id. The index keeps
/// beside each position some hash bits and how far it stands from its home, so that look-ups of new ids
/// and removals seldom touch the ring: both tables are far larger than a cache. One thread.
public struct SeenWindow: ~Copyable {
    private struct Entry {
        var high: UInt64
        var low: UInt32
        var offset: UInt32
    }

    /// How many offsets before a record are looked at; 0 = no dedupe.
    public let span: Int64
    private let ring: UnsafeMutablePointer<Entry>
    private let ringMask: Int
    private let index: UnsafeMutablePointer<UInt32>
    private let indexMask: Int
    private let positionBits: UInt32
    private let positionMask: UInt32
    /// Greatest distance from home that stands in the index, which means that or more; 0 = none does.
    private let farthest: Int
    private let tagMask: UInt32
    private var head = 0
    private var tail = 0
    private var lastOffset: Int64 = -1
    private static var empty: UInt32 { UInt32.max }

    /// A window over `span` offsets, 0 … 2^28.
    public init(span: Int64) {
        precondition((0...(1 << 28)).contains(span))
        self.span = span
        var capacity = 16
        while capacity < Int(span) { capacity <<= 1 }
        ringMask = capacity - 1
        ring = LargeMemory.allocate(capacity)
        indexMask = capacity * 2 - 1
        index = LargeMemory.allocate(capacity * 2)
        index.initialize(repeating: Self.empty, count: capacity * 2)
        positionBits = UInt32(capacity.trailingZeroBitCount)
        positionMask = UInt32(capacity - 1)
        let distanceBits: UInt32 = positionBits <= 22 ? 4 : 0
        farthest = (1 << Int(distanceBits)) - 1
        tagMask = UInt32.max << (positionBits + distanceBits)
    }

    deinit {
        ring.deallocate()
        index.deallocate()
    }

    /// Bytes of memory that the window holds.
    public var byteCount: Int {
        (ringMask + 1) * MemoryLayout<Entry>.stride + (indexMask + 1) * MemoryLayout<UInt32>.stride
    }

    /// Forgets everything: before every step back.
    public mutating func removeAll() {
        index.update(repeating: Self.empty, count: indexMask + 1)
        head = 0
        tail = 0
        lastOffset = -1
    }

    /// Fetches the cache line in which the look-up of an id will begin, and one for an id that leaves soon.
    @inline(__always)
    public func prefetch(_ hash: (UInt64, UInt64)) {
        guard span > 0 else { return }
        es_prefetch(index + (Int(truncatingIfNeeded: hash.0) & indexMask))
        // The ring is walked in order, so the processor has it; what it points to, we know first.
        let leaving = ring + ((tail &+ 8) & ringMask)
        if head &- tail > 8 {
            es_prefetch(index + (Int(truncatingIfNeeded: leaving.pointee.high) & indexMask))
        }
    }

    /// Enters the valid record at `offset` and tells whether it is a duplicate.
    ///
    /// Offsets must rise.
    public mutating func insert(_ hash: (UInt64, UInt64), at offset: Int64) -> Bool {
        guard span > 0 else { return false }
        if lastOffset >= 0, offset - lastOffset > span { removeAll() }
        lastOffset = offset
        evict(before: offset - span)
        let isDuplicate = forget(hash)
        // The oldest of the N offsets was looked at; no later record will, and its place is needed.
        evict(before: offset - span + 1)
        let position = head & ringMask
        ring[position] = Entry(
            high: hash.0, low: UInt32(truncatingIfNeeded: hash.1),
            offset: UInt32(truncatingIfNeeded: offset))
        head &+= 1
        let home = Int(truncatingIfNeeded: hash.0) & indexMask
        var slot = home
        while index[slot] != Self.empty { slot = (slot + 1) & indexMask }
        index[slot] = tag(hash.0) | distance(slot, from: home) | UInt32(position)
        return isDuplicate
    }

    /// Takes an id out of the index where it is there, and tells whether it was; its entry stays in
    /// the ring as an orphan until its offset leaves.
    @inline(__always)
    private mutating func forget(_ hash: (UInt64, UInt64)) -> Bool {
        let low = UInt32(truncatingIfNeeded: hash.1)
        let wanted = tag(hash.0)
        var slot = Int(truncatingIfNeeded: hash.0) & indexMask
        while index[slot] != Self.empty {
            if index[slot] & tagMask == wanted {
                let position = Int(index[slot] & positionMask)
                if ring[position].high == hash.0, ring[position].low == low {
                    remove(from: slot)
                    return true
                }
            }
            slot = (slot + 1) & indexMask
        }
        return false
    }

    /// Hash bits that stand beside a position; never all ones, so that no word means empty by chance.
    @inline(__always)
    private func tag(_ high: UInt64) -> UInt32 {
        let value = UInt32(truncatingIfNeeded: high >> 32) & tagMask
        return value == tagMask ? 0 : value
    }

    /// How far a slot is from its home, as it stands in the index.
    @inline(__always)
    private func distance(_ slot: Int, from home: Int) -> UInt32 {
        UInt32(min(farthest, (slot &- home) & indexMask)) << positionBits
    }

    private mutating func evict(before offset: Int64) {
        let oldest = UInt32(truncatingIfNeeded: offset)
        while tail != head {
            let position = tail & ringMask
            // Offsets alive are within 2^28 of each other, so the difference of low bits has a sign.
            guard Int32(bitPattern: ring[position].offset &- oldest) < 0 else { return }
            remove(position)
            tail &+= 1
        }
    }

    /// Takes a ring position out of the index where it is there.
    @inline(__always)
    private mutating func remove(_ position: Int) {
        var slot = Int(truncatingIfNeeded: ring[position].high) & indexMask
        while index[slot] & positionMask != UInt32(position) || index[slot] == Self.empty {
            if index[slot] == Self.empty { return }  // an orphan: a duplicate took its place
            slot = (slot + 1) & indexMask
        }
        remove(from: slot)
    }

    /// Empties a slot of the index, moving later ones of its run back.
    @inline(__always)
    private mutating func remove(from start: Int) {
        var slot = start
        var next = (slot + 1) & indexMask
        while index[next] != Self.empty {
            let away = distance(of: next)
            if away >= (next &- slot) & indexMask {
                let home = (next &- away) & indexMask
                let word = index[next] & (tagMask | positionMask)
                index[slot] = word | distance(slot, from: home)
                slot = next
            }
            next = (next + 1) & indexMask
        }
        index[slot] = Self.empty
    }

    /// How far what stands in a slot is from its home.
    @inline(__always)
    private func distance(of slot: Int) -> Int {
        let near = Int(index[slot] & ~tagMask) >> Int(positionBits)
        if near < farthest { return near }
        let home = Int(truncatingIfNeeded: ring[Int(index[slot] & positionMask)].high) & indexMask
        return (slot &- home) & indexMask
    }
}
