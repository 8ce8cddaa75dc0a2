internal import Ledger

/// The marks of all shards where each has a node of its own: those that can be had, so that a node
/// that does not answer keeps nobody from counting what the others have.
struct Survey {
    /// By shard; without any mark where the shard waits.
    var marks: [ShardMarks] = []
    /// All marks that could be read, also of shards that wait: they tell which log was counted.
    var seen: [ShardMarks] = []
    /// Shards that wait for their nodes.
    var waiting: [Int: Moving] = [:]
    /// Orders for the next look.
    var orders = LookRequest()
}

extension Lane {
    /// Looks at every shard and makes marks that are absent, waiting for each node up to a second.
    ///
    /// Throws where no marks can be read.
    func survey(
        _ origins: [(partition: LogPartition, offset: Int64)], _ nodes: any LaneNodes,
        _ facts: AssignmentFacts
    ) throws(LaneError) -> Survey {
        var survey = Survey()
        var found: [Int: ShardMarks] = [:]
        var request = LookRequest()
        request.partitions = facts.partitions
        request.stamp = facts.opened.stamp
        request.origins = origins
        request.shards = Array(0..<configuration.layout.shardCount)
        // The second round sees the marks that the first one has found absent.
        for _ in 0..<2 where !request.shards.isEmpty {
            let result = nodes.lookNow(request)
            if let failure = result.failure {
                fail(PipelineError(failure))
                throw LaneError(message: failure.message)
            }
            request.shards = []
            request.made = []
            for look in result.looks {
                var moving = Moving(.unread, now: now)
                moving.seen.add(look.facts)
                survey.waiting[look.shard] = moving
                if let marks = look.marks { survey.seen.append(marks) }
                switch ShardGuard(look: look).verdict {
                case .settle(let owner):
                    guard let marks = look.marks, nodes.canSend(to: owner) else { continue }
                    guard isWhole(marks, origins, facts) else {
                        request.made.append((look.shard, owner))
                        request.shards.append(look.shard)
                        continue
                    }
                    nodes.settle(shard: look.shard, on: owner)
                    if marks.owner != owner { survey.orders.settled.append((look.shard, owner)) }
                    found[look.shard] = marks
                case .make(let owner):
                    request.made.append((look.shard, owner))
                    request.shards.append(look.shard)
                case .torn: found[look.shard] = look.marks
                case .otherLog, .split: survey.waiting[look.shard]?.reason = .keysElsewhere
                case .wait(let reason): survey.waiting[look.shard]?.reason = reason
                }
            }
        }
        // Without any marks nobody knows which log was counted.
        guard !survey.seen.isEmpty else {
            let reason = survey.waiting.values.first?.reason.rawValue ?? ""
            throw LaneError(message: "no node of the cluster takes commits (\(reason))")
        }
        for shard in 0..<configuration.layout.shardCount {
            if let marks = found[shard] {
                survey.waiting[shard] = nil
                survey.marks.append(marks)
                continue
            }
            survey.marks.append(.unknown(shard, partitions: facts.partitions.count))
        }
        return survey
    }

    /// Whether a shard is under our contract and has a mark for each partition that is counted: one
    /// of another log has no origin.
    private func isWhole(
        _ shard: ShardMarks, _ origins: [(partition: LogPartition, offset: Int64)],
        _ facts: AssignmentFacts
    ) -> Bool {
        guard shard.contract.map({ Array($0.utf8) }) == facts.opened.stamp else { return false }
        return zip(facts.partitions, shard.marks).allSatisfy { partition, mark in
            mark.offset != nil || !origins.contains { $0.partition == partition }
        }
    }
}
