internal import Kafka
internal import Ledger
internal import Metering

/// Partitions that a lane has taken up: their cursors and tallies, and what is known of their logs.
///
/// Made when marks and places are known, and dropped as a whole: when the group takes the
/// partitions back, and where the lane begins again from their marks. Whatever was dropped is no
/// longer current and does nothing more. It belongs to the lane's thread.
final class Assignment {
    unowned let lane: Lane
    var facts: AssignmentFacts
    var core: LaneCore
    /// By partition slot of the core.
    var taken: [TakenPartition]
    /// The look at the log that commits wait for.
    var comparison = LogComparison()
    /// Partitions are paused and what arrives is dropped, until Redis takes commits again.
    private(set) var isOnHold = false
    /// The marks have to be read again before anything is sent.
    var needsReconcile = false
    /// When the marks are looked at next, though nothing seems wrong.
    var reconcileAt: Int64
    /// A partition of the batch at hand whose log turns out to be another one.
    var refusedSlot: (slot: Int, difference: LogDifference)?

    init(
        lane: Lane, facts: AssignmentFacts, core: consuming LaneCore, taken: [TakenPartition],
        reconcileAt: Int64
    ) {
        self.lane = lane
        self.facts = facts
        self.core = core
        self.taken = taken
        self.reconcileAt = reconcileAt
    }

    /// Whether the lane still has it.
    var isCurrent: Bool { lane.assignment === self }

    var now: Int64 { lane.now }

    // MARK: Slots

    func slot(of partition: TopicPartition) -> Int? {
        taken.firstIndex { $0.topicPartition == partition }
    }

    /// The slot of a partition by its topic's number; nil when it is none of ours.
    func slot(topicID: Int32, partition: Int32) -> Int? {
        taken.firstIndex {
            $0.topicID == topicID && $0.topicPartition.partition == partition
        }
    }

    func isStopped(_ slot: Int) -> Bool { facts.isStopped(core.partitions[slot]) }

    // MARK: What is read

    /// Pauses all partitions and drops what arrives until `resumeIfPossible`.
    func hold(_ cause: String) {
        guard isCurrent, !isOnHold else { return }
        isOnHold = true
        lane.consumer.stopWaking()
        lane.trouble(.holding, "consumption is paused: waiting for \(cause)")
        do throws(KafkaError) { try lane.consumer.pause(taken.map(\.topicPartition)) } catch {
            lane.trouble(.kafka, error.message)
        }
    }

    /// Goes on from the cursors' positions once nothing stands in the way.
    func resumeIfPossible(_ link: LedgerLink) {
        guard isOnHold, link.canCommit, !needsReconcile, !lane.fitness.isUnfit,
            lane.deadLetters.waiting == 0, core.hasRoom
        else { return }
        if assignPositions() {
            isOnHold = false
            lane.passed(.holding, "consumption goes on")
        }
    }

    /// Reads on from the cursors' positions, without the partitions that are stopped.
    func assignPositions() -> Bool {
        var places: [(TopicPartition, offset: Int64)] = []
        for (slot, partition) in taken.enumerated() where !isStopped(slot) {
            places.append((partition.topicPartition, offset: core.position(slot: slot)))
        }
        do throws(KafkaError) {
            try lane.consumer.unassign()
            try lane.consumer.assign(places)
            return true
        } catch {
            lane.trouble(.kafka, error.message)
            return false
        }
    }

    /// Takes a partition out for good (until the next assignment) and says why.
    func stopPartition(slot: Int, reason: String) {
        guard !isStopped(slot) else { return }
        lane.stop(core.partitions[slot], reason, &facts)
        do throws(KafkaError) { try lane.consumer.pause([taken[slot].topicPartition]) } catch {
            lane.trouble(.kafka, error.message)
        }
    }

    /// The log of a partition is another one: what is folded may come from it, so everything is
    /// dropped, and all begin again from their marks, which tell whether something of the old log
    /// was counted.
    func leaveLog(slot: Int, _ difference: LogDifference) {
        lane.establishAgain("\(core.partitions[slot].name): \(difference.text)")
    }
}
