/// How far a lane has read one partition, and what each shard has taken of it.
///
/// This is the arithmetic of exactly once. `position` is the next offset that the lane takes. For
/// each shard, the folding tally covers `[start, end)` with end = max(position, folded). A record
/// below `folded` is in the shard's cells or tallies already and is skipped for that shard.
/// `position` is below `folded` only while records are read again: to warm up the dedupe window, or
/// after a step back for another shard. No input or output. One thread.
public struct PartitionCursor: ~Copyable {
    /// Next offset that the lane takes; records below it are dropped.
    public private(set) var position: Int64
    /// The dedupe window: ids of the last N offsets.
    public var seen: SeenWindow
    /// Records taken since this cursor was made.
    private var delivered: Int64 = 0
    /// Offsets without a record that were passed since this cursor was made.
    private var gaps: Int64 = 0
    /// The lowest `folded` of the shards that `position` has not reached yet.
    private var nextCrossing: Int64 = Int64.max
    /// The lowest offset for which the dedupe window is warm: reading began N offsets before it.
    private var warmedFor: Int64
    private let shards: UnsafeMutablePointer<ShardCursor>
    private let shardCount: Int

    /// What one shard has taken of the partition.
    struct ShardCursor {
        /// Where the folding tally starts.
        var start: Int64
        /// The first offset that the shard has not taken; `Int64.max`: it is set aside.
        var folded: Int64
        /// The cursor's counters when `position` reached `folded`; without meaning before that.
        var deliveredBase: Int64 = 0
        var gapsBase: Int64 = 0
        /// What the folding tally covers besides what followed `base`: taken before a step back.
        var deliveredCarry: Int64 = 0
        var gapsCarry: Int64 = 0
        /// Whether `position` has reached `folded`.
        var isCrossed: Bool
    }

    /// What a commit says of the partition for one shard.
    public struct Range: Sendable, Equatable {
        /// The mark that Redis must hold before the commit.
        public var from: Int64
        /// The mark after the commit.
        public var to: Int64
        /// Records in between, whatever their shard.
        public var delivered: Int64
        /// Offsets in between that hold no record.
        public var gaps: Int64
    }

    /// A cursor that starts to read at `position`, with shard s at `marks[s]`.
    ///
    /// The shards in `aside` are set aside: they take nothing until they are reset.
    public init(position: Int64, marks: [Int64], aside: Set<Int> = [], span: Int64) {
        self.position = position
        warmedFor = marks.indices.filter { !aside.contains($0) }.map { marks[$0] }.min() ?? position
        seen = SeenWindow(span: span)
        shardCount = marks.count
        shards = .allocate(capacity: marks.count)
        for (shard, mark) in marks.enumerated() {
            (shards + shard).initialize(
                to: ShardCursor(
                    start: mark, folded: aside.contains(shard) ? Int64.max : mark,
                    isCrossed: false))
        }
        settleCrossings()
    }

    deinit { shards.deallocate() }

    /// Whether the record at `offset` is already taken for that shard.
    @inline(__always)
    public func isFolded(_ offset: Int64, shard: Int) -> Bool { offset < shards[shard].folded }

    /// Moves to the record at `offset` ≥ `position`, before it is folded.
    @inline(__always)
    mutating func arrive(at offset: Int64) {
        if offset >= nextCrossing { cross(upTo: offset) }
        gaps += offset - position
        position = offset
    }

    /// The record at `position` is taken.
    @inline(__always)
    mutating func take() {
        delivered += 1
        position += 1
        if position >= nextCrossing { cross(upTo: position) }
    }

    /// The log holds nothing between `position` and `offset`: gaps at the tail.
    public mutating func skip(to offset: Int64) {
        guard offset > position else { return }
        arrive(at: offset)
        if position >= nextCrossing { cross(upTo: position) }
    }

    private mutating func cross(upTo offset: Int64) {
        for shard in 0..<shardCount where !shards[shard].isCrossed && shards[shard].folded <= offset
        {
            shards[shard].isCrossed = true
            shards[shard].deliveredBase = delivered
            shards[shard].gapsBase = gaps + (shards[shard].folded - position)
        }
        findNextCrossing()
    }

