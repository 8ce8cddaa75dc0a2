import CTables

/// The ids of the last N offsets of one partition: tells duplicates from the log alone.
///
/// Records may have several events each. It keeps N ids at most, so that its memory does not depend
/// on how many there are: where the last N offsets have more, those of the last N events.
///
/// It has a ring of entries in the order of their offsets, each with 96 bits of a keyed hash and
/// the offset's low 32 bits, and an index of ring positions. Both are far larger than a cache, so
/// every access to another cache line counts. The index keeps some hash bits beside each position,
/// and ids with the same home bucket are in one cache line, except for one id in a hundred. So
/// looking up, adding and removing an id take one line each, seldom two or three.
///
/// Ring and index follow the number of ids (`SeenWindow+Growth.swift`): 24 to 32 bytes an id while
/// they grow, and 16 + 8 = 24 once the window is full. One thread.
public struct SeenWindow: ~Copyable {
    struct Entry {
        var high: UInt64
        var low: UInt32
        var offset: UInt32
    }

    /// How many offsets before a record are looked at; 0: duplicates are not looked for.
    public let span: Int64
    let memory: WindowMemory
    /// Entries in blocks of `blockMask + 1`; `links` has for each block the one that follows it.
    let ring: UnsafeMutablePointer<Entry>
    let links: UnsafeMutablePointer<UInt32>
    let blockMask: Int
    let blockBits: Int
    let mostBlocks: Int
    var blockCount = 1
    /// Buckets of one cache line each.
    ///
    /// Fifteen words hold a ring position with hash bits. The last word, the bucket's state, has a
    /// bit for each word that is taken and, from `passed` on, the number of ids that found this
    /// bucket full and are in a later one of its group.
    var index: UnsafeMutablePointer<UInt32>
    var bucketMask: Int
    let groupMask: Int
    /// Buckets below it are split: hashes have one more bit of their home.
    var splitBuckets = 0
    var positionMask: UInt32
    /// Positions of ids whose group of buckets is full: never, if hashes are random.
    var spilled: [UInt32] = []
    var hasSpilled = false
    /// Where the next entry goes, and the oldest one.
    private var head = 0
    var tail = 0
    private var count = 0
    private var lastOffset: Int64 = -1
    static var bucketWords: Int { 16 }
    static var state: Int { 15 }
    static var taken: UInt32 { 0x7FFF }
    static var passed: UInt32 { 1 << 16 }
    /// 2^3 ids in each bucket, if the ring is full.
    static var bucketBits: Int { 3 }

    /// The most offsets that a window may span: 1.6 GB of memory for each partition.
    ///
    /// A larger one would leave fewer than six hash bits beside a position, so look-ups would often
    /// touch entries of the ring, each a cache miss, only to find another id.
    public static let largestSpan = 1 << 26

    /// How many ids a window has room for at first; the ring grows by as many.
    private static var usualBlock: Int { 1 << 10 }

    /// A window over `span` offsets, 0 … `largestSpan`.
    public init(span: Int64) {
        self.init(span: span, block: Self.usualBlock)
    }

    /// A window whose ring grows by `block` entries, a power of two from 16 on.
    init(span: Int64, block: Int) {
        precondition((0...Self.largestSpan).contains(Int(span)))
        self.span = span
        let capacity = Self.capacity(span: span)
        let first = min(block, capacity)
        blockMask = first - 1
        blockBits = first.trailingZeroBitCount
        mostBlocks = capacity >> blockBits
        memory = WindowMemory(
            linkBytes: mostBlocks * MemoryLayout<UInt32>.stride,
            indexBytes: Self.indexBytes(capacity: capacity),
            ringBytes: capacity * MemoryLayout<Entry>.stride)
        links = memory.links.bindMemory(to: UInt32.self, capacity: mostBlocks)
        ring = memory.ring.bindMemory(to: Entry.self, capacity: capacity)
        index = memory.index.assumingMemoryBound(to: UInt32.self)
        bucketMask = first >> Self.bucketBits - 1
        groupMask = min(bucketMask, Self.largestGroup - 1)
        positionMask = UInt32(first - 1)
    }

