internal import Kafka
internal import Ledger

/// Comparing the marks in Redis with what the lane believes, and stepping back where they moved.
extension Assignment {
    /// Looks at the marks of all shards without a commit on its way, every few seconds, also when
    /// idle.
    ///
    /// A shard with a commit on its way needs no look: the commit compares. What it finds is only a
    /// suspicion; `reconcileIfDue` reads again with an empty pipeline and acts.
    func lookAtMarksIfDue(_ link: LedgerLink, _ now: Int64) {
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

    private func isAside(_ shard: Int) -> Bool { core.shards[shard].aside != nil }

    /// Reads all marks where something was lost or moved; needs an empty pipeline.
    func reconcileIfDue(_ link: LedgerLink, _ now: Int64) {
        guard needsReconcile, !lane.fitness.isUnfit, now >= lane.retryAt else { return }
        // Nothing new is sent meanwhile, so that the pipeline runs dry.
        guard link.isIdle else { return }
        reconcileAt = now + Lane.checkInterval
        do throws(Obstacle) {
            try reconcile(link)
            needsReconcile = false
        } catch {
            lane.retryAt = now + 500
            lane.trouble(.reconcile, error.message)
            return hold("Redis")
        }
        lane.passed(.reconcile, "the marks are known again")
        lane.passed(.marksMoved, "the tallies stand at the marks again")
        // What was refused has landed after all, or was dropped.
        if isCurrent, !core.hasInFlight {
            lane.passed(.refused, "no commit is left that Redis refused")
        }
    }

    private func reconcile(_ link: LedgerLink) throws(Obstacle) {
        let marks = try lane.readMarks(of: core.partitions, link, &facts, isAside: isAside)
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
                // One that waits for a look at the log was never sent; the look that let it go asked
                // for an older record than the marks tell of now.
                if isRaised { core.waitForLook(shard: shard) }
                if core.shards[shard].unseenBatch == nil { send(shard: shard, link) }
            case .moved: hasMoved = true
            case .nothing: break
            }
        }
        // An earlier step back may have been hindered after its marks were adopted.
        let isBehind = core.partitions.indices.contains { core.stepBackTarget(slot: $0) != nil }
        if hasMoved || isBehind { try stepBack() }
    }

    // MARK: Stepping back

    /// Reads again what some shard has not taken; the windows of ids are emptied and warm up.
    ///
    /// A caller that gets an obstacle must not fold before it has passed: `hold`.
    private func stepBack() throws(Obstacle) {
        // Kafka is asked first: no cursor moves unless all of them can.
        var places: [(slot: Int, offset: Int64)] = []
        for (slot, partition) in core.partitions.enumerated() {
            guard let target = core.stepBackTarget(slot: slot) else { continue }
            let log = try lane.watermarks(partition, &facts)
            guard log.low <= target else {
                // Loss, or marks to be moved over it: beginning again from the marks handles both.
                lane.establishAgain("\(partition.name): marks went back below the log start")
                return
            }
            let wanted = target - lane.configuration.dedupeWindow
            lane.noteShortWarmUp(
                partition, from: log.low, wanted: max(wanted, taken[slot].origin))
            let position = core.position(slot: slot)
            places.append((slot: slot, offset: min(position, max(log.low, wanted))))
        }
        for place in places { core.stepBack(slot: place.slot, to: place.offset) }
        lane.totals.stepsBack += 1
        // Each of them is worth a line, so each has a text of its own.
        lane.report(
            .warning, "step-back",
            "marks went back: reading again from them, step back \(lane.totals.stepsBack) of this "
                + "lane")
        if !isOnHold, !assignPositions() { throw Obstacle(message: "assign failed") }
    }

    // MARK: Shards set aside

    /// Asks for each shard set aside, by reads only, whether its own records would take the change
    /// now.
    func lookAside(_ link: LedgerLink, _ now: Int64) {
        guard link.isIdle else { return }
        var hasReturned = false
        for shard in 0..<core.shardCount {
            guard let aside = core.shards[shard].aside, let lookAt = aside.lookAt, now >= lookAt,
                let cell = aside.refused
            else { continue }
            do throws(Obstacle) {
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
                // Those that returned are behind the position: nothing may be folded before the
                // step back.
                if hasReturned { hold("Redis") }
                return
            }
        }
        guard hasReturned else { return }
        do throws(Obstacle) { try stepBack() } catch {
            needsReconcile = true
            hold("Kafka")
            lane.trouble(.reconcile, error.message)
        }
    }
}
