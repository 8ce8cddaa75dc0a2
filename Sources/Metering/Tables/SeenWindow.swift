import CTables

/// The ids of the last N offsets of one partition: tells duplicates from the log alone.
///
/// It has a ring of entries in the order of their offsets, each with 96 bits of a keyed hash and
/// the offset's low 32 bits, and an index of ring positions: 16 + 8 = 24 bytes for each id. Both
/// are far larger than a cache, so every access to another cache line counts. The index keeps some
/// hash bits beside each position, and ids with the same home bucket are in one cache line, except
/// for one id in a hundred. So looking up, adding and removing an id take one line each, seldom two
/// or three. One thread.
public struct SeenWindow: ~Copyable {
    private struct Entry {
        var high: UInt64
        var low: UInt32
        var offset: UInt32
    }

    /// How many offsets before a record are looked at; 0: duplicates are not looked for.
    public let span: Int64
    private let ring: UnsafeMutablePointer<Entry>
    private let ringMask: Int
    /// Buckets of one cache line each.
    ///
    /// Fifteen words hold a ring position with hash bits, or `empty`. The last word, `passed`, is
    /// the number of ids that found this bucket full and are in a later one.
    private let index: UnsafeMutablePointer<UInt32>
    private let bucketMask: Int
    private let positionMask: UInt32
    private var head = 0
    private var tail = 0
    private var lastOffset: Int64 = -1
    private static var empty: UInt32 { UInt32.max }
    private static var bucketWords: Int { 16 }
    private static var passed: Int { 15 }
    private static var slots: UInt32 { 0x7FFF }

    /// The most offsets that a window may span: 1.6 GB of memory for each partition.
    ///
    /// A larger one would leave fewer than six hash bits beside a position, so look-ups would often
    /// touch entries of the ring, each a cache miss, only to find another id.
    public static let largestSpan = 1 << 26

    /// A window over `span` offsets, 0 … `largestSpan`.
    public init(span: Int64) {
        precondition((0...Self.largestSpan).contains(Int(span)))
        self.span = span
        var capacity = 16
        while capacity < Int(span) { capacity <<= 1 }
        ringMask = capacity - 1
        ring = LargeMemory.allocate(capacity)
        // Twice as many words as ids: buckets are half full.
        bucketMask = capacity * 2 / Self.bucketWords - 1
        index = LargeMemory.allocate(capacity * 2)
        positionMask = UInt32(capacity - 1)
        empty()
    }

    deinit {
        LargeMemory.deallocate(ring, ringMask + 1)
        LargeMemory.deallocate(index, (bucketMask + 1) * Self.bucketWords)
    }

    /// Bytes of memory that the window holds.
    public var byteCount: Int {
        (ringMask + 1) * MemoryLayout<Entry>.stride
            + (bucketMask + 1) * Self.bucketWords * MemoryLayout<UInt32>.stride
    }

    /// Forgets all ids, as before each step back.
    public mutating func removeAll() {
        empty()
        head = 0
        tail = 0
        lastOffset = -1
    }

    private func empty() {
        index.initialize(repeating: Self.empty, count: (bucketMask + 1) * Self.bucketWords)
        for bucket in 0...bucketMask { self.bucket(bucket)[Self.passed] = 0 }
    }

    /// Prefetches the cache line in which an id's look-up begins, and those of ids that leave soon.
    @inline(__always)
    public func prefetch(_ hash: (UInt64, UInt64)) {
        guard span > 0 else { return }
        ct_prefetch(bucket(home(hash.0)))
        // The ring is read in order, so the entries that leave next are known in advance.
        if head &- tail > 32 {
            ct_prefetch(ring + ((tail &+ 32) & ringMask))
            ct_prefetch(bucket(home(ring[(tail &+ 8) & ringMask].high)))
        }
    }