    deinit { memory.deallocate() }

    private static func capacity(span: Int64) -> Int {
        var capacity = 16
        while capacity < Int(span) { capacity <<= 1 }
        return capacity
    }

    private static func indexBytes(capacity: Int) -> Int {
        capacity >> bucketBits * bucketWords * MemoryLayout<UInt32>.stride
    }

    /// Bytes of memory of a window over `span` offsets once it is full.
    public static func fullByteCount(span: Int64) -> Int {
        guard span > 0 else { return 0 }
        let capacity = capacity(span: span)
        return capacity * MemoryLayout<Entry>.stride + indexBytes(capacity: capacity)
    }

    /// Bytes of memory that the window holds now.
    public var byteCount: Int {
        guard span > 0 else { return 0 }
        return blockCount << blockBits * MemoryLayout<Entry>.stride
            + (bucketMask + 1 + splitBuckets) * Self.bucketWords * MemoryLayout<UInt32>.stride
    }

    /// How many offsets it reaches back: fewer than its span once it is full because records have
    /// several events.
    public var reach: Int64 {
        guard count >= Int(span), span > 0 else { return span }
        return Int64(UInt32(truncatingIfNeeded: lastOffset) &- ring[tail].offset)
    }

    /// Forgets all ids, as before each step back, and gives their memory back.
    public mutating func removeAll() {
        if blockCount == 1 {
            index.update(repeating: 0, count: (bucketMask + 1) * Self.bucketWords)
        } else {
            memory.removeAll()
            index = memory.index.assumingMemoryBound(to: UInt32.self)
            blockCount = 1
            bucketMask = (blockMask + 1) >> Self.bucketBits - 1
            splitBuckets = 0
            positionMask = UInt32(blockMask)
        }
        spilled = []
        hasSpilled = false
        head = 0
        tail = 0
        count = 0
        lastOffset = -1
    }

    /// Prefetches the cache line in which an id's look-up begins, and those of ids that leave soon.
    @inline(__always)
    public func prefetch(_ hash: (UInt64, UInt64)) {
        guard span > 0 else { return }
        ct_prefetch(bucket(home(hash.0)))
        // A block is read in order, so the entries that leave next are mostly known in advance.
        if count > 32 {
            ct_prefetch(ring + (tail &+ 32))
            ct_prefetch(bucket(home(ring[tail &+ 8].high)))
        }
    }

    /// Enters the id of the valid record at `offset`; returns whether it is a duplicate.
    ///
    /// Offsets must not fall from call to call; a record's events come one after the other, in the
    /// order in which the record has them.
    public mutating func insert(_ hash: (UInt64, UInt64), at offset: Int64) -> Bool {
        guard span > 0 else { return false }
        if lastOffset >= 0, offset - lastOffset > span { removeAll() }
        lastOffset = offset
        evict(before: offset - span)
        let home = home(hash.0)
        let isDuplicate = forget(hash, home)
        // Where each record has one event, this is the oldest offset: it was in the span of this
        // record but is not in that of the next one.
        if count >= Int(span) { dropOldest() }
        ring[head] = Entry(
            high: hash.0, low: UInt32(truncatingIfNeeded: hash.1),
            offset: UInt32(truncatingIfNeeded: offset))
        enter(word(hash.0, home) | UInt32(truncatingIfNeeded: head), home)
        count &+= 1
        head &+= 1
        if head & blockMask == 0 { head = nextBlock(after: head &- 1) }
        return isDuplicate
    }

    private mutating func evict(before offset: Int64) {
        let oldest = UInt32(truncatingIfNeeded: offset)
        while count != 0 {
            // The ring's offsets are within 2^26 of each other: their low bits can be compared.
            guard Int32(bitPattern: ring[tail].offset &- oldest) < 0 else { return }
            dropOldest()
        }
    }

