internal import Kafka
internal import Ledger
internal import Metering

/// Partitions that a lane has taken up: their cursors and tallies, and what is known of their logs.
///
/// Made when their marks are known; dropped as a whole when the group takes the partitions back or
/// the lane begins again from their marks. One that was dropped is no longer `isCurrent` and does
/// nothing more. It belongs to the lane's thread.
final class Assignment {
    unowned let lane: Lane
    var facts: AssignmentFacts
    var core: LaneCore
    /// By partition slot of the core.
    var taken: [TakenPartition]
    /// The latest look at the log, for which commits wait.
    var comparison = LogComparison()
    /// Whether partitions are paused and arriving records are dropped, until `resumeIfPossible`.
    private(set) var isOnHold = false
    /// Whether the marks have to be read again before anything is sent.
    var needsReconcile = false
    /// When the marks are looked at next although nothing seems wrong.
    var reconcileAt: Milliseconds
    /// What is known of the nodes, where each shard has one of its own.
    var nodes = Nodes()
    /// Partitions that wait for a schema, by slot, when they are looked at next, and whether some
    /// have to be read again.
    var schemaWaits: [Int: SchemaWait] = [:]
    var schemaLookAt: Milliseconds = 0
    var mustAssign = false
    /// A partition whose log, by a record of the current batch, is another one.
    var refusedSlot: (slot: Int, difference: LogDifference)?

    init(
        lane: Lane, facts: AssignmentFacts, core: consuming LaneCore, taken: [TakenPartition],
        reconcileAt: Milliseconds
    ) {
        self.lane = lane
        self.facts = facts
        self.core = core
        self.taken = taken
        self.reconcileAt = reconcileAt
    }

    /// Whether it is the lane's assignment, so was not dropped.
    var isCurrent: Bool { lane.assignment === self }

    var now: Milliseconds { lane.now }

    // MARK: Slots

    func slot(of partition: TopicPartition) -> Int? {
        taken.firstIndex { $0.topicPartition == partition }
    }

    /// The slot of a partition by its topic's number; nil when it is not part of this assignment.
    func slot(topicID: Int32, partition: Int32) -> Int? {
        taken.firstIndex {
            $0.topicID == topicID && $0.topicPartition.partition == partition
        }
    }

    func isStopped(_ slot: Int) -> Bool { facts.isStopped(core.partitions[slot]) }

    // MARK: What is read

    /// Pauses all partitions and drops arriving records until `resumeIfPossible`.
    func hold(_ cause: String) {
        guard isCurrent, !isOnHold else { return }
        isOnHold = true
        lane.consumer.stopWaking()
        lane.trouble(.holding, "consumption is paused: waiting for \(cause)")
        do throws(KafkaError) { try lane.consumer.pause(taken.map(\.topicPartition)) } catch {
            lane.trouble(.kafka, error.message)
        }
    }

    /// Reads on from the cursors' positions as soon as commits can be made again.
    func resumeIfPossible(_ link: LedgerLink) {
        guard isOnHold, link.canCommit, !needsReconcile, !lane.fitness.isUnfit,
            lane.deadLetters.waiting == 0, core.hasRoom, !isBehind
        else { return }
        if assignPositions() {
            isOnHold = false
            lane.passed(.holding, "consumption goes on")
            // A step back that Kafka did not take is done now.
            if !nodes.mustOpen { lane.passed(.reconcile, "the marks are known again") }
        }
    }

    /// Reads from the cursors' positions, without partitions that are stopped or wait.
    ///
    /// False when Kafka refuses.
    func assignPositions() -> Bool {
        // What is before the record that waits can be read; that one will wait again.
        for (slot, wait) in schemaWaits where core.position(slot: slot) < wait.offset {
            schemaWaits[slot] = nil
        }
        var positions: [(TopicPartition, offset: Int64)] = []
        for (slot, partition) in taken.enumerated()
        where !isStopped(slot) && schemaWaits[slot] == nil {
            positions.append((partition.topicPartition, offset: core.position(slot: slot)))
        }
        do throws(KafkaError) {
            try lane.consumer.unassign()
            try lane.consumer.assign(positions)
            return true
        } catch {
            lane.trouble(.kafka, error.message)
            return false
        }
    }

    /// Stops a partition until the next assignment, and reports why.
    func stopPartition(slot: Int, reason: String) {
        guard !isStopped(slot) else { return }
        lane.stop(core.partitions[slot], reason, &facts)
        do throws(KafkaError) { try lane.consumer.pause([taken[slot].topicPartition]) } catch {
            lane.trouble(.kafka, error.message)
        }
    }

    /// Begins again from the marks, because the log of a partition is another one.
    ///
    /// What is folded may come from the new log, so all of it is dropped. The marks tell whether
    /// records of the old log were counted.
    func leaveLog(slot: Int, _ difference: LogDifference) {
        lane.establishAgain("\(core.partitions[slot].name): \(difference.text)")
    }
}
