import Catalog
import Kafka
import Metering
import Redis
import Synchronization

@testable import Ledger
@testable import Pipeline

/// Prints what happens in a simulation, for people who look at a failing seed.
final class Trace: Sendable {
    private let isOn: Bool
    init(isOn: Bool) { self.isOn = isOn }
    func note(_ text: @autoclosure () -> String) { if isOn { print(text()) } }
}

/// Lanes, log, ledger and everything that can go wrong with them, in one thread and by one seed.
///
/// The lanes are the real ones. The log, the group and the ledger are simulated; time passes only
/// where the simulation lets it. After every change of a shard it is compared with the oracle.
final class Simulation {
    let seed: UInt64
    let dice: Dice
    var randomness: Dice
    let trace: Trace
    let log: SimulatedLog
    let server: SimulatedServer
    private(set) lazy var group = SimulatedGroup(simulation: self)
    let configuration: PipelineConfiguration
    private(set) var machines: [SimulatedMachine] = []
    private var everMade: [SimulatedMachine] = []
    private var nextMachine = 0
    /// Milliseconds that only rise.
    var clock: Int64 = 1_000_000
    /// When `clock` was 0, in milliseconds since 1970.
    static let begin: Int64 = 1_773_000_000_000
    /// Number of the contract of machines that start now; all have the same meters.
    private(set) var contract = 1
    /// Whether Kafka does not answer.
    var isLogAway = false
    /// Whether the faults are over.
    var isQuiet = false
    /// Dead letters that are in their topic, by `PARTITION/FINGERPRINT` of the record.
    var deadLetters: Set<String> = []
    /// Those whose records a mark has passed at least once: if Redis goes back, they may be sent
    /// again.
    var passedLetters: Set<String> = []
    private(set) var failures: [String] = []
    var report = SimulationReport()
    private let check: LedgerCheck

    /// A simulation of this seed, on one server or on a cluster.
    init(
        seed: UInt64, catalog: MeterCatalog, isClustered: Bool = false, isTraced: Bool = false
    ) {
        self.seed = seed
        dice = Dice(seed: seed)
        randomness = dice
        trace = Trace(isOn: isTraced)
        let window = Int64(dice.pick([0, 5, 12, 40, 150]) ?? 12)
        let shards = dice.roll(1...(isClustered ? 8 : 4))
        log = SimulatedLog(
            dice, window: window, shardCount: shards, partitions: dice.roll(1...4),
            isBulky: dice.oneIn(8), isLimited: catalog.meter("agent_calls") != nil,
            isListed: catalog.envelope.each != nil)
        server = SimulatedServer(
            dice, shardCount: shards, masters: isClustered ? dice.roll(2...4) : nil)
        check = LedgerCheck(log: log, shardCount: shards)
        configuration = PipelineConfiguration(
            client: ClientConfiguration(bootstrap: "nowhere"), topics: [SimulatedLog.topic],
            directoryTopic: nil, deadLetterTopic: dice.oneIn(3) ? nil : "dead",
            redis: RedisConfiguration(address: .unixSocket(path: "/nowhere")),
            layout: KeyLayout(prefix: "sim", shardCount: shards), catalog: catalog,
            commitIntervalMilliseconds: Int64(dice.pick([10, 100, 500]) ?? 100),
            dedupeWindow: window,
            origin: .earliest, onLoss: dice.oneIn(2) ? .continue : .stop)
        server.cluster?.trace = { [trace] text in trace.note(text) }
        server.rightTime = { [unowned self] in clock + Self.begin }
        server.onChange = { [unowned self] in changed($0, $1, $2) }
    }

    func fail(_ text: String) {
        if failures.count < 5 { failures.append(text) }
        trace.note("FAILURE: \(text)")
    }

    // MARK: Safety

    /// Checks a shard that a commit or a fault has changed: it must hold what the log says.
    private func changed(_ shard: Int, _ content: ShardContent, _ call: CommitCall?) {
        guard failures.isEmpty else { return }
        report.checks += 1
        if let call, server.cluster != nil {
            trace.note(
                "commit to \(shard): "
                    + call.ranges.map { "\($0.member) \($0.from)-\($0.to)" }.joined(separator: ", ")
            )
        }
        if let call {
            report.commits += 1
            let current = content.marks["!contract"]
            if call.contract != current { fail("\(call.contract) writes under \(current ?? "")") }
        }
        if let difference = check.difference(of: shard, content, origins: server.stored.origins) {
            fail("shard \(shard): \(difference)")
        }
        for range in call?.ranges ?? [] {
            guard
                let partition = Int(range.member.split(separator: "/")[1]).map({ log.counted[$0] }),
                let from = Int64(range.from), let to = Int64(range.to)
            else {
                fail("a range without offsets: \(range)")
                continue
            }
            let isLoss = call?.audit.contains { $0.member == range.member + ":lost" } ?? false
            if isLoss {
                if to > partition.start { fail("counted as lost what is there: \(range)") }
                if configuration.onLoss == .stop { fail("a loss was passed over: \(range)") }
                report.losses += 1
                continue
            }
            if to > partition.end { fail("a mark beyond the log: \(range)") }
            guard configuration.deadLetterTopic != nil else { continue }
            for record in partition.records[partition.index(of: from)..<partition.index(of: to)]
            where record.parts.contains(where: { $0.outcome == .rejected && $0.shard == shard }) {
                let name = "\(partition.number)/\(record.fingerprint)"
                if !deadLetters.contains(name) { fail("no dead letter of \(name)") }
                passedLetters.insert(name)
            }
        }
    }

