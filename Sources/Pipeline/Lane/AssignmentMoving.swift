internal import Kafka
internal import Ledger

/// Shards that wait for their nodes, each by itself, while the others are committed.
///
/// Where one server has all shards nothing here is called.
extension Assignment {
    /// What is known of the nodes of an assignment's shards.
    struct Nodes {
        /// Orders for the next look.
        var orders = LookRequest()
        /// Number of the look that is awaited; nil when none is.
        var awaited: Int?
        /// Where the ranges of each shard began when the awaited look did; nil where a commit was
        /// on its way or about to be sent.
        var begun: [[Int64]?] = []
        /// The newest marks of each shard that were read.
        var marks: [Int: ShardMarks] = [:]
        /// Shards of which was told that they wait.
        var told: Set<Int> = []
        /// Whether the contract or the marks of a shard are gone, so that the ledger has to be
        /// opened again.
        var mustOpen = false
    }

    /// Does what concerns the nodes of the shards, once a turn.
    func serveNodes(_ nodes: any LaneNodes, _ link: LedgerLink, _ now: Milliseconds) {
        if needsReconcile { waitForMarks(nodes, now) }
        noteObstacles(nodes, now)
        boundMemory()
        if let result = nodes.takeLook(), result.number == self.nodes.awaited {
            self.nodes.awaited = nil
            take(result, nodes, link)
        }
        if isCurrent, isBehind { stepBackForNodes() }
        guard isCurrent else { return }
        look(nodes, now)
        tellMoving()
    }

    /// Lets every shard that is not on its way be compared with its marks.
    private func waitForMarks(_ nodes: any LaneNodes, _ now: Milliseconds) {
        needsReconcile = false
        reconcileAt = now
        for shard in 0..<core.shardCount where core.shards[shard].aside == nil {
            guard !nodes.isOnWay(shard: shard) else { continue }
            core.beginMoving(shard, Moving(.marks, now: now))
        }
    }

    private func noteObstacles(_ nodes: any LaneNodes, _ now: Milliseconds) {
        for shard in 0..<core.shardCount
        where core.shards[shard].moving == nil && core.shards[shard].aside == nil {
            guard let reason = nodes.obstacle(shard: shard), !nodes.isOnWay(shard: shard) else {
                continue
            }
            core.beginMoving(shard, Moving(reason, now: now))
        }
    }

    /// Sets shards aside that wait and can hold no more.
    private func boundMemory() {
        for shard in core.shards.indices
        where core.shards[shard].moving != nil && core.shards[shard].aside == nil {
            if core.isFull(shard: shard) { core.setAsideWaiting(shard) }
        }
    }

    /// Begins a look at the shards that are due, and every few seconds at all of them.
    private func look(_ nodes: any LaneNodes, _ now: Milliseconds) {
        guard !nodes.isLooking else { return }
        var request = self.nodes.orders
        request.shards = core.dueMoving(now: now)
        if now >= reconcileAt {
            reconcileAt = now + Lane.checkInterval
            request.shards = Array(0..<core.shardCount)
        }
        request.probed = core.refused(among: request.shards)
        request.refused = core.takeDueCells(now: now)
        request.shards = Set(request.shards).union(request.refused.map(\.shard)).sorted()
        let hasOrders =
            !request.torn.isEmpty || !request.settled.isEmpty || !request.made.isEmpty
        guard hasOrders || !request.shards.isEmpty else { return }
        if self.nodes.mustOpen, !openAgain(link: lane.link) { request.made = [] }
        lane.lookNumber += 1
        request.number = lane.lookNumber
        request.partitions = core.partitions
        request.stamp = facts.opened.stamp
        request.origins = zip(core.partitions, taken).map { ($0, $1.origin) }
        self.nodes.orders = LookRequest()
        self.nodes.awaited = request.number
        self.nodes.begun = (0..<core.shardCount).map { shard in
            let isQuiet = core.shards[shard].moving != nil || !core.isInFlight(shard: shard)
            return isQuiet && !nodes.isOnWay(shard: shard) ? core.starts(shard: shard) : nil
        }
        nodes.look(request)
    }

    /// Makes the ledger's record again where it is gone, before marks are made; false when that
    /// failed and is tried again later.
    private func openAgain(link: LedgerLink?) -> Bool {
        guard let link, now >= lane.retryAt else { return false }
        do throws(LaneError) {
            try lane.openLedger(link, &facts)
            _ = try lane.origins(of: core.partitions, link, &facts)
            nodes.mustOpen = false
            lane.passed(.reconcile, "the marks are known again")
            return true
        } catch {
            lane.retryAt = now + 500
            lane.trouble(.reconcile, error.message)
            return false
        }
    }