    @inline(__always)
    private mutating func dropOldest() {
        remove(tail)
        count &-= 1
        tail &+= 1
        if tail & blockMask == 0 { tail = Int(links[(tail &- 1) >> blockBits]) << blockBits }
    }

    // MARK: Index

    @inline(__always)
    func home(_ high: UInt64) -> Int {
        let number = Int(truncatingIfNeeded: high) & bucketMask
        return number < splitBuckets
            ? Int(truncatingIfNeeded: high) & (bucketMask << 1 | 1) : number
    }

    @inline(__always)
    func bucket(_ number: Int) -> UnsafeMutablePointer<UInt32> {
        index + number &* Self.bucketWords
    }

    /// The hash bits of an index's word; the ring position goes below them.
    ///
    /// They are those that follow the home's: a split bucket's words have one bit less, 0.
    @inline(__always)
    func word(_ high: UInt64, _ home: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: (high ^ UInt64(truncatingIfNeeded: home)) << Self.bucketBits)
            & ~positionMask
    }

    /// The next bucket of the group; the first one follows the last.
    @inline(__always)
    func next(_ number: Int) -> Int { number & ~groupMask | (number &+ 1) & groupMask }

    mutating func enter(_ word: UInt32, _ home: Int) {
        var number = home
        repeat {
            let words = bucket(number)
            let state = words[Self.state]
            let free = ~state & Self.taken
            if free != 0 {
                words[free.trailingZeroBitCount] = word
                words[Self.state] = state | free & (0 &- free)
                return
            }
            words[Self.state] = state &+ Self.passed
            number = next(number)
        } while number != home
        spill(word & positionMask, home)
    }

    /// Takes an id out of the index; returns whether it was there.
    ///
    /// Its entry stays in the ring, without a word in the index, until its offset leaves.
    @inline(__always)
    private mutating func forget(_ hash: (UInt64, UInt64), _ home: Int) -> Bool {
        let low = UInt32(truncatingIfNeeded: hash.1)
        let wanted = word(hash.0, home)
        var number = home
        repeat {
            let words = bucket(number)
            let state = words[Self.state]
            var same = ct_equal_words(words, ~positionMask, wanted) & state & Self.taken
            while same != 0 {
                let slot = same.trailingZeroBitCount
                let entry = ring[Int(words[slot] & positionMask)]
                if entry.high == hash.0, entry.low == low {
                    empty(slot, of: number, from: home)
                    return true
                }
                same &= same - 1
            }
            if state < Self.passed { break }
            number = next(number)
        } while number != home
        return hasSpilled && forgetSpilled(hash)
    }

    /// Takes a ring position out of the index.
    ///
    /// It may not be there: then a duplicate has replaced it, and `forget` took it out.
    @inline(__always)
    private mutating func remove(_ position: Int) {
        let high = ring[position].high
        let home = home(high)
        let wanted = word(high, home) | UInt32(truncatingIfNeeded: position)
        var number = home
        repeat {
            let words = bucket(number)
            let state = words[Self.state]
            let same = ct_equal_words(words, .max, wanted) & state & Self.taken
            if same != 0 { return empty(same.trailingZeroBitCount, of: number, from: home) }
            if state < Self.passed { break }
            number = next(number)
        } while number != home
        if hasSpilled { removeSpilled(UInt32(truncatingIfNeeded: position)) }
    }

    /// Empties an id's slot in a bucket; the id had passed those from its home on.
    @inline(__always)
    private mutating func empty(_ slot: Int, of number: Int, from home: Int) {
        bucket(number)[Self.state] &= ~(1 << UInt32(slot))
        var before = home
        while before != number {
            bucket(before)[Self.state] -= Self.passed
            before = next(before)
        }
    }
}
