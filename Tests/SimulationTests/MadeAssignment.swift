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

/// A lane that has taken up partition 0 of `usage`, with all that its assignment refers to unowned.
final class CountingLane {
    let assignment: Assignment
    private let simulation: Simulation
    private let lane: Lane

    init(origin: Int64, witness: Fingerprint? = nil) throws {
        simulation = Simulation(seed: 1, catalog: try SimulatedEvent.readCatalog())
        lane = Lane(
            number: 1, configuration: simulation.configuration,
            world: SimulatedMachine(number: 1, simulation: simulation), report: { _ in })
        assignment = try Assignment.folding(
            on: lane,
            [
                TakenPartition(
                    topicPartition: TopicPartition(topic: "usage", partition: 0), origin: origin,
                    checks: [], witness: witness, topicID: 0)
            ])
    }
}

extension Lane {
    /// Partitions of which nothing is counted, and why.
    var stopped: [(partition: LogPartition, reason: String)] { assignment?.facts.stopped ?? [] }
}