    // MARK: What a look has found

    private func take(_ result: LookResult, _ nodes: any LaneNodes, _ link: LedgerLink) {
        if let failure = result.failure { return lane.fail(PipelineError(failure)) }
        for look in result.looks {
            if let marks = look.marks { self.nodes.marks[look.shard] = marks }
        }
        let known = self.nodes.marks.values.sorted { $0.shard < $1.shard }
        facts.take(known, of: core.partitions, isAside: isAside)
        guard !lane.fitness.isUnfit else { return postpone(result.looks) }
        var settled: [ShardMarks] = []
        for shard in result.passing.sorted() { core.takeUp(shard, now: now) }
        for look in result.looks where isCurrent {
            if core.shards[look.shard].moving != nil {
                // It began to wait meanwhile: the next look is about it as it is.
                guard isAsRead(look.shard) else {
                    core.shards[look.shard].moving?.seen.add(look.facts)
                    continue
                }
                if let marks = judge(look, result.refusals[look.shard], nodes) {
                    settled.append(marks)
                }
            } else {
                suspect(look, nodes)
            }
        }
        guard isCurrent else { return }
        let hasMoved = bring(to: settled, link)
        if hasMoved { stepBackForNodes() }
        retryParked(result.looks, link)
    }

    /// Looks at shards again later: a server that is not fit is neither compared with nor written
    /// to.
    private func postpone(_ looks: [ShardLook]) {
        for look in looks {
            guard let moving = core.shards[look.shard].moving else { continue }
            core.shards[look.shard].moving?.goOn(
                moving.reason, words: moving.words, now: now, roll: lane.world.roll())
        }
    }

    /// Whether nothing of a shard was on its way since the awaited look began: else the marks that
    /// it read were right then, and prove nothing now.
    private func isAsRead(_ shard: Int) -> Bool { nodes.begun[shard] == core.starts(shard: shard) }

    /// Lets a shard wait whose marks, read beside its commits, are not where the lane left them.
    private func suspect(_ look: ShardLook, _ nodes: any LaneNodes) {
        let verdict = verdictOfOtherOwner(look, nodes)
        guard !nodes.isOnWay(shard: look.shard) else { return }
        let seen = SeenOpen(look.facts)
        if !seen.peers.isEmpty {
            core.beginMoving(look.shard, Moving(.open, now: now))
            core.shards[look.shard].moving?.seen = seen
        } else if isAsRead(look.shard), !core.isInFlight(shard: look.shard), let marks = look.marks,
            !facts.isWhole(marks) || core.isSuspect(marks)
        {
            core.beginMoving(look.shard, Moving(.marks, now: now))
        } else if case .split? = verdict {
            core.beginMoving(look.shard, Moving(.keysElsewhere, now: now))
        }
    }

    /// What the guard says of a shard whose marks do not name the node on which it is settled; nil
    /// where they do, and where another node has it.
    ///
    /// Where the guard would settle it there again, an order that it does so was lost: it is given
    /// once more.
    private func verdictOfOtherOwner(
        _ look: ShardLook, _ nodes: any LaneNodes
    ) -> ShardGuard.Verdict? {
        guard let home = nodes.home(of: look.shard), look.facts.owner?.node == home,
            let marks = look.marks, marks.owner != home
        else { return nil }
        let verdict = ShardGuard(look: look).verdict
        if verdict == .settle(owner: home) {
            self.nodes.orders.settled.append((look.shard, home))
        }
        return verdict
    }

