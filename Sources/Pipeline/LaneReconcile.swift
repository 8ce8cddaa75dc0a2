internal import Kafka
internal import Ledger
internal import Metering
internal import Redis

/// Comparing the marks in Redis with what the lane believes, and stepping back where they moved.
extension Lane {
    /// A problem of Kafka or Redis on the way; the lane tries again.
    struct Obstacle: Error {
        var message: String
    }

    /// Looks at the marks of all shards without a commit on its way, every few seconds, also when idle.
    ///
    /// A shard with a commit on its way needs no look: the commit compares. What it finds is only a
    /// suspicion; `reconcileIfDue` reads again with an empty pipeline and acts.
    func lookAtMarksIfDue(_ now: Int64) {
        guard !needsReconcile, now >= reconcileAt, let partitions = core?.partitions else { return }
        reconcileAt = now + Self.checkInterval
        do throws(LedgerError) {
            if watcher == nil || watcher?.isAlive == false { watcher = try openWatcher() }
            guard let marks = try watcher?.readMarks(partitions, shards: nil) else { return }
            keep(marks, of: partitions)
            for one in marks where !(core?.isInFlight(shard: one.shard) ?? true) {
                let offsets = one.marks.map { $0.offset ?? 0 }
                let isSame = core?.compare(shard: one.shard, marks: offsets) == .same
                let aside = core?.shards[one.shard].aside
                let isTorn = one.torn != nil && aside == nil
                let isMended = one.torn == nil && aside?.isTorn ?? false
                if !isWhole(one) || !isSame || isTorn || isMended { needsReconcile = true }
            }
            try retryParked(marks)
        } catch { watcher = nil }
    }

    func openWatcher() throws(LedgerError) -> any LaneWatcher {
        do throws(RedisError) { return try world.connectWatcher() } catch {
            throw LedgerError(error)
        }
    }

    /// Reads all marks where something was lost or moved; needs an empty pipeline.
    func reconcileIfDue(_ now: Int64) {
        guard needsReconcile, !isUnfit, now >= retryAt else { return }
        guard committer?.inFlight == 0 else {
            // Nothing new is sent meanwhile, so that the pipeline runs dry.
            return
        }
        reconcileAt = now + Self.checkInterval
        do throws(Obstacle) {
            try reconcile()
            needsReconcile = false
        } catch {
            needsReconcile = core != nil
            retryAt = now + 500
            trouble(.reconcile, error.message)
            if mode == .folding { hold("Redis") }
            return
        }
        passed(.reconcile, "the marks are known again")
        passed(.marksMoved, "the tallies stand at the marks again")
        // What was refused has landed after all, or was dropped.
        if core?.hasInFlight == false { passed(.refused, "no commit is left that Redis refused") }
    }

    private func reconcile() throws(Obstacle) {
        guard let partitions = core?.partitions else { return }
        let marks = try readMarks(partitions)
        let isRaised = learnWitnesses(from: marks)
        var hasMoved = false
        let now = self.now
        for one in marks {
            if let torn = one.torn {
                if core?.shards[one.shard].aside == nil {
                    core?.setAsideTorn(one.shard, reason: torn)
                    report(.error, "shard-torn", "shard \(one.shard) is torn: \(torn)")
                }
                continue
            }
            let offsets = one.marks.map { $0.offset ?? 0 }
            if core?.shards[one.shard].aside?.isTorn ?? false {
                core?.adopt(shard: one.shard, marks: offsets)
                report(.information, "shard-back", "shard \(one.shard) is no longer torn")
                hasMoved = true
                continue
            }
            switch core?.compare(shard: one.shard, marks: offsets) {
            case .landed: core?.complete(one.shard, now)
            case .resend:
                // One that waits for a look at the log was never sent; the look that let it go asked for an older
                // record than the marks tell of now.
                if isRaised { core?.waitForLook(shard: one.shard) }
                if core?.shards[one.shard].unseenBatch == nil { send(shard: one.shard) }
            case .moved:
                core?.adopt(shard: one.shard, marks: offsets)
                hasMoved = true
            case .same, nil: break
            }
        }
        // An earlier step back may have been hindered after its marks were adopted.
        let isBehind = partitions.indices.contains { core?.stepBackTarget(slot: $0) != nil }
        if hasMoved || isBehind { try stepBack() }
    }

    /// All marks of these partitions; makes the ledger, origins and marks again where they are gone.
    func readMarks(_ partitions: [LogPartition]) throws(Obstacle) -> [ShardMarks] {
        let marks = try onLedger { ledger throws(LedgerError) in
            try ledger.readMarks(partitions, shards: nil)
        }
        keep(marks, of: partitions)
        if marks.allSatisfy(isWhole) { return marks }
        try openLedger()
        let origins = try origins(of: partitions)
        return try onLedger { ledger throws(LedgerError) in
            try ledger.createMarks(at: origins)
            return try ledger.readMarks(partitions, shards: nil)
        }
    }

