import Metering
import Redis
import Testing

@testable import Ledger
@testable import Pipeline

/// What a lane decides about shards that have nodes of their own.
@Suite struct LaneNodesTests {
    private func makeSimulation() throws -> Simulation {
        let simulation = Simulation(
            seed: 3, catalog: try SimulatedEvent.readCatalog(), isClustered: true)
        simulation.isQuiet = true
        return simulation
    }

    /// A core with a tally of shard 0 that was handed over.
    private func makeCounting() throws -> CountingLane {
        let counting = try CountingLane(origin: 0)
        try handOver(counting, upTo: 5)
        return counting
    }

    private func handOver(_ counting: CountingLane, upTo offset: Int64) throws {
        counting.assignment.core.skip(slot: 0, to: offset)
        let isHandedOver = counting.assignment.core.handOver(shard: 0)
        try #require(isHandedOver)
    }

    private func shard(_ counting: CountingLane) -> LaneCore.Shard {
        counting.assignment.core.shards[0]
    }

    private func hasRefused(_ counting: CountingLane) -> Bool {
        counting.assignment.core.hasRefused
    }

    private let refusal = CommitOutcome.refused(code: "NOREPLICAS", message: "NOREPLICAS few")

    /// The node answers reads, so its marks are read, and its commit is refused again.
    @Test func aWaitGoesOnUntilACommitIsApplied() throws {
        let counting = try makeCounting()
        func refuse(at now: Milliseconds) {
            let step = counting.assignment.core.conclude(
                shard: 0, refusal, isAlone: true, now: now)
            #expect(step == .move)
        }
        func wait() throws -> Moving { try #require(shard(counting).moving) }
        var now: Milliseconds = 1_000
        var pauses: [Milliseconds] = []
        for _ in 0..<9 {
            refuse(at: now)
            let moving = try wait()
            #expect(moving.since == 1_000 && moving.reason == .refused)
            pauses.append(moving.lookAt - now)
            now = max(now + 1, moving.lookAt)
            counting.assignment.core.endMoving(0)
            #expect(shard(counting).waiting?.since == 1_000 && hasRefused(counting))
        }
        #expect(pauses == [0, 50, 100, 200, 400, 800, 1_600, 2_000, 2_000])
        let step = counting.assignment.core.conclude(
            shard: 0, .applied(zerosLeft: 0), isAlone: true, now: now)
        #expect(step == .done)
        #expect(shard(counting).waiting?.reason == nil && !hasRefused(counting))
        try handOver(counting, upTo: 9)
        refuse(at: now)
        #expect(try wait().since == now)
    }

    /// Where its node does not answer, it is asked again later, and nothing else happens.
    @Test func aRefusedCellIsAskedForByALookNowAndThen() throws {
        let counting = try makeCounting()
        let cell = RefusedCell(
            key: Array("key".utf8), member: Array("m".utf8), kind: .add, value: [49],
            error: "not an integer")
        let step = counting.assignment.core.conclude(
            shard: 0, .cellRefused(cell), isAlone: true, now: 0)
        #expect(step == .aside("not an integer"))
        func due(at now: Milliseconds) -> [RefusedCell] {
            counting.assignment.core.takeDueCells(now: now).map(\.cell)
        }
        #expect(due(at: 9_999).isEmpty)
        #expect(due(at: 10_000) == [cell])
        #expect(due(at: 10_001).isEmpty)
        #expect(due(at: 20_000) == [cell])
        counting.assignment.core.takeUp(0, now: 20_000)
        #expect(shard(counting).moving?.reason == .marks)
        #expect(due(at: 99_999).isEmpty)
        counting.assignment.core.endMoving(0)
        let marks = ShardMarks(shard: 0, marks: [PartitionMark(offset: 0, fingerprint: nil)])
        let found = counting.assignment.core.reconcile(marks, now: 20_000)
        #expect(found == .moved && shard(counting).aside?.reason == nil)
    }

    /// A commit finds the clock ahead while a check that began before is under way.
    @Test func aCheckThatBeganBeforeARefusalSaysNothing() throws {
        let simulation = try makeSimulation()
        let machine = SimulatedMachine(number: 1, simulation: simulation)
        let lane = machine.lane
        lane.serveRedis()
        let link = try #require(lane.link)
        let nodes = try #require(link.nodes)
        for _ in 0..<3 where !link.isChecked { lane.serveRedis() }
        #expect(link.isChecked && !lane.fitness.isUnfit)
        simulation.clock += 60_000
        lane.checkServerIfDue(link, lane.now)
        #expect(nodes.isChecking)
        lane.stopCommitting("its clock is ahead")
        link.checkAt = lane.now
        lane.checkServerIfDue(link, lane.now)
        #expect(nodes.isChecking && lane.fitness.isUnfit)
        lane.checkServerIfDue(link, lane.now)
        #expect(!lane.fitness.isUnfit)
        machine.forget()
        withExtendedLifetime(simulation) {}
    }
}
