import Synchronization

@testable import Ledger
@testable import Pipeline

/// What must hold once the faults are over.
extension Simulation {
    /// Lets everything work again; members that missed a rebalance hear of it.
    func becomeQuiet() {
        trace.note("quiet")
        isQuiet = true
        server.mood = .well
        server.clockAhead = 0
        server.spoiled = []
        server.cluster?.becomeQuiet()
        server.resetTorn()
        isLogAway = false
        server.drainOrphans()
        group.hear()
        if dice.oneIn(4) { group.rebalance(mayOverlap: false) } else { rejoinWhereStopped() }
    }

    /// Rebalances if a partition is stopped: only its next owner looks at it again.
    func rejoinWhereStopped() {
        if machines.contains(where: { !$0.lane.stopped.isEmpty }) {
            group.rebalance(mayOverlap: false)
        }
    }

    /// What is not counted yet although it could be; nil when all is.
    func missing() -> String? {
        for partition in log.partitions where !isRightlyRefused(partition) {
            let member = "\(SimulatedLog.topic)/\(partition.number)"
            for shard in 0..<server.shardCount {
                let mark = server.content.shards[shard].marks[member]
                // Its next records are gone, and nobody said to go on without them.
                let isBehind = (Int64(mark ?? "") ?? 0) < partition.start
                if isBehind, configuration.onLoss == .stop { continue }
                guard mark == String(partition.end) else {
                    return "shard \(shard) is at \(mark ?? "nothing") of \(partition.end) in"
                        + " \(member); " + machines.map(describe).joined(separator: "; ")
                }
            }
        }
        if let cluster = server.cluster, !cluster.isSettled { return "still open: \(cluster.open)" }
        // Every cell takes its changes again, so nothing may stay parked where a lane looks.
        if machines.contains(where: { $0.lane.assignment?.isOnHold == false }) {
            for shard in 0..<server.shardCount where !server.content.shards[shard].parked.isEmpty {
                return "shard \(shard) still has \(server.content.shards[shard].parked) parked"
            }
            if let shard = shardWithoutOwner() { return "the owner of shard \(shard) is not known" }
        }
        for partition in log.partitions where !log.isCounted(partition.number) {
            let isStopped = machines.contains {
                $0.lane.stopped.contains { $0.partition.partition == partition.number }
            }
            if !isStopped { return "partition \(partition.number) of another log is not stopped" }
        }
        // A caller that asks whether it is ready must not hear of a trouble that is over.
        for machine in machines {
            let blockingTroubles = machine.lane.published.withLock { $0.blockingTroubles }
            if !blockingTroubles.isEmpty {
                return "lane \(machine.number) still says: \(blockingTroubles)"
            }
        }
        return nil
    }

    /// A shard whose marks do not name the node that has it: readers would refuse it.
    private func shardWithoutOwner() -> Int? {
        guard let cluster = server.cluster else { return nil }
        return (0..<server.shardCount).first {
            let marks = server.content.shards[$0].marks
            return marks["!torn"] == nil && marks["!owner"] != cluster.owner($0)?.id
        }
    }

    /// Whether a partition must not be counted: it is another log, or was added to a topic that is.
    private func isRightlyRefused(_ partition: SimulatedPartition) -> Bool {
        guard log.hasOther else { return false }
        return !log.isCounted(partition.number) || server.content.origins?[partition.number] == nil
    }

    /// Under running machines a partition is made again under its name, or
    /// loses its end and gets another.
    ///
    /// An election and a deletion take their time, in which nobody reads the partition.
    func replaceLog() {
        log.leaderless = dice.pick(log.partitions)?.number
        defer { log.leaderless = nil }
        for _ in 0..<12 where failures.isEmpty {
            for machine in machines { turn(machine) }
            clock += 100
        }
        let member = { (partition: SimulatedPartition) in
            "\(SimulatedLog.topic)/\(partition.number)@"
        }
        let known = log.partitions.filter { partition in
            log.isCounted(partition.number)
                && server.content.shards.allSatisfy { $0.marks[member(partition)] != nil }
        }
        guard let partition = known.first(where: { $0.number == log.leaderless }),
            server.content.shards.allSatisfy({ $0.torn == nil }), server.cluster?.isSettled ?? true
        else { return }
        let seen = server.content.shards.compactMap {
            $0.marks[member(partition)].flatMap { Fingerprint(text: $0.utf8)?.offset }
        }
        // In a cluster a lane may begin without the marks of some shards (EXACTLY_ONCE): there each
        // shard alone has to know the log.
        let witness = server.cluster == nil ? seen.max() : seen.min()
        guard let newest = witness, newest >= partition.start else { return }
        server.forgetCopies()
        report.recreations += 1
        if dice.oneIn(3) {
            let cut = Int64(dice.roll(Int(partition.start)...Int(newest)))
            log.truncate(Int(partition.number), from: cut, about: partition.end)
            trace.note("partition \(partition.number) lost its end from \(cut) on")
        } else {
            log.recreate(Int(partition.number), about: partition.end)
            trace.note("partition \(partition.number) is made again")
        }
    }

    private func describe(_ machine: SimulatedMachine) -> String {
        guard let assignment = machine.lane.assignment else {
            return "lane \(machine.number) counts nothing"
        }
        let aside = assignment.core.shards.indices.filter {
            assignment.core.shards[$0].aside != nil
        }
        let moving = assignment.core.shards.map { $0.moving?.text ?? "-" }
        return "lane \(machine.number) has \(assignment.taken.map(\.topicPartition)), on hold "
            + "\(assignment.isOnHold), stopped \(machine.lane.stopped), "
            + "reconciles \(assignment.needsReconcile), aside \(aside), moving \(moving)"
    }

    /// While nothing runs, a partition is created again under its old
    /// name: nothing of it may be counted.
    func recreate() {
        let member = { (partition: SimulatedPartition) in
            "\(SimulatedLog.topic)/\(partition.number)"
        }
        // A shard that never took a record of it has no fingerprint to know it by.
        let known = log.partitions.filter { partition in
            log.isCounted(partition.number)
                && server.content.shards.allSatisfy {
                    $0.marks[member(partition) + "@"] != nil
                        && $0.marks[member(partition)] == String(partition.end)
                }
        }
        guard let partition = dice.pick(known) else { return }
        report.recreations += 1
        killAll()
        log.recreate(Int(partition.number), about: partition.end)
        trace.note("partition \(partition.number) is created again")
        for _ in 0..<dice.roll(1...2) { startMachine() }
        for round in 0..<60 where failures.isEmpty {
            if round == 20 { log.addPartition() }
            for machine in machines { turn(machine) }
            for _ in 0..<20 { server.work() }
            clock += round % 10 == 9 ? 11_000 : 200
        }
        for shard in server.content.shards
        where shard.marks[member(partition)] != String(partition.end) {
            fail("partition \(partition.number) of another log was counted")
        }
        if !machines.contains(where: {
            $0.lane.stopped.contains { $0.partition.partition == partition.number }
        }) {
            fail("partition \(partition.number) of another log is not stopped")
        }
    }

    /// A last look at all shards.
    func checkAll() {
        for shard in 0..<server.shardCount { server.onChange(shard, server[shard], nil) }
        trace.note("caught up: \(report)")
    }
}
