import Kafka
import Ledger

@testable import Pipeline

/// A look at single records of the simulated log, as it is when the answer comes.
final class SimulatedProbe: LaneProbe {
    private unowned let simulation: Simulation
    weak var machine: SimulatedMachine?
    private var missing: [(TopicPartition, offset: Int64)] = []

    init(simulation: Simulation) { self.simulation = simulation }

    var isAnswered: Bool { missing.isEmpty }

    func ask(_ offsets: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        machine?.touch()
        missing = offsets
        if machine?.isDead ?? true { throw KafkaError(code: .transport, message: "dead") }
    }

    func receive(
        timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(TopicPartition, ProbeAnswer)] {
        machine?.touch()
        let dice = simulation.dice
        simulation.clock += Int64(dice.roll(0...Int(timeoutMilliseconds)))
        if !simulation.isQuiet, dice.oneIn(80) {
            throw KafkaError(code: .transport, message: "no answer")
        }
        guard !simulation.isLogAway, !(machine?.isDead ?? true) else { return [] }
        var answers: [(TopicPartition, ProbeAnswer)] = []
        if missing.contains(where: { $0.0.partition == simulation.log.leaderless }) { return [] }
        while !missing.isEmpty, simulation.isQuiet || !dice.oneIn(3) {
            let (partition, offset) = missing.remove(at: dice.roll(0...(missing.count - 1)))
            answers.append((partition, answer(partition, offset)))
        }
        return answers
    }

    private func answer(_ place: TopicPartition, _ offset: Int64) -> ProbeAnswer {
        let partition = simulation.log.partitions[Int(place.partition)]
        guard (partition.start...partition.end).contains(offset) else { return .outOfRange }
        let index = partition.index(of: offset)
        guard index < partition.records.count,
            let found = Fingerprint(text: partition.records[index].fingerprint.utf8)
        else { return .end(partition.end) }
        return .record(found)
    }
}
