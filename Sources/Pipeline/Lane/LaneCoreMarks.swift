internal import Ledger
internal import Metering

/// Comparing the marks in Redis with what a core believes.
extension LaneCore {
    /// What the marks in Redis mean for a shard.
    enum Comparison: Equatable {
        /// They are as the lane believes, with no commit on its way.
        case same
        /// The commit on its way was applied.
        case landed
        /// The commit on its way was not applied.
        case resend
        /// Somebody else moved them.
        case moved
    }

    /// Compares the marks in Redis with what the lane believes.
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

    /// Whether marks that were read beside the commits have to be read again with none on its way.
    func isSuspect(_ read: ShardMarks) -> Bool {
        let aside = shards[read.shard].aside
        let isTorn = read.torn != nil && aside == nil
        let isRepaired = read.torn == nil && aside?.isTorn ?? false
        let isSame = compare(shard: read.shard, marks: read.offsets) == .same
        return !isSame || isTorn || isRepaired
    }

    /// What follows for a shard from its marks.
    enum Reconciliation: Equatable {
        /// It counts on, or stays set aside.
        case nothing
        /// It is set aside: an undo failed in the middle of a commit.
        case torn(String)
        /// It is no longer torn, and counts from its marks.
        case untorn
        /// The tally that was handed over was not applied: send it again.
        case resend
        /// Its tallies were dropped, and it counts from its marks.
        case moved
    }

    /// Brings a shard to its marks, which were read while nothing was on its way.
    mutating func reconcile(_ read: ShardMarks, now: Milliseconds) -> Reconciliation {
        let shard = read.shard
        if let torn = read.torn {
            guard shards[shard].aside?.isWaiting ?? true else { return .nothing }
            setAsideTorn(shard, reason: torn)
            return .torn(torn)
        }
        if shards[shard].aside?.isTorn ?? false {
            adopt(shard: shard, marks: read.offsets)
            return .untorn
        }
        if shards[shard].aside?.isWaiting ?? false {
            adopt(shard: shard, marks: read.offsets)
            return .moved
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

    /// The lowest mark of a partition among all shards; nil while it is not known.
    ///
    /// Records below it are not read again unless Redis is restored from an older copy. It is not
    /// known while a shard's tallies are dropped: that shard's marks may be lower than the lane
    /// believed.
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

    /// The offset up to which every shard's mark in Redis is certain.
    func committed(slot: Int) -> Int64 {
        var lowest = cursors[slot].lowestStart
        for shard in shards {
            for sent in shard.sent where sent.slot == slot { lowest = min(lowest, sent.range.from) }
        }
        return lowest
    }

    /// Whether any shard is set aside.
    var hasAside: Bool { shards.contains { $0.aside != nil } }
}

extension ShardMarks {
    /// The offsets of its marks; 0 where there is no mark.
    fileprivate var offsets: [Int64] { marks.map { $0.offset ?? 0 } }
}
