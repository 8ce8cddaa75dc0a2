import Synchronization
import Testing

@testable import Ledger
@testable import Pipeline

/// Redis' clock is ahead: what expires by it is gone for good.
@Suite struct ClockTests {
    @Test func theBoundFollowsOurClockAndATimeThatWasRight() {
        var bound = ClockBound()
        #expect(bound.latest(now: 0, wallMilliseconds: 1_000_000) == 1_060_000)
        bound.vouch(for: 5_000_000, now: 10_000)
        #expect(bound.latest(now: 12_000, wallMilliseconds: 1_000_000) == 5_062_000)
        // Ours is later than what is known.
        #expect(bound.latest(now: 12_000, wallMilliseconds: 9_000_000) == 9_060_000)
    }

    /// No commit passes while the clock is ahead; when it is right again all
    /// is counted, and nothing expired.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aClockThatIsAheadStopsTheCommits(seed: UInt64) throws {
        let simulation = Simulation(seed: seed, catalog: try SimulatedEvent.readCatalog())
        defer { for machine in simulation.machines { machine.forget() } }
        simulation.isQuiet = true
        simulation.startMachine()
        for _ in 0..<4 { simulation.log.produce() }
        simulation.catchUp()
        #expect(simulation.failures.isEmpty)
        let before = simulation.server.content.shards.map(\.marks)
        simulation.server.clockAhead = 31_536_000_000
        for _ in 0..<4 { simulation.log.produce() }
        for _ in 0..<200 {
            for machine in simulation.machines { simulation.turn(machine) }
            for _ in 0..<10 { simulation.server.work() }
            simulation.clock += 100
        }
        #expect(simulation.server.content.shards.map(\.marks) == before)
        for machine in simulation.machines {
            let told = machine.lane.published.withLock { $0.blockingTroubles }
            #expect(told.contains { $0.contains("clock") }, "\(told)")
        }
        simulation.server.clockAhead = 0
        simulation.catchUp()
        #expect(simulation.failures.isEmpty, "\(simulation.failures)")
    }
}