    /// Checks origins that a lane decides: by the log start, or by the group's offset commits.
    func checkOrigins(_ origins: [Int32: Int64]) {
        for (partition, offset) in origins {
            let expected: Int64
            if group.hints.isEmpty {
                expected = log.partitions[Int(partition)].start
            } else {
                expected =
                    group.hints[partition].flatMap {
                        Int64($0.metadata.dropFirst("origin=".count))
                    } ?? 0
            }
            // Between the question and the answer the log may have lost its beginning.
            if offset > expected { fail("origin of \(partition) is \(offset), not \(expected)") }
        }
    }

    // MARK: Machines

    func startMachine() {
        let machine = SimulatedMachine(number: nextMachine, simulation: self)
        machines.append(machine)
        everMade.append(machine)
        nextMachine += 1
        group.rebalance(mayOverlap: dice.oneIn(3) && !isQuiet)
    }

    /// Kills every machine.
    func killAll() {
        for machine in machines { group.hasRevoked(machine.number) }
        machines = []
    }

    func turn(_ machine: SimulatedMachine) {
        guard machine.turn() else {
            report.crashes += 1
            trace.note("machine \(machine.number) is dead")
            return remove(machine)
        }
        for shard in machine.lane.assignment?.core.shards ?? [] {
            guard let cell = shard.aside?.refused else { continue }
            // Only a refusal by its audit sets a shard aside; what a cell refuses is parked.
            if !cell.key.suffix(6).elementsEqual(":audit".utf8) {
                fail("a cell sets its shard aside")
            }
        }
        if machine.lane.totals.commits > machine.landed {
            fail("it counts commits that were not applied")
        }
        guard let failure = machine.lane.finalError.withLock({ $0 }) else { return }
        // A process that writes under an older contract has to end when it meets a newer one.
        if failure.code != .superseded || machine.contract == contract {
            fail("a lane ended: \(failure)")
        }
        report.superseded += 1
        machine.stop()
        remove(machine)
    }

    private func remove(_ machine: SimulatedMachine) {
        machines.removeAll { $0 === machine }
        group.hasRevoked(machine.number)
        if machines.isEmpty { startMachine() }
        group.rebalance(mayOverlap: dice.oneIn(3) && !isQuiet)
    }

    // MARK: The course

    /// Runs the seed: faults first, then quiet until everything is counted; true without a fault of
    /// ours.
    func run() -> Bool {
        defer { for machine in everMade { machine.forget() } }
        for _ in 0..<dice.roll(1...8) { log.produce() }
        for _ in 0..<dice.roll(1...3) { startMachine() }
        for _ in 0..<dice.roll(200...900) where failures.isEmpty { step() }
        if failures.isEmpty { endFaults() }
        if failures.isEmpty, dice.oneIn(2) {
            // Nothing is produced and no machine comes or goes: only a look at the marks finds
            // this.
            report.rollbacks += 1
            server.goBack()
            server.resetTorn()
            rejoinWhereStopped()
            catchUp()
        }
        if failures.isEmpty, dice.oneIn(3) { recreate() }
        report.parkings = server.parkings
        report.resets = server.resets
        if let cluster = server.cluster {
            report.moves = cluster.report.moves
            report.cuts = cluster.report.cuts
            report.failovers = cluster.report.failovers
        }
        return failures.isEmpty
    }

    private func step() {
        if server.mood != .well, dice.oneIn(20) { server.mood = .well }
        if isLogAway, dice.oneIn(20) { isLogAway = false }
        if server.clockAhead > 0, dice.oneIn(20) { server.clockAhead = 0 }
        if let cluster = server.cluster, dice.oneIn(25) {
            report.faults += 1
            return cluster.fault()
        }
        switch dice.roll(0...99) {
        case 0..<60: if let machine = dice.pick(machines) { turn(machine) }
        case 60..<83: server.work()
        case 83..<91: log.produce()
        case 91..<95: clock += Int64(dice.pick([300, 1_000, 5_100, 10_100, 61_000]) ?? 300)
        default: fault()
        }
    }

