import Kafka
import Testing

@testable import Ledger
@testable import Pipeline

/// The record by which a lane recognizes its log, when others commit too.
@Suite struct LaneWitnessTests {
    private func fingerprint(_ offset: Int64) -> Fingerprint {
        Fingerprint(offset: offset, timestamp: 1_700_000_000_000, hash: 7)
    }

    private func marks(_ offsets: [Int64?]) -> [ShardMarks] {
        offsets.enumerated().map { shard, offset in
            let mark = PartitionMark(
                offset: offset.map { $0 + 1 }, fingerprint: offset.map(fingerprint))
            return ShardMarks(shard: shard, marks: [mark])
        }
    }

    /// Another lane has committed up to 200: a log that was cut at 150 must not pass for the same.
    @Test func marksRaiseTheWitnessAndALookOnItsWayDoesNotLowerIt() throws {
        let counting = try CountingLane(origin: 0, witness: fingerprint(50))
        let assignment = counting.assignment
        let question = LogComparison.Question(
            slot: 0, witness: fingerprint(50), next: fingerprint(100))
        assignment.comparison.ask([question], batch: 1, now: 0, pause: 50)
        assignment.learnWitnesses(from: marks([nil, 40, 200, 120]))
        #expect(assignment.taken[0].witness == fingerprint(200))
        #expect(!assignment.comparison.isAsked && assignment.comparison.questions.isEmpty)
        assignment.comparison.ask([question], batch: 1, now: 0, pause: 50)
        assignment.learnWitnesses(from: marks([150, 150, 150, 150]))
        #expect(assignment.taken[0].witness == fingerprint(200))
        #expect(assignment.comparison.isAsked)
        withExtendedLifetime(counting) {}
    }
}
