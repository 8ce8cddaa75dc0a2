import Kafka
import Metering
import Redis

@testable import Ledger
@testable import Pipeline

/// A process with one lane: what the lane sees of the simulated world, until it is killed.
final class SimulatedMachine: LaneWorld {
    let number: Int
    /// Number of the contract under which it writes.
    let contract: Int
    unowned let simulation: Simulation
    let log: SimulatedConsumer
    let letters: SimulatedDeadLetters
    private let look: SimulatedProbe
    private var held: Lane?
    var lane: Lane {
        guard let held else { preconditionFailure("the lane is forgotten") }
        return held
    }
    /// Commits of which it was told that they are applied.
    var landed: Int64 = 0
    /// Whether it was killed: then nothing that it does has an effect.
    private(set) var isDead = false
    /// Calls to the world until it is killed, in the middle of whatever it does.
    private var fuse = Int.max

    init(number: Int, simulation: Simulation) {
        self.number = number
        self.simulation = simulation
        contract = simulation.contract
        log = SimulatedConsumer(simulation: simulation, number: number)
        letters = SimulatedDeadLetters(simulation: simulation)
        look = SimulatedProbe(simulation: simulation)
        log.machine = self
        look.machine = self
        held = Lane(
            number: number, configuration: simulation.configuration, world: self,
            report: { [trace = simulation.trace, number] event in
                trace.note("lane \(number): \(event.name): \(event.message)")
            })
    }

    /// Lets go of the lane, which holds its world: a long soak would keep them all.
    func forget() { held = nil }

    /// Lets it die after so many calls.
    func light(fuse: Int) { self.fuse = fuse }

    /// A call to the world: time passes, and a lit fuse burns.
    func touch() {
        fuse -= fuse == Int.max ? 0 : 1
        if fuse <= 0 { isDead = true }
        simulation.clock += Int64(simulation.dice.roll(0...1))
    }

    var milliseconds: Int64 { simulation.clock }
    var wallMilliseconds: Int64 { simulation.clock + Simulation.begin }
    var consumer: any LaneConsumer { log }
    var probe: any LaneProbe { look }
    var deadLetters: any LaneDeadLetters { letters }

    func roll() -> Double { Double(simulation.dice.roll(0...1_000)) / 1_000 }

    func connect() throws(RedisError) -> any LaneLedger {
        guard let cluster = simulation.server.cluster else { return try open() }
        try reach()
        return SimulatedNodeLedger(self, cluster)
    }
    func connectWatcher() throws(RedisError) -> any LaneWatcher {
        guard let cluster = simulation.server.cluster else { return try open() }
        try reach()
        return SimulatedNodeLedger(self, cluster)
    }

    private func open() throws(RedisError) -> SimulatedConnection {
        try reach()
        return SimulatedConnection(self)
    }

    private func reach() throws(RedisError) {
        touch()
        guard !isDead, simulation.server.mood != .away else { throw RedisError(.connect, "away") }
    }

    /// One round of the lane; false when the machine is dead after it.
    func turn() -> Bool {
        lane.turn()
        return !isDead
    }

    /// Ends in order: commits, leaves the group.
    func stop() { lane.end() }
}

/// The dead-letter topic of the simulation.
final class SimulatedDeadLetters: LaneDeadLetters {
    private unowned let simulation: Simulation
    private var onWay: [(address: LetterAddress, name: String)] = []
    private var book = LetterBook()
    /// All letters that were ever acknowledged; the book forgets those that the marks have passed.
    private var acknowledged: Set<String> = []
    private(set) var delivered: Int64 = 0
    private(set) var givenUp: Int64 = 0
    private(set) var lastGivenUp: String?
    private(set) var trouble: String?

    init(simulation: Simulation) { self.simulation = simulation }

    var waiting: Int { onWay.count }
    var isFull: Bool { onWay.count > 200 }

    func deliver(waitMilliseconds: Int32) -> Bool {
        simulation.clock += Int64(waitMilliseconds)
        guard !simulation.isLogAway else { return onWay.isEmpty }
        while let (address, name) = onWay.first {
            if !simulation.isQuiet {
                if simulation.dice.oneIn(4) { return false }
                if simulation.dice.oneIn(150) {
                    trouble = "refused"
                    return false
                }
                if simulation.dice.oneIn(150) {
                    givenUp += 1
                    lastGivenUp = name
                }
            }
            onWay.removeFirst()
            trouble = nil
            book.finish(address)
            acknowledged.insert(name)
            simulation.deadLetters.insert(name)
            delivered += 1
        }
        return true
    }

    func abandon() {
        for (address, _) in onWay { book.drop(address) }
        onWay = []
        trouble = nil
    }

    func forget(where isPassed: (LetterAddress) -> Bool) { book.forget(where: isPassed) }

    func send(_ record: Record, topicName: String, _ rejected: RejectedRecord) {
        let address = LetterAddress(
            topicID: record.topicID, partition: record.partition, offset: record.offset)
        let fingerprint = Fingerprint(
            offset: record.offset, timestamp: record.timestamp, key: record.key,
            value: record.value)
        guard book.state(of: address, fingerprint) == nil else { return }
        // Another record may be at the same address: the topic was made again, or lost its end.
        let name = "\(record.partition)/\(String(decoding: fingerprint.text, as: UTF8.self))"
        if acknowledged.contains(name), !simulation.passedLetters.contains(name) {
            simulation.fail("the dead letter of \(name) is sent again by the same lane")
        }
        book.begin(address, fingerprint)
        onWay.append((address, name))
    }
}