    private func fault() {
        report.faults += 1
        switch dice.roll(0...19) {
        case 0: dice.pick(machines)?.light(fuse: dice.roll(1...60))
        case 1: if machines.count < 4 { startMachine() }
        case 2:
            guard machines.count > 1, let machine = dice.pick(machines) else { return }
            machine.stop()
            remove(machine)
        case 3: group.rebalance(mayOverlap: false)
        case 4, 5: group.rebalance(mayOverlap: true)
        case 6, 7: group.hear()
        case 8, 9, 10: server.copy()
        case 11, 12:
            trace.note("the ledger goes back")
            report.rollbacks += 1
            server.goBack()
        case 13:
            let codes = ["OOM", "READONLY", "BUSY", "TRYAGAIN", "NOSCRIPT", "MISCONF", "LOADING"]
            server.mood = .refusing(dice.pick(codes) ?? "OOM")
        case 14: server.leave()
        case 15:
            server.mood = dice.oneIn(3) ? .unfit : .well
            if server.mood == .well { server.isDumpRefused.toggle() }
        case 16: server.breakConnection()
        case 17: isLogAway.toggle()
        case 18: rareFault()
        default:
            if server.spoiled.isEmpty || dice.oneIn(3) {
                server.spoil()
            } else {
                server.spoiled = []
            }
        }
    }

    private func rareFault() {
        switch dice.roll(0...9) {
        case 8, 9: replaceLog()
        case 7:
            // Some minutes; beyond what minutes are kept; a year.
            server.clockAhead = dice.pick([300_000, 172_800_000, 31_536_000_000]) ?? 300_000
            trace.note("the ledger's clock is \(server.clockAhead) ms ahead")
        case 6:
            contract += 1
            startMachine()
        case 4: server.tear()
        case 5: server.resetTorn()
        case 0 where log.partitions.count < 6:
            log.addPartition()
            group.rebalance(mayOverlap: dice.oneIn(2))
        case 1, 2:
            // If all counted records are gone, nothing can show that it is another log.
            guard let partition = dice.pick(log.partitions), log.isCounted(partition.number) else {
                return
            }
            // Mostly records that all marks have passed, sometimes others: then there is loss.
            let safe = server.leastMark(partition.number)
            log.trim(partition, below: dice.oneIn(3) ? partition.end : min(safe, partition.end))
        default:
            guard let partition = dice.pick(log.partitions) else { return }
            partition.end += Int64(dice.roll(1...5))
        }
    }
}

/// How much a simulation did.
struct SimulationReport {
    var commits = 0
    var checks = 0
    var crashes = 0
    var rollbacks = 0
    var faults = 0
    var losses = 0
    /// Machines ended by a newer contract.
    var superseded = 0
    /// Partitions created again under their names.
    var recreations = 0
    /// Commits that had to park something.
    var parkings = 0
    /// Of a cluster: slots that moved, moves that a failure cut, masters that failed.
    var moves = 0
    var cuts = 0
    var failovers = 0
    /// Orders of lanes to mark a shard as torn, and shards that were reset.
    var splits = 0
    var resets = 0

    static func + (left: Self, right: Self) -> Self {
        Self(
            commits: left.commits + right.commits, checks: left.checks + right.checks,
            crashes: left.crashes + right.crashes, rollbacks: left.rollbacks + right.rollbacks,
            faults: left.faults + right.faults, losses: left.losses + right.losses,
            superseded: left.superseded + right.superseded,
            recreations: left.recreations + right.recreations,
            parkings: left.parkings + right.parkings, moves: left.moves + right.moves,
            cuts: left.cuts + right.cuts, failovers: left.failovers + right.failovers,
            splits: left.splits + right.splits, resets: left.resets + right.resets)
    }
}

// MARK: Liveness

extension Simulation {
    /// The faults end; within bounded time everything that the log holds must be counted.
    fileprivate func endFaults() {
        becomeQuiet()
        catchUp()
    }

    /// Shards that some process calls torn: a node that has a shard's marks no more cannot say it.
    private var toldTorn: Set<Int> {
        var told: Set<Int> = []
        // Without marks of any shard nobody can begin, and the log says `keys-elsewhere`.
        if let cluster = server.cluster, machines.allSatisfy({ $0.lane.assignment == nil }) {
            told = Set(
                (0..<server.shardCount).filter {
                    server[$0].marks.isEmpty && cluster.isCut($0)
                })
        }
        for machine in machines {
            guard let assignment = machine.lane.assignment else { continue }
            for shard in 0..<server.shardCount {
                let reason = assignment.core.shards[shard].aside?.reason
                if server[shard].marks.isEmpty, reason?.contains("split") ?? false {
                    told.insert(shard)
                }
            }
        }
        return told
    }

    func catchUp() {
        for round in 0..<600 {
            for machine in machines { turn(machine) }
            for _ in 0..<60 { server.work() }
            if let cluster = server.cluster {
                // Somebody reads what `status` says, and acts.
                server.resetTorn(told: toldTorn)
                if round > 20 { cluster.closeUntouched() }
            }
            clock += round % 40 == 39 ? 3_700_000 : round % 10 == 9 ? 11_000 : 200
            guard failures.isEmpty else { return }
            if round > 20, missing() == nil { return checkAll() }
        }
        fail("not caught up: \(missing() ?? "")")
    }
}