    /// Ends a shard's wait or lets it go on; returns its marks when it ends.
    ///
    /// `refusal`: what its node says where it refuses writes.
    private func judge(
        _ look: ShardLook, _ refusal: String?, _ nodes: any LaneNodes
    ) -> ShardMarks? {
        let shard = look.shard
        guard var moving = core.shards[shard].moving else { return nil }
        moving.seen.add(look.facts)
        defer { if core.shards[shard].moving != nil { core.shards[shard].moving = moving } }
        func goOn(_ reason: Moving.Reason) {
            moving.goOn(reason, now: now, roll: lane.world.roll())
        }
        let verdict = ShardGuard(look: look, seen: moving.seen, fingerprint: fit(look)).verdict
        if case .split = verdict {} else { moving.isWhole() }
        switch verdict {
        case .wait(let reason): goOn(reason)
        case .make(let owner):
            self.nodes.mustOpen = true
            self.nodes.orders.made.append((shard, owner))
            goOn(.marks)
        case .settle(let owner):
            guard let marks = look.marks, nodes.canSend(to: owner) else {
                goOn(.lost)
                return nil
            }
            // Nothing is sent again, and nothing read again, before the node takes it.
            if let refusal {
                moving.goOn(.refused, words: refusal, now: now, roll: lane.world.roll())
                return nil
            }
            guard facts.isWhole(marks) else {
                self.nodes.mustOpen = true
                self.nodes.orders.made.append((shard, owner))
                goOn(.marks)
                return nil
            }
            nodes.settle(shard: shard, on: owner)
            if marks.owner != owner { self.nodes.orders.settled.append((shard, owner)) }
            if let before = marks.owner, before != owner { lane.totals.shardMoves += 1 }
            core.endMoving(shard)
            return marks
        case .otherLog:
            // Taking up the partitions again compares the log with the newest record in the marks.
            lane.establishAgain("shard \(shard): its marks know another record than was read")
        case .torn(let reason):
            if reason.hasPrefix(ShardGuard.split) { tear(look, reason) }
            core.endMoving(shard)
            return look.marks
        case .split(let why):
            let keys = look.facts.others.reduce(0) { $0 + $1.keys }
            guard moving.isSplit(keys: keys, now: now) else {
                goOn(.keysElsewhere)
                return nil
            }
            let reason = "\(ShardGuard.split): \(why)"
            tear(look, reason)
            core.endMoving(shard)
            // Where it was told already, the order before did not reach the node.
            let isTold = core.shards[shard].aside?.isTorn ?? false
            core.setAsideTorn(shard, reason: reason)
            if !isTold {
                lane.report(.error, "shard-torn", "shard \(shard) is torn: \(reason)")
            }
        }
        return nil
    }

    /// Orders that a shard is marked as torn.
    private func tear(_ look: ShardLook, _ reason: String) {
        nodes.orders.torn.append((look.shard, reason))
        nodes.orders.births[look.shard] = look.marks?.birth
    }

    /// Whether a shard's marks know the log by a record that this lane has counted.
    private func fit(_ look: ShardLook) -> ShardGuard.Fit {
        guard let marks = look.marks else { return .fits }
        return core.fit(marks, witnesses: taken.map(\.witness))
    }

    private func stepBackForNodes() {
        guard now >= lane.retryAt else { return hold("Kafka") }
        do throws(LaneError) {
            try stepBack()
            lane.passed(.reconcile, "the marks are known again")
        } catch {
            lane.retryAt = now + 500
            lane.trouble(.reconcile, error.message)
            hold("Kafka")
        }
    }

    private func retryParked(_ looks: [ShardLook], _ link: LedgerLink) {
        guard looks.count == core.shardCount else { return }
        // Nothing is written to a shard that waits or is torn.
        let marks = looks.filter {
            core.shards[$0.shard].moving == nil && core.shards[$0.shard].aside == nil
        }.compactMap(\.marks)
        guard !lane.parked.counts.isEmpty || marks.contains(where: { $0.parked > 0 }) else {
            return
        }
        do throws(LedgerError) {
            let watcher = try link.openWatcher()
            try lane.retryParked(marks, contract: facts.opened.stamp, by: watcher)
        } catch { link.closeWatcher() }
    }

    // MARK: What is told

    /// Tells which shards have begun to wait, by reason, and which are committed again.
    private func tellMoving() {
        if !core.hasRefused { lane.passed(.refused, "no commit is left that Redis refused") }
        let waiting = Set(core.shards.indices.filter { core.shards[$0].waiting != nil })
        guard waiting != nodes.told else { return }
        let begun = Dictionary(grouping: waiting.subtracting(nodes.told)) {
            core.shards[$0].waiting?.text ?? ""
        }
        for (text, shards) in begun.sorted(by: { $0.key < $1.key }) {
            lane.report(
                .information, "shard-moving", "\(Self.names(shards)): waiting for the node: \(text)"
            )
        }
        let back = nodes.told.subtracting(waiting).filter { core.shards[$0].aside == nil }
        if !back.isEmpty {
            lane.report(.information, "shard-back", "\(Self.names(Array(back))): committed again")
        }
        nodes.told = waiting
        guard waiting.isEmpty else { return }
        lane.passed(.marksMoved, "the tallies are at the marks again")
    }

    /// Names shards for a log line: a few by number, then how many more.
    private static func names(_ shards: [Int]) -> String {
        let shown = shards.sorted().prefix(8).map(String.init).joined(separator: ", ")
        let rest = shards.count > 8 ? " and \(shards.count - 8) more" : ""
        return "\(shards.count == 1 ? "shard" : "shards") \(shown)\(rest)"
    }
}