    /// Enters the id of the valid record at `offset`; returns whether it is a duplicate.
    ///
    /// Offsets must rise from call to call.
    public mutating func insert(_ hash: (UInt64, UInt64), at offset: Int64) -> Bool {
        guard span > 0 else { return false }
        if lastOffset >= 0, offset - lastOffset > span { removeAll() }
        lastOffset = offset
        evict(before: offset - span)
        let isDuplicate = forget(hash)
        // The oldest offset was in the span of this record but is not in that of the next one.
        evict(before: offset - span + 1)
        let position = head & ringMask
        ring[position] = Entry(
            high: hash.0, low: UInt32(truncatingIfNeeded: hash.1),
            offset: UInt32(truncatingIfNeeded: offset))
        head &+= 1
        enter(word(hash.0, position), home(hash.0))
        return isDuplicate
    }

    // MARK: Index

    @inline(__always)
    private func home(_ high: UInt64) -> Int { Int(truncatingIfNeeded: high) & bucketMask }

    @inline(__always)
    private func bucket(_ number: Int) -> UnsafeMutablePointer<UInt32> {
        index + number * Self.bucketWords
    }

    /// The index's word for a ring position: the position with hash bits beside it.
    ///
    /// The hash bits are never all ones, so no such word equals `empty`.
    @inline(__always)
    private func word(_ high: UInt64, _ position: Int) -> UInt32 {
        let bits = UInt32(truncatingIfNeeded: high >> 32) & ~positionMask
        return (bits == ~positionMask ? 0 : bits) | UInt32(position)
    }

    private mutating func enter(_ word: UInt32, _ home: Int) {
        var number = home
        while true {
            let words = bucket(number)
            let free = ct_equal_words(words, .max, Self.empty) & Self.slots
            if free != 0 {
                words[free.trailingZeroBitCount] = word
                return
            }
            // The loop ends: half of all slots are free.
            words[Self.passed] += 1
            number = (number + 1) & bucketMask
        }
    }

    /// Takes an id out of the index; returns whether it was there.
    ///
    /// Its entry stays in the ring, without a word in the index, until its offset leaves.
    @inline(__always)
    private mutating func forget(_ hash: (UInt64, UInt64)) -> Bool {
        let low = UInt32(truncatingIfNeeded: hash.1)
        let wanted = word(hash.0, 0)
        let first = home(hash.0)
        for step in 0...bucketMask {
            let words = bucket((first + step) & bucketMask)
            var same = ct_equal_words(words, ~positionMask, wanted) & Self.slots
            while same != 0 {
                let slot = same.trailingZeroBitCount
                let entry = ring[Int(words[slot] & positionMask)]
                if entry.high == hash.0, entry.low == low {
                    empty(slot, of: step, from: first)
                    return true
                }
                same &= same - 1
            }
            if words[Self.passed] == 0 { return false }
        }
        return false
    }

    private mutating func evict(before offset: Int64) {
        let oldest = UInt32(truncatingIfNeeded: offset)
        while tail != head {
            let position = tail & ringMask
            // The ring's offsets are within 2^26 of each other: their low bits can be compared.
            guard Int32(bitPattern: ring[position].offset &- oldest) < 0 else { return }
            remove(position)
            tail &+= 1
        }
    }

    /// Takes a ring position out of the index.
    ///
    /// It may not be there: then a duplicate has replaced it, and `forget` took it out.
    @inline(__always)
    private mutating func remove(_ position: Int) {
        let high = ring[position].high
        let wanted = word(high, position)
        let first = home(high)
        for step in 0...bucketMask {
            let words = bucket((first + step) & bucketMask)
            let same = ct_equal_words(words, .max, wanted) & Self.slots
            if same != 0 { return empty(same.trailingZeroBitCount, of: step, from: first) }
            if words[Self.passed] == 0 { return }
        }
    }

    /// Empties an id's slot in the bucket `steps` after its home; the id had passed those between.
    @inline(__always)
    private mutating func empty(_ slot: Int, of steps: Int, from home: Int) {
        bucket((home + steps) & bucketMask)[slot] = Self.empty
        for step in 0..<steps { bucket((home + step) & bucketMask)[Self.passed] -= 1 }
    }
}
