import Kafka

/// The group's coordinator: who has which partitions, and who has not heard of it.
final class SimulatedGroup {
    private unowned let simulation: Simulation
    /// Committed offsets by partition, with their metadata.
    var hints: [Int32: (offset: Int64, metadata: String)] = [:]
    private var held: [Int: [TopicPartition]] = [:]
    /// Members whose revocation the rest wait for.
    private var waitingFor: Set<Int> = []
    private var planned: [Int: [TopicPartition]] = [:]

    init(simulation: Simulation) { self.simulation = simulation }

    /// Assigns all partitions again.
    ///
    /// `mayOverlap`: some member does not hear of it, and works on beside the next owner of its
    /// partitions.
    func rebalance(mayOverlap: Bool) {
        let dice = simulation.dice
        let members = simulation.machines
        planned = [:]
        waitingFor = []
        for machine in members { planned[machine.number] = [] }
        for partition in simulation.log.partitions {
            guard let owner = dice.pick(members) else { return }
            planned[owner.number, default: []].append(
                TopicPartition(topic: SimulatedLog.topic, partition: partition.number))
        }
        for machine in members where held[machine.number] != nil {
            if mayOverlap, dice.oneIn(2) {
                machine.log.isDeaf = true
                machine.log.news = [.revoked(held[machine.number] ?? [], isLost: true)]
                continue
            }
            machine.log.news = [.revoked(held[machine.number] ?? [], isLost: machine.log.isDeaf)]
            machine.log.isDeaf = false
            waitingFor.insert(machine.number)
        }
        giveOut()
    }

    /// A member gave up what it had, or is gone.
    func hasRevoked(_ number: Int) {
        held[number] = nil
        waitingFor.remove(number)
        giveOut()
    }

    private func giveOut() {
        guard waitingFor.isEmpty else { return }
        for machine in simulation.machines {
            guard let partitions = planned.removeValue(forKey: machine.number) else { continue }
            machine.log.news.append(.assigned(partitions))
            held[machine.number] = partitions
        }
    }

    /// A deaf member hears at last that its partitions are gone.
    func hear() {
        for machine in simulation.machines where machine.log.isDeaf {
            machine.log.isDeaf = false
        }
    }
}