    /// Whether a shard stands under our contract and no mark of it is gone.
    private func isWhole(_ shard: ShardMarks) -> Bool {
        shard.contract.map { Array($0.utf8) } == stamp
            && shard.marks.allSatisfy { $0.offset != nil }
    }

    /// Opens the ledger under our contract; a newer contract is a failure that ends the process.
    func openLedger() throws(Obstacle) {
        do throws(PipelineError) {
            guard let opened = try committer?.open() else {
                throw PipelineError(.redis, "no connection")
            }
            stamp = opened.stamp
            dedupeKey = opened.dedupeKey
        } catch {
            switch error.code {
            case .superseded, .contract, .internal: fail(error)
            // What was changed in Redis under us may be changed back: it is waited for.
            case .unfitServer, .redis, .kafka, .configuration: break
            }
            if error.leavesServer { mustLeave = "Redis refuses: \(error.message)" }
            throw Obstacle(message: error.message)
        }
    }

    func onLedger<Result>(
        _ body: (any LaneLedger) throws(LedgerError) -> Result
    ) throws(Obstacle) -> Result {
        do throws(LedgerError) {
            guard let committer else { throw LedgerError(.corrupt, "no connection") }
            return try body(committer)
        } catch {
            if error.leavesServer { mustLeave = "Redis refuses: \(error.message)" }
            throw Obstacle(message: error.message)
        }
    }

    // MARK: Stepping back

    /// Reads again what some shard has not taken; the windows of ids are emptied and warm up.
    ///
    /// Whoever calls it and gets an obstacle must not fold before it has passed: `hold`.
    private func stepBack() throws(Obstacle) {
        guard let partitions = core?.partitions else { return }
        // Kafka is asked first: no cursor moves unless all of them can.
        var places: [(slot: Int, offset: Int64)] = []
        for slot in partitions.indices {
            guard let target = core?.stepBackTarget(slot: slot) else { continue }
            let name = "\(partitions[slot].topic)/\(partitions[slot].partition)"
            let log = try watermarks(partitions[slot])
            guard log.low <= target else {
                // Loss, or marks to be moved over it: beginning again from the marks handles both.
                establishAgain("\(name): marks went back below the log start")
                return
            }
            let wanted = target - configuration.dedupeWindow
            noteShortWarmUp(
                partitions[slot], from: log.low, wanted: max(wanted, taken[slot].origin))
            let position = core?.position(slot: slot) ?? 0
            places.append((slot: slot, offset: min(position, max(log.low, wanted))))
        }
        for place in places { core?.stepBack(slot: place.slot, to: place.offset) }
        totals.stepsBack += 1
        // Each of them is worth a line, so each has a text of its own.
        report(
            .warning, "step-back",
            "marks went back: reading again from them, step back \(totals.stepsBack) of this lane")
        if mode == .folding, !assignPositions() { throw Obstacle(message: "assign failed") }
    }

    func watermarks(_ partition: LogPartition) throws(Obstacle) -> (low: Int64, high: Int64) {
        do throws(KafkaError) {
            let log = try consumer.watermarks(
                of: TopicPartition(topic: partition.topic, partition: partition.partition),
                timeoutMilliseconds: 5_000)
            standingMarks.logEnds[partition] = log.high
            return log
        } catch { throw Obstacle(message: error.message) }
    }

    // MARK: Shards set aside

    /// Asks for each shard set aside, by reads only, whether its own records would take the change now.
    func lookAside(_ now: Int64) {
        guard committer?.inFlight == 0, let count = core?.shardCount else { return }
        var hasReturned = false
        for shard in 0..<count {
            guard let aside = core?.shards[shard].aside, let lookAt = aside.lookAt, now >= lookAt,
                let cell = aside.refused
            else { continue }
            do throws(Obstacle) {
                let passes = try onLedger { ledger throws(LedgerError) in
                    try ledger.wouldPass(cell)
                }
                guard passes, let partitions = core?.partitions else {
                    core?.keepAside(shard, now: now)
                    continue
                }
                let marks = try onLedger { ledger throws(LedgerError) in
                    try ledger.readMarks(partitions, shards: [shard])
                }
                guard let offsets = marks.first?.marks.map({ $0.offset ?? 0 }) else { continue }
                learnWitnesses(from: marks)
                core?.adopt(shard: shard, marks: offsets)
                report(.information, "shard-back", "shard \(shard) is taken up again")
                hasReturned = true
            } catch {
                needsReconcile = true
                // Those that returned stand behind the position: nothing may be folded before the step back.
                if hasReturned { hold("Redis") }
                return
            }
        }
        guard hasReturned else { return }
        do throws(Obstacle) { try stepBack() } catch {
            needsReconcile = true
            hold("Kafka")
            trouble(.reconcile, error.message)
        }
    }
}

extension LaneCore {
    /// What the marks that stand in Redis mean for a shard.
    enum Comparison: Equatable { case same, landed, resend, moved }

    /// Compares the marks that stand in Redis with what the lane believes.
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
}
