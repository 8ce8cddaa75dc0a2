internal import Ledger
internal import Metering
internal import Redis

/// Shards that wait for their nodes.
extension LaneCore {
    /// Lets a shard wait for its node; what it has handed over and what it folds stays.
    ///
    /// Nothing of it may be on its way. One that waits already goes on as it does.
    mutating func beginMoving(_ shard: Int, _ moving: Moving) {
        guard shards[shard].moving == nil else { return }
        shards[shard].moving = moving
    }

    /// Ends the wait of a shard: its marks were read from a node that may take its commits.
    mutating func endMoving(_ shard: Int) { shards[shard].moving = nil }

    /// Gives up the tallies of a shard that waits; its records are read again later.
    ///
    /// So a shard that waits holds two tallies at most, whatever comes meanwhile.
    mutating func setAsideWaiting(_ shard: Int) {
        setAside(shard, Aside(refused: nil, reason: "it waits for its node", isWaiting: true))
    }

    /// Where a shard's ranges begin, by slot: it changes with each tally that is handed over.
    func starts(shard: Int) -> [Int64] {
        partitions.indices.map { cursors[$0].start(shard: shard) }
    }

    /// Shards that wait and are to be looked at now.
    func dueMoving(now: Milliseconds) -> [Int] {
        shards.indices.filter { shards[$0].moving.map { now >= $0.lookAt } ?? false }
    }

    /// Whether any shard waits.
    var hasMoving: Bool { shards.contains { $0.moving != nil } }

    /// Whether the marks of a shard fit what this lane has counted, by records at one offset.
    ///
    /// `witnesses`: by slot, a record that was counted from the log.
    func fit(_ marks: ShardMarks, witnesses: [Fingerprint?]) -> ShardGuard.Fit {
        for (slot, mark) in marks.marks.enumerated() {
            guard let found = mark.fingerprint else { continue }
            let sent = shards[marks.shard].sent.first { $0.slot == slot }?.fingerprint
            let known = [witnesses[slot], newest(slot: slot), firstTaken[slot], sent]
            let same = known.compactMap { $0 }.filter { $0.offset == found.offset }
            if !same.isEmpty, !same.contains(found) { return .differs }
        }
        return .fits
    }
}

extension Moving {
    /// How long a shard waits after an outcome; nil where it need not, or where all must.
    init?(_ outcome: CommitOutcome, now: Milliseconds) {
        switch outcome {
        case .unknown(let error): self.init(.lost, words: error.message, now: now)
        case .mismatch, .contract: self.init(.marks, now: now)
        case .refused(let code, let message) where code != CommitOutcome.clockAhead:
            self.init(Reason(code: code) ?? .refused, words: message, now: now)
        case .applied, .torn, .cellRefused, .scopes, .refused: return nil
        }
    }
}
