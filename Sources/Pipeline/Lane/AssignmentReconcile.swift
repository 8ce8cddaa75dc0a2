internal import Kafka
internal import Ledger

/// Comparing the marks in Redis with what the lane believes, and stepping back after they moved.
extension Assignment {
    /// Looks at the marks of all shards every few seconds, even when nothing is to be committed.
    ///
    /// Shards with a commit on its way are left out: the commit compares their marks. A difference
    /// is only a suspicion; `reconcileIfDue` reads again with an empty pipeline and acts.
    func lookAtMarksIfDue(_ link: LedgerLink, _ now: Milliseconds) {
        guard !needsReconcile, now >= reconcileAt else { return }
        reconcileAt = now + Lane.checkInterval
        do throws(LedgerError) {
            let watcher = try link.openWatcher()
            let marks = try watcher.readMarks(core.partitions, shards: nil)
            facts.take(marks, of: core.partitions, isAside: isAside)
            for shard in marks where !core.isInFlight(shard: shard.shard) {
                if !facts.isWhole(shard) || core.isSuspect(shard) { needsReconcile = true }
            }
            try lane.retryParked(marks, contract: facts.opened.stamp, by: watcher)
        } catch { link.closeWatcher() }
    }

    func isAside(_ shard: Int) -> Bool { core.shards[shard].aside != nil }

    /// Reads all marks again when something was lost or moved; needs an empty pipeline.
    func reconcileIfDue(_ link: LedgerLink, _ now: Milliseconds) {
        guard needsReconcile, !lane.fitness.isUnfit, now >= lane.retryAt else { return }
        // Nothing new is sent while it is needed, so the pipeline becomes empty.
        guard link.isIdle else { return }
        reconcileAt = now + Lane.checkInterval
        do throws(LaneError) {
            try reconcile(link)
            needsReconcile = false
        } catch {
            lane.retryAt = now + 500
            lane.trouble(.reconcile, error.message)
            return hold("Redis")
        }
        lane.passed(.reconcile, "the marks are known again")
        lane.passed(.marksMoved, "the tallies are at the marks again")
        // The refused commit was applied after all, or was dropped.
        if isCurrent, !core.hasInFlight {
            lane.passed(.refused, "no commit is left that Redis refused")
        }
    }

    /// Reads all marks and brings each shard to them.
    private func reconcile(_ link: LedgerLink) throws(LaneError) {
        let marks = try lane.readMarks(of: core.partitions, link, &facts, isAside: isAside)
        let hasMoved = bring(to: marks, link)
        // An earlier step back may have failed after its marks were adopted.
        if hasMoved || isBehind { try stepBack() }
    }

    /// Whether some partition has to be read again from below its position.
    var isBehind: Bool {
        core.partitions.indices.contains { core.stepBackTarget(slot: $0) != nil }
    }

    /// Brings shards to their marks, which were read with no commit of theirs on its way; true when
    /// some of them count from other marks now.
    func bring(to marks: [ShardMarks], _ link: LedgerLink) -> Bool {
        let isRaised = learnWitnesses(from: marks)
        var hasMoved = false
        let now = self.now
        for read in marks {
            let shard = read.shard
            switch core.reconcile(read, now: now) {
            case .torn(let reason):
                lane.report(.error, "shard-torn", "shard \(shard) is torn: \(reason)")
            case .untorn:
                lane.report(.information, "shard-back", "shard \(shard) is no longer torn")
                hasMoved = true
            case .resend:
                // A tally that still waits for a look was never sent, so it is not sent here
                // either. If the marks know newer records now, the look before did not ask for
                // those.
                if isRaised { core.waitForLook(shard: shard) }
                if core.shards[shard].unseenBatch == nil { send(shard: shard, link) }
                continue
            case .moved: hasMoved = true
            case .nothing: break
            }
            core.forgetWait(shard)
        }
        return hasMoved
    }

    // MARK: Stepping back

    /// Reads again what some shard has not taken; the dedupe windows are emptied and filled again.
    ///
    /// After an error the caller must hold the assignment: nothing may be folded before this has
    /// succeeded.
    func stepBack() throws(LaneError) {
        // Kafka is asked about all partitions first: either all cursors move or none.
        var positions: [(slot: Int, offset: Int64)] = []
        for (slot, partition) in core.partitions.enumerated() {
            guard let target = core.stepBackTarget(slot: slot) else { continue }
            let log = try lane.watermarks(partition, &facts)
            guard log.low <= target else {
                // Records are lost: taking up the partitions again handles that.
                lane.establishAgain("\(partition.name): marks went back below the log start")
                return
            }
            let wanted = target - lane.configuration.dedupeWindow
            lane.noteShortWarmUp(
                partition, from: log.low, wanted: max(wanted, taken[slot].origin))
            let position = core.position(slot: slot)
            positions.append((slot: slot, offset: min(position, max(log.low, wanted))))
        }
        for step in positions { core.stepBack(slot: step.slot, to: step.offset) }
        lane.totals.stepsBack += 1
        // The number makes each text different, so that each is logged.
        lane.report(
            .warning, "step-back",
            "marks went back: reading again from them, step back \(lane.totals.stepsBack) of this "
                + "lane")
        if !isOnHold, !assignPositions() { throw LaneError(message: "assign failed") }
    }

    // MARK: Shards set aside

    /// Asks for each shard set aside, by reads only, whether its own
    /// records would take the change now; where there are nodes, looks at them ask that.
    func lookAside(_ link: LedgerLink, _ now: Milliseconds) {
        guard link.isIdle, link.nodes == nil else { return }
        var hasReturned = false
        for shard in 0..<core.shardCount {
            guard let aside = core.shards[shard].aside, let lookAt = aside.lookAt, now >= lookAt,
                let cell = aside.refused
            else { continue }
            do throws(LaneError) {
                let passes = try link.ask { ledger throws(LedgerError) in
                    try ledger.wouldPass(cell)
                }
                guard passes else {
                    core.keepAside(shard, now: now)
                    continue
                }
                let marks = try link.ask { ledger throws(LedgerError) in
                    try ledger.readMarks(core.partitions, shards: [shard])
                }
                guard let offsets = marks.first?.marks.map({ $0.offset ?? 0 }) else { continue }
                learnWitnesses(from: marks)
                core.adopt(shard: shard, marks: offsets)
                lane.report(.information, "shard-back", "shard \(shard) is taken up again")
                hasReturned = true
            } catch {
                needsReconcile = true
                // Shards that returned have marks below the position: nothing may be folded before
                // the step back.
                if hasReturned { hold("Redis") }
                return
            }
        }
        guard hasReturned else { return }
        do throws(LaneError) { try stepBack() } catch {
            needsReconcile = true
            hold("Kafka")
            lane.trouble(.reconcile, error.message)
        }
    }
}
