internal import Ledger
internal import Metering
internal import Redis

/// Shards that wait for their nodes.
extension LaneCore {
    /// Lets a shard wait for its node; what it has handed over and what it folds stays.
    ///
    /// Nothing of it may be on its way. Where it waits already, that wait goes on, and so does one
    /// that seemed to be over if no commit was applied since.
    mutating func beginMoving(_ shard: Int, _ moving: Moving) {
        guard shards[shard].moving == nil else { return }
        var moving = moving
        if let before = shards[shard].unproven { moving.follow(before) }
        shards[shard].unproven = nil
        shards[shard].moving = moving
    }

    /// Ends the wait of a shard: its marks were read from a node that may take its commits.
    ///
    /// Until one is applied, or nothing is left to be sent again, the wait is remembered.
    mutating func endMoving(_ shard: Int) {
        shards[shard].unproven = shards[shard].moving
        shards[shard].moving = nil
    }

    /// Forgets the wait before: what happens next is another one.
    mutating func forgetWait(_ shard: Int) { shards[shard].unproven = nil }

    /// Whether some shard waits because its node refuses commits.
    var hasRefused: Bool { shards.contains { $0.waiting?.reason == .refused } }

    /// Shards whose node has refused a commit and was not seen to take writes since.
    func refused(among shards: [Int]) -> [Int] {
        shards.filter { self.shards[$0].moving?.reason == .refused }
    }

    /// Refused cells of shards set aside that are to be looked at now; the next look comes later,
    /// also where this one gets no answer.
    mutating func takeDueCells(now: Milliseconds) -> [(shard: Int, cell: RefusedCell)] {
        var due: [(shard: Int, cell: RefusedCell)] = []
        for shard in shards.indices {
            guard shards[shard].moving == nil, let aside = shards[shard].aside,
                let cell = aside.refused, let lookAt = aside.lookAt, now >= lookAt
            else { continue }
            due.append((shard, cell))
            keepAside(shard, now: now)
        }
        return due
    }

    /// Lets a shard that is set aside because of a cell count from its marks, once they are read.
    mutating func takeUp(_ shard: Int, now: Milliseconds) {
        guard shards[shard].aside?.refused != nil else { return }
        let words = "its records take changes again"
        shards[shard].aside = Aside(refused: nil, reason: words, isWaiting: true)
        beginMoving(shard, Moving(.marks, words: words, now: now))
    }

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
