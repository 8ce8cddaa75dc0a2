import Kafka
import Synchronization
import Testing

@testable import Pipeline

/// What a lane reports of its troubles, with a clock that the test moves.
@Suite struct LaneTroubleTests {
    private final class Said: Sendable {
        private let lines = Mutex<[String]>([])
        func note(_ event: PipelineEvent) { lines.withLock { $0.append(event.message) } }
        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    private func makeLane(_ simulation: Simulation, _ said: Said) -> Lane {
        Lane(
            number: 1, configuration: simulation.configuration,
            world: SimulatedMachine(number: 1, simulation: simulation), report: said.note)
    }

    private func makeSimulation() throws -> Simulation {
        Simulation(seed: 1, catalog: try SimulatedEvent.readCatalog())
    }

    /// The client repeats an error that lasts every few seconds: it is logged when it begins and
    /// when it has ended.
    @Test func anErrorOfKafkaHasPassedAfterAQuietMinute() throws {
        let simulation = try makeSimulation()
        let said = Said()
        let lane = makeLane(simulation, said)
        for _ in 0..<10 {
            lane.trouble(.kafka, "a broker is down")
            simulation.clock += 30_000
            lane.publish(lane.now, force: true)
        }
        #expect(said.take() == ["a broker is down"])
        simulation.clock += 31_000
        lane.publish(lane.now, force: true)
        #expect(said.take() == ["no error of Kafka for a minute"])
        lane.publish(lane.now, force: true)
        lane.trouble(.kafka, "another one is down")
        #expect(said.take() == ["another one is down"])
        withExtendedLifetime(simulation) {}
    }

    @Test func blockingTroublesAreListedWithTheCauseFirst() throws {
        let simulation = try makeSimulation()
        let lane = makeLane(simulation, Said())
        for trouble in LaneTrouble.allCases.reversed() {
            lane.trouble(trouble, trouble.rawValue)
        }
        lane.publish(lane.now, force: true)
        let told = lane.published.withLock { $0.blockingTroubles }
        #expect(
            told == [
                "redis", "no-master", "unfit", "refused", "establish", "dead-letters",
                "reestablish", "reconcile", "comparison", "holding",
            ])
        withExtendedLifetime(simulation) {}
    }

    /// With Redis' memory just full, some commits pass and some do not, twice a second.
    @Test func aTroubleThatAlternatesIsReportedAtBothEndsAndLastsBetween() throws {
        let simulation = try makeSimulation()
        let said = Said()
        let lane = makeLane(simulation, said)
        var isReady: [Bool] = []
        for _ in 0..<100 {
            lane.trouble(.refused, "refuses")
            simulation.clock += 250
            lane.passed(.refused, "takes again")
            lane.publish(lane.now, force: true)
            isReady.append(lane.published.withLock { $0.blockingTroubles.isEmpty })
            simulation.clock += 250
        }
        let lines = said.take()
        #expect(lines.count == 7, "\(lines)")
        #expect(lines.last?.hasPrefix("refuses (again and again") ?? false)
        #expect(isReady.lastIndex(of: true) ?? 0 < 4)
        simulation.clock += Recurrence.rest
        lane.publish(lane.now, force: true)
        #expect(said.take() == ["takes again"])
        #expect(lane.published.withLock { $0.blockingTroubles.isEmpty })
        // Much later the same is a new trouble.
        simulation.clock += 2 * Recurrence.memory
        lane.trouble(.refused, "refuses")
        lane.passed(.refused, "takes again")
        #expect(said.take() == ["refuses", "takes again"])
        withExtendedLifetime(simulation) {}
    }

    @Test func aLaneThatBeginsAgainAndAgainIsNotReady() throws {
        let simulation = try makeSimulation()
        let said = Said()
        let lane = makeLane(simulation, said)
        for _ in 0..<40 {
            lane.stage = .counting(try Assignment.folding(on: lane))
            lane.establishAgain("offsets are no longer in the log")
            lane.passed(.reestablish, "partitions are taken up again")
            lane.stage = .counting(try Assignment.folding(on: lane))
            lane.publish(lane.now, force: true)
            simulation.clock += 250
        }
        #expect(said.take().count < 12)
        let published = lane.published.withLock { $0 }
        #expect(published.blockingTroubles.count == 1, "\(published.blockingTroubles)")
        #expect(published.troubles.filter { $0.lanes == 1 }.map(\.name) == ["reestablish"])
        simulation.clock += 2 * Recurrence.rest
        for _ in 0..<3 {
            lane.publish(lane.now, force: true)
            simulation.clock += Recurrence.rest
        }
        lane.publish(lane.now, force: true)
        let blockingTroubles = lane.published.withLock { $0.blockingTroubles }
        #expect(blockingTroubles.isEmpty, "\(blockingTroubles)")
        withExtendedLifetime(simulation) {}
    }

    /// Without the group's offset commits nobody knows later where counting began, so lasting
    /// refusals are reported; a single one during a rebalance is not.
    @Test func refusedOffsetCommitsAreTold() throws {
        let simulation = try makeSimulation()
        let said = Said()
        let machine = SimulatedMachine(number: 1, simulation: simulation)
        let lane = Lane(
            number: 1, configuration: simulation.configuration, world: machine, report: said.note)
        let consumer = try #require(lane.consumer as? SimulatedConsumer)
        func look(taken: UInt64, refused: UInt64) {
            consumer.hintCounts.taken += taken
            consumer.hintCounts.refused += refused
            consumer.hintCounts.lastRefusal = "not authorized"
            lane.judgeHints()
        }
        look(taken: 1, refused: 0)
        look(taken: 0, refused: 1)
        look(taken: 1, refused: 0)
        #expect(said.take() == [])
        for _ in 0..<5 { look(taken: 0, refused: 1) }
        let lines = said.take()
        #expect(lines.count == 1 && lines[0].hasSuffix("began: not authorized"), "\(lines)")
        look(taken: 1, refused: 0)
        #expect(said.take() == ["Kafka takes the group's offsets again"])
        withExtendedLifetime(simulation) {}
    }
}
