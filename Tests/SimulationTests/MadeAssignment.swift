import Kafka
import Metering

@testable import Ledger
@testable import Pipeline

extension Assignment {
    /// An assignment as a lane has it after these partitions were taken up at their origins.
    static func folding(on lane: Lane, _ taken: [TakenPartition] = []) throws -> Assignment {
        let shardCount = lane.configuration.layout.shardCount
        let partitions = taken.map {
            LogPartition(
                topic: $0.topicPartition.topic, partition: $0.topicPartition.partition)
        }
        let starts = zip(partitions, taken).map { partition, taken in
            LaneCore.Start(
                partition: partition, position: taken.origin,
                marks: Array(repeating: taken.origin, count: shardCount))
        }
        let program = try Program(
            catalog: lane.configuration.catalog, shardCount: shardCount, dedupeKey: (1, 2),
            futureBoundMilliseconds: 300_000)
        return Assignment(
            lane: lane, facts: AssignmentFacts(partitions: partitions),
            core: LaneCore(
                program: program, layout: lane.configuration.layout, starts: starts,
                dedupeWindow: lane.configuration.dedupeWindow),
            taken: taken, reconcileAt: .max)
    }
}

extension Lane {
    /// Partitions of which nothing is counted, and why.
    var stopped: [(partition: LogPartition, reason: String)] { assignment?.facts.stopped ?? [] }
}
