internal import Ledger
internal import Metering

/// What marks say about a core, and a core about marks.
extension LaneCore {
    /// What the marks that are in Redis mean for a shard.
    enum Comparison: Equatable { case same, landed, resend, moved }

    /// Compares the marks that are in Redis with what the lane believes.
    func compare(shard: Int, marks: [Int64]) -> Comparison {
        if shards[shard].aside != nil { return .same }
        if shards[shard].awaitsMarks { return .moved }
        var isLanded = true
        var isBefore = true
        for slot in partitions.indices {
            let sent = shards[shard].sent.first { $0.slot == slot }
            isLanded = isLanded && marks[slot] == cursors[slot].start(shard: shard)
            isBefore =
                isBefore && marks[slot] == sent?.range.from ?? cursors[slot].start(shard: shard)
        }
        if !isInFlight(shard: shard) { return isLanded ? .same : .moved }
        return isLanded ? .landed : isBefore ? .resend : .moved
    }

    /// Whether marks that were read beside the commits give reason to read them again.
    func isSuspect(_ read: ShardMarks) -> Bool {
        let aside = shards[read.shard].aside
        let isTorn = read.torn != nil && aside == nil
        let isMended = read.torn == nil && aside?.isTorn ?? false
        let isSame = compare(shard: read.shard, marks: read.offsets) == .same
        return !isSame || isTorn || isMended
    }

    /// What follows for a shard from its marks, read while nothing was on its way.
    enum Reconciliation: Equatable {
        /// It goes on, or stays set aside.
        case nothing
        /// It is set aside: an undo failed in the middle of a commit.
        case torn(String)
        /// It is no longer torn, and is at its marks again.
        case untorn
        /// The tally that was handed over has not landed: send it again.
        case resend
        /// Its tallies were dropped, it is at its marks again.
        case moved
    }

    /// Brings a shard to its marks, read while nothing was on its way.
    mutating func reconcile(_ read: ShardMarks, now: Int64) -> Reconciliation {
        let shard = read.shard
        if let torn = read.torn {
            guard shards[shard].aside == nil else { return .nothing }
            setAsideTorn(shard, reason: torn)
            return .torn(torn)
        }
        if shards[shard].aside?.isTorn ?? false {
            adopt(shard: shard, marks: read.offsets)
            return .untorn
        }
        switch compare(shard: shard, marks: read.offsets) {
        case .same: return .nothing
        case .landed:
            complete(shard, now)
            return .nothing
        case .resend: return .resend
        case .moved:
            adopt(shard: shard, marks: read.offsets)
            return .moved
        }
    }

    /// The lowest mark of a partition, of all shards: records below it are not read again unless
    /// Redis goes back.
    ///
    /// Nil while it is not known: the marks of a shard whose tallies were dropped may be lower than
    /// the lane believed.
    func leastMark(slot: Int) -> Int64? {
        var least = Int64.max
        for (number, shard) in shards.enumerated() {
            guard shard.aside == nil, !shard.awaitsMarks else { return nil }
            least = min(least, cursors[slot].start(shard: number))
            for sent in shard.sent where sent.slot == slot {
                least = min(least, sent.range.from)
            }
        }
        return least
    }

    /// Whether any shard is set aside.
    var hasAside: Bool { shards.contains { $0.aside != nil } }
}

extension ShardMarks {
    /// Its marks' offsets; 0 where there is no mark.
    fileprivate var offsets: [Int64] { marks.map { $0.offset ?? 0 } }
}
