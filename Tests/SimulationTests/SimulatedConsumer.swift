import Kafka

@testable import Pipeline

/// A member of the simulated group, reading the simulated log.
final class SimulatedConsumer: LaneConsumer {
    private struct Reading {
        var partition: TopicPartition
        var position: Int64
        var isPaused = false
        var isBroken = false
        var toldEnd: Int64 = -1
    }
    private unowned let simulation: Simulation
    private let number: Int
    weak var machine: SimulatedMachine?
    private var handler: (RebalanceEvent) -> Void = { _ in }
    private var readings: [Reading] = []
    /// What the group has to tell this member at its next polls.
    var news: [RebalanceEvent] = []
    /// The group took this member's partitions away and it does not know yet.
    var isDeaf = false
    private(set) var isClosed = false
    var hintCounts = HintCounts()

    init(simulation: Simulation, number: Int) {
        self.simulation = simulation
        self.number = number
    }

    private var dice: Dice { simulation.dice }
    private var isDead: Bool { machine?.isDead ?? true }

    func setRebalanceHandler(_ handler: @escaping (RebalanceEvent) -> Void) {
        self.handler = handler
    }
    func subscribe(_ topics: [String]) throws(KafkaError) {}
    func startWaking() {}
    func stopWaking() {}
    func topicID(of topic: String) -> Int32 { 0 }
    func topicName(_ id: Int32) -> String { SimulatedLog.topic }

    func close(timeoutMilliseconds: Int32) throws(KafkaError) -> Bool {
        readings = []
        isClosed = true
        return true
    }

    // MARK: Records

    func poll(
        maximum: Int, timeoutMilliseconds: Int32,
        _ body: (UnsafeBufferPointer<Record>, [ConsumerEvent]) -> Void
    ) {
        machine?.touch()
        simulation.clock += Int64(dice.roll(0...Int(timeoutMilliseconds)))
        if !news.isEmpty, !isDeaf {
            let event = news.removeFirst()
            if case .revoked = event {
                handler(event)
                readings = []
                simulation.group.hasRevoked(number)
            } else {
                readings = []
                handler(event)
            }
        }
        var records: [Record] = []
        var events: [ConsumerEvent] = []
        if !simulation.isLogAway {
            for index in readings.indices.shuffled(using: &simulation.randomness) {
                fetch(index, &records, &events)
            }
        }
        records.withUnsafeBufferPointer { body($0, events) }
    }

    private func fetch(_ index: Int, _ records: inout [Record], _ events: inout [ConsumerEvent]) {
        let reading = readings[index]
        guard !reading.isPaused, !reading.isBroken, simulation.isQuiet || !dice.oneIn(4),
            simulation.log.leaderless != reading.partition.partition
        else { return }
        let partition = simulation.log.partitions[Int(reading.partition.partition)]
        guard (partition.start...partition.end).contains(reading.position) else {
            readings[index].isBroken = true
            let error = KafkaError(code: .autoOffsetReset, message: "out of range")
            events.append(.partitionError(reading.partition, error))
            return
        }
        var next = partition.index(of: reading.position)
        // Now and then records that came before come once more.
        if dice.oneIn(20) {
            next = max(partition.index(of: partition.start), next - dice.roll(0...3))
        }
        let count = dice.roll(0...(simulation.isQuiet ? 200 : 25))
        let end = min(next + count, partition.records.count)
        for record in partition.records[next..<max(next, end)] {
            records.append(
                Record(
                    topicID: 0, partition: partition.number, offset: record.offset,
                    timestamp: record.timestamp, key: record.key, value: record.value))
            readings[index].position = max(readings[index].position, record.offset + 1)
        }
        guard end == partition.records.count, reading.toldEnd != partition.end else { return }
        readings[index].position = partition.end
        readings[index].toldEnd = partition.end
        events.append(.endOfPartition(reading.partition, offset: partition.end))
    }

    func assign(_ partitions: [(TopicPartition, offset: Int64)]) throws(KafkaError) {
        try answer()
        readings = partitions.map { Reading(partition: $0.0, position: $0.offset) }
    }

    func unassign() throws(KafkaError) {
        try answer(failing: 0)
        readings = []
    }

    func pause(_ partitions: [TopicPartition]) throws(KafkaError) {
        for index in readings.indices where partitions.contains(readings[index].partition) {
            readings[index].isPaused = true
        }
    }

    // MARK: Questions

    /// The broker answers, or not.
    private func answer(failing chance: Int = 60) throws(KafkaError) {
        machine?.touch()
        let fails = simulation.isLogAway || !simulation.isQuiet && dice.oneIn(chance)
        if fails || isDead { throw KafkaError(code: .transport, message: "no answer") }
    }

    func watermarks(
        of partition: TopicPartition, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> (low: Int64, high: Int64) {
        try answer()
        let found = simulation.log.partitions[Int(partition.partition)]
        return (found.start, found.end)
    }

    func cachedWatermarks(of partition: TopicPartition) -> (low: Int64, high: Int64)? { nil }

    func partitionCount(of topic: String, timeoutMilliseconds: Int32) throws(KafkaError) -> Int {
        try answer()
        return simulation.log.partitions.count
    }

    func committed(
        _ partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [(offset: Int64, metadata: String)?] {
        try answer()
        return partitions.map { simulation.group.hints[$0.partition] }
    }

    func offsets(
        forTime milliseconds: Int64, of partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Int64?] { partitions.map { _ in nil } }

    func commitHint(
        _ offsets: [(TopicPartition, offset: Int64, metadata: String)]
    ) throws(KafkaError) {
        try answer()
        // The group takes nothing from a member that is out.
        guard !isDeaf, news.isEmpty else { return }
        hintCounts.taken += 1
        for (partition, offset, metadata) in offsets {
            simulation.group.hints[partition.partition] = (offset, metadata)
        }
    }
}
