import Synchronization
import Testing

@testable import Pipeline

/// What a lane says of its troubles, with the clock in our hand.
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

    /// The client tells an error that lasts every few seconds: the log has it once, and once more when it is back.
    @Test func `an error of Kafka has passed after a quiet minute`() throws {
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

    @Test func `hindrances are told with the cause first`() throws {
        let simulation = try makeSimulation()
        let lane = makeLane(simulation, Said())
        for trouble in LaneTrouble.allCases.reversed() {
            lane.trouble(trouble, trouble.rawValue)
        }
        lane.publish(lane.now, force: true)
        let told = lane.published.withLock { $0.hindrances }
        #expect(
            told == [
                "redis", "unfit", "refused", "establish", "dead-letters", "reconcile", "holding",
            ])
        withExtendedLifetime(simulation) {}
    }
}