    private mutating func findNextCrossing() {
        nextCrossing = Int64.max
        for shard in 0..<shardCount where !shards[shard].isCrossed {
            nextCrossing = min(nextCrossing, shards[shard].folded)
        }
    }

    private mutating func settleCrossings() {
        findNextCrossing()
        if position >= nextCrossing { cross(upTo: position) }
    }

    /// The mark from which the folding tally of a shard starts.
    public func start(shard: Int) -> Int64 { shards[shard].start }

    /// End of what a shard has taken: the next offset to apply once its tallies are committed.
    public func end(shard: Int) -> Int64 {
        shards[shard].isCrossed ? position : shards[shard].folded
    }

    /// The range that the folding tally of a shard covers now; empty where from = to.
    public func range(shard: Int) -> Range {
        let cursor = shards[shard]
        guard cursor.folded != Int64.max else {
            return Range(from: cursor.start, to: cursor.start, delivered: 0, gaps: 0)
        }
        var range = Range(
            from: cursor.start, to: end(shard: shard), delivered: cursor.deliveredCarry,
            gaps: cursor.gapsCarry)
        if cursor.isCrossed {
            range.delivered += delivered - cursor.deliveredBase
            range.gaps += gaps - cursor.gapsBase
        }
        return range
    }

    /// The folding tally of a shard was handed to its commit: the next one starts where it ended.
    public mutating func handOver(shard: Int) {
        let end = end(shard: shard)
        shards[shard].start = end
        shards[shard].folded = max(shards[shard].folded, end)
        shards[shard].deliveredCarry = 0
        shards[shard].gapsCarry = 0
        shards[shard].deliveredBase = delivered
        shards[shard].gapsBase = gaps
    }

    /// The tallies of a shard were dropped: it is at `mark` again.
    ///
    /// The lane steps back where `mark` < `position`.
    public mutating func reset(shard: Int, to mark: Int64) {
        shards[shard] = ShardCursor(start: mark, folded: mark, isCrossed: mark == position)
        if mark == position {
            shards[shard].deliveredBase = delivered
            shards[shard].gapsBase = gaps
        }
        findNextCrossing()
        if position >= nextCrossing, mark < position {
            // The shard is behind the position: it takes nothing until the lane has stepped back.
            shards[shard].isCrossed = false
            nextCrossing = Int64.max
        }
    }

    /// Sets a shard aside: it takes nothing until it is reset.
    public mutating func setAside(shard: Int) {
        shards[shard].folded = Int64.max
        shards[shard].isCrossed = false
        findNextCrossing()
    }

    /// The lane reads again from `offset` < `position`.
    ///
    /// What was taken stays taken; the dedupe window is emptied and warms up from there.
    public mutating func stepBack(to offset: Int64) {
        for shard in 0..<shardCount where shards[shard].isCrossed {
            shards[shard].deliveredCarry += delivered - shards[shard].deliveredBase
            shards[shard].gapsCarry += gaps - shards[shard].gapsBase
            shards[shard].folded = position
            shards[shard].isCrossed = false
        }
        warmedFor = (0..<shardCount).reduce(Int64.max) { min($0, shards[$1].folded) }
        position = offset
        seen.removeAll()
        settleCrossings()
    }

    /// The lowest offset that needs a step back; nil when no shard needs one.
    ///
    /// It is below `position`, or the dedupe window is not warm for it: when a mark goes back while
    /// the window warms up, reading must start earlier.
    public var rereadFrom: Int64? {
        var lowest = Int64.max
        for shard in 0..<shardCount where !shards[shard].isCrossed {
            lowest = min(lowest, shards[shard].folded)
        }
        // A mark that went back exactly to `position` needs no older record, but a warm window.
        if position < warmedFor, (0..<shardCount).contains(where: { shards[$0].isCrossed }) {
            lowest = min(lowest, position)
        }
        return lowest < max(position, warmedFor) ? lowest : nil
    }

    /// The lowest mark of all shards that are not set aside.
    ///
    /// All that the tallies hold is at or above it.
    public var lowestStart: Int64 {
        var lowest = Int64.max
        for shard in 0..<shardCount where shards[shard].folded != Int64.max {
            lowest = min(lowest, shards[shard].start)
        }
        return lowest == Int64.max ? position : lowest
    }
}
