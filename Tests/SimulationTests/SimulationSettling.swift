@testable import Pipeline

/// What must hold once the faults are over.
extension Simulation {
    /// Everything works again; who does not know of a rebalance hears of it.
    func becomeQuiet() {
        trace.note("quiet")
        isQuiet = true
        server.mood = .well
        server.spoiled = []
        server.resetTorn()
        isLogAway = false
        server.drainOrphans()
        group.hear()
        // A partition that was stopped is looked at again by its next owner only.
        if machines.contains(where: { !$0.lane.stopped.isEmpty }) || dice.oneIn(4) {
            group.rebalance(mayOverlap: false)
        }
    }

    /// What is not counted yet although it could be, or nil.
    func missing() -> String? {
        for partition in log.partitions where !isStoppedRightly(partition) {
            let field = "\(SimulatedLog.topic)/\(partition.number)"
            for shard in 0..<server.shardCount {
                let mark = server.content.shards[shard].marks[field]
                guard mark == String(partition.end) else {
                    return "shard \(shard) stands at \(mark ?? "nothing") of \(partition.end) in"
                        + " \(field); " + machines.map(describe).joined(separator: "; ")
                }
            }
        }
        return nil
    }

    /// Records that some shard has not taken are gone, and nobody said to go on without them.
    private func isStoppedRightly(_ partition: SimulatedPartition) -> Bool {
        guard configuration.onLoss == .stop else { return false }
        let field = "\(SimulatedLog.topic)/\(partition.number)"
        return server.content.shards.contains {
            (Int64($0.marks[field] ?? "") ?? 0) < partition.start
        }
    }

    private func describe(_ machine: SimulatedMachine) -> String {
        let lane = machine.lane
        return "lane \(machine.number) is \(lane.mode), has \(lane.taken.map(\.topicPartition)), "
            + "stopped \(lane.stopped), reconciles \(lane.needsReconcile), aside "
            + "\((0..<server.shardCount).filter { lane.core?.shards[$0].aside != nil })"
    }

    /// A last look at all shards.
    func checkAll() {
        for shard in 0..<server.shardCount { server.onChange(shard, nil) }
        trace.note("caught up: \(report)")
    }
}
