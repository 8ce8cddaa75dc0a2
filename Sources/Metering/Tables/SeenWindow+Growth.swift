import CTables

/// How a window grows: the ring by a block, the index by doubling, a few groups of buckets a block.
///
/// All work is done where the ring enters another block, once in 1,024 ids, and is about as much
/// for every size: there is no moment at which a large table is made.
extension SeenWindow {
    /// Buckets in a group, the unit that is split: an id that finds its home full stays within it.
    static var largestGroup: Int { 16 }

    /// Where the entry after the last one of a block goes.
    ///
    /// That is the block that follows in the ring, or a new one where that still holds the oldest
    /// entry.
    @inline(never)
    mutating func nextBlock(after position: Int) -> Int {
        let block = position >> blockBits
        let next = Int(links[block])
        guard next == tail >> blockBits, blockCount < mostBlocks else { return next << blockBits }
        let new = blockCount
        links[new] = UInt32(next)
        links[block] = UInt32(new)
        blockCount += 1
        growIndex()
        return new << blockBits
    }

    /// Splits as many groups of buckets as a new block of the ring asks for.
    ///
    /// An index for B blocks is split while the last quarter of them is added, and complete when
    /// there are more than B. So each position fits into the bits that it has in words, and no
    /// bucket ever has more ids than when all are full.
    private mutating func growIndex() {
        let blocks = (Int(positionMask) + 1) >> blockBits
        let begin = blocks - blocks / 4
        guard blocks < mostBlocks, blockCount > begin else { return }
        if splitBuckets == 0, Int(bitPattern: index) == Int(bitPattern: memory.index),
            (bucketMask + 1) * Self.bucketWords * MemoryLayout<UInt32>.stride
                == memory.smallIndexBytes
        {
            index = memory.enlargedIndex().assumingMemoryBound(to: UInt32.self)
        }
        let groups = (bucketMask + 1) / (groupMask + 1)
        let due = groups * (blockCount - begin) / (blocks + 1 - begin)
        while splitBuckets < due * (groupMask + 1) { splitGroup() }
        if blockCount > blocks {
            bucketMask = bucketMask << 1 | 1
            positionMask = positionMask << 1 | 1
            splitBuckets = 0
        }
    }

    private struct Held {
        var word: UInt32
        var home: UInt32
    }

    /// Divides the ids of the next group that is not split among its buckets and as many new ones.
    private mutating func splitGroup() {
        var held = InlineArray<240, Held>(repeating: Held(word: 0, home: 0))
        var heldCount = 0
        let first = splitBuckets
        let bit = positionMask + 1
        for number in first...first + groupMask {
            let before = bucket(number & ~groupMask | (number &- 1) & groupMask)
            let isHome = before[Self.state] < Self.passed
            let words = bucket(number)
            var taken = words[Self.state] & Self.taken
            while taken != 0 {
                let word = words[taken.trailingZeroBitCount]
                taken &= taken - 1
                // The lowest hash bit of a word is the next one of its home, so the ring is asked
                // only where an id may be in a later bucket than its home.
                let home =
                    isHome
                    ? number
                    : Int(truncatingIfNeeded: ring[Int(word & positionMask)].high) & bucketMask
                let added = word & bit == 0 ? 0 : bucketMask + 1
                held[heldCount] = Held(word: word & ~bit, home: UInt32(home + added))
                heldCount += 1
            }
        }
        for number in first...first + groupMask { bucket(number)[Self.state] = 0 }
        let positions = hasSpilled ? takeSpilled(ofGroup: first) : []
        splitBuckets = first + groupMask + 1
        for number in 0..<heldCount { enter(held[number].word, Int(held[number].home)) }
        for position in positions {
            let high = ring[Int(position)].high
            let home = home(high)
            enter(word(high, home) | position, home)
        }
    }

    // MARK: Ids whose group is full

    /// Keeps a position outside of the buckets, all of which have counted it as passed.
    @inline(never)
    mutating func spill(_ position: UInt32, _ home: Int) {
        for number in home & ~groupMask...home | groupMask {
            bucket(number)[Self.state] -= Self.passed
        }
        spilled.append(position)
        hasSpilled = true
    }

    @inline(never)
    mutating func forgetSpilled(_ hash: (UInt64, UInt64)) -> Bool {
        let low = UInt32(truncatingIfNeeded: hash.1)
        let place = spilled.firstIndex {
            ring[Int($0)].high == hash.0 && ring[Int($0)].low == low
        }
        guard let place else { return false }
        spilled.remove(at: place)
        hasSpilled = !spilled.isEmpty
        return true
    }

    @inline(never)
    mutating func removeSpilled(_ position: UInt32) {
        if let place = spilled.firstIndex(of: position) { spilled.remove(at: place) }
        hasSpilled = !spilled.isEmpty
    }

    /// Takes out those whose home, before the split, is in the group that begins at `first`.
    private mutating func takeSpilled(ofGroup first: Int) -> [UInt32] {
        let mask = UInt64(bucketMask & ~groupMask)
        let ring = ring
        let taken = spilled.filter { ring[Int($0)].high & mask == UInt64(first) }
        spilled.removeAll { ring[Int($0)].high & mask == UInt64(first) }
        hasSpilled = !spilled.isEmpty
        return taken
    }
}
