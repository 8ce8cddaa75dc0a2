import Redis

@testable import Ledger
@testable import Pipeline

/// One connection to the simulated server, as a lane has it.
final class SimulatedConnection: LaneLedger, LaneWatcher {
    private struct Waiting {
        var tag: Int
        var call: CommitCall
        var outcome: CommitOutcome?
    }
    private let machine: SimulatedMachine
    private let server: SimulatedServer
    private let dice: Dice
    private var waiting: [Waiting] = []
    /// In a cluster, the id of the node that it leads to.
    let node: String?
    private(set) var isAlive = true
    /// Whether it broke, so that the outcomes of its commits are lost.
    private var isSevered = false
    private var latest: Int64 = 0

    init(_ machine: SimulatedMachine, node: String? = nil) {
        self.machine = machine
        self.node = node
        server = machine.simulation.server
        dice = machine.simulation.dice
        server.opened(self)
    }

    var inFlight: Int { waiting.count }
    var hasWork: Bool { isAlive && waiting.contains { $0.outcome == nil } }

    /// The connection breaks: what did not run is lost or runs later, what ran is never answered.
    func sever(keepingRequests: Bool) {
        guard !isSevered else { return }
        isSevered = true
        isAlive = false
        server.broke(
            self, keepingRequests ? waiting.filter { $0.outcome == nil }.map(\.call) : [])
    }

    /// The server runs the oldest request that did not run.
    func runNext() {
        guard let index = waiting.firstIndex(where: { $0.outcome == nil }) else { return }
        if dice.oneIn(40), !machine.simulation.isQuiet {
            // A server that forgot the script: the committer loads it and sends again, at the end.
            var request = waiting.remove(at: index)
            request.outcome = nil
            waiting.append(request)
            return
        }
        waiting[index].outcome = server.run(waiting[index].call, at: node)
    }

    func submit(_ arguments: inout CommitArguments, tag: Int) {
        var call = CommitCall(&arguments)
        call.latest = latest
        machine.touch()
        waiting.append(Waiting(tag: tag, call: call, outcome: nil))
        if machine.isDead { sever(keepingRequests: true) }
    }

    func tryReceive(waitMilliseconds: Int32) -> CommitResult? {
        machine.touch()
        if waitMilliseconds > 0 {
            machine.simulation.clock += Int64(dice.roll(1...Int(waitMilliseconds)))
            for _ in 0..<dice.roll(0...3) { server.work() }
        }
        guard let first = waiting.first else { return nil }
        guard isAlive, !machine.isDead else {
            sever(keepingRequests: true)
            waiting.removeFirst()
            return CommitResult(tag: first.tag, outcome: .unknown(RedisError(.io, "gone")))
        }
        guard let outcome = first.outcome else { return nil }
        waiting.removeFirst()
        machine.landed += Self.hasLanded(first.call, outcome) ? 1 : 0
        return CommitResult(tag: first.tag, outcome: outcome)
    }

    /// Whether an answer says that the call's ranges are applied: by it, or by somebody before it.
    private static func hasLanded(_ call: CommitCall, _ outcome: CommitOutcome) -> Bool {
        switch outcome {
        case .applied: true
        case .mismatch(let marks): marks == call.ranges.map { Int64($0.to) }
        default: false
        }
    }

    func receive() -> CommitResult? {
        for _ in 0..<1_000 {
            guard inFlight > 0 else { return nil }
            if let result = tryReceive(waitMilliseconds: 100) { return result }
        }
        // A Redis that is away comes back only after the connection has timed out; any other
        // answers.
        if server.mood != .away { machine.simulation.fail("an answer never comes") }
        sever(keepingRequests: true)
        return tryReceive(waitMilliseconds: 0)
    }

    func commit(_ arguments: inout CommitArguments, shard: Int) -> CommitOutcome {
        requireEmptyPipeline()
        submit(&arguments, tag: 0)
        for _ in 0..<20 { server.work() }
        if server.mood == .away { sever(keepingRequests: true) }
        while hasWork { runNext() }
        return tryReceive(waitMilliseconds: 0)?.outcome ?? .unknown(RedisError(.io, "gone"))
    }

    private func requireEmptyPipeline() {
        if inFlight > 0 { machine.simulation.fail("a command while commits are in flight") }
    }

    /// One command and its answer; anything may happen between the two.
    private func exchange(isWrite: Bool = false) throws(RedisError) {
        requireEmptyPipeline()
        machine.touch()
        if dice.oneIn(3) { server.work() }
        if dice.oneIn(60), !machine.simulation.isQuiet { sever(keepingRequests: true) }
        if server.mood == .away { sever(keepingRequests: true) }
        guard isAlive, !machine.isDead else {
            sever(keepingRequests: true)
            throw RedisError(.io, "gone")
        }
        if isWrite, case .refusing(let code) = server.mood {
            throw RedisError(serverText: "\(code) for now")
        }
    }

    private func ledgerExchange(isWrite: Bool = false) throws(LedgerError) {
        do throws(RedisError) { try exchange(isWrite: isWrite) } catch { throw LedgerError(error) }
    }

    func limitClock(to milliseconds: Int64) { latest = milliseconds }

    func open() throws(PipelineError) -> LedgerKeeper.Opened {
        let opened = try openRecord()
        for shard in 0..<server.shardCount {
            do throws(RedisError) { try exchange(isWrite: true) } catch {
                throw PipelineError(.redis, error.message)
            }
            let current = server.content.shards[shard].marks["!contract"] ?? "0"
            let number = Int(current.prefix { $0 != ":" }) ?? 0
            if number > machine.contract { throw superseded }
            server[shard].marks["!contract"] = "\(machine.contract):sim"
        }
        return opened
    }

    /// Opens the ledger's record alone.
    func openRecord() throws(PipelineError) -> LedgerKeeper.Opened {
        do throws(RedisError) { try exchange(isWrite: true) } catch {
            throw PipelineError(.redis, error.message)
        }
        if server.mood == .unfit { throw PipelineError(.unfitServer, "it evicts") }
        if server.stored.origins == nil { server.stored.origins = [:] }
        if server.stored.contract > machine.contract { throw superseded }
        server.stored.contract = machine.contract
        let stamp = Array("\(machine.contract):sim".utf8)
        return LedgerKeeper.Opened(dedupeKey: (1, 2), stamp: stamp)
    }

    private var superseded: PipelineError {
        PipelineError(.superseded, "another process moved the contract")
    }

    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks] {
        var read: [ShardMarks] = []
        for shard in shards ?? Array(0..<server.shardCount) {
            try ledgerExchange()
            read.append(Self.marks(shard, server.content.shards[shard], partitions))
        }
        return read
    }

    /// What a reader makes of a shard's marks and audit.
    static func marks(
        _ shard: Int, _ content: ShardContent, _ partitions: [LogPartition]
    ) -> ShardMarks {
        let marks = content.marks
        return ShardMarks(
            shard: shard, contract: marks["!contract"], torn: content.tornOrSplit,
            birth: marks["!birth"], owner: marks["!owner"],
            parked: marks["!parked"].flatMap { Int($0) } ?? 0,
            marks: partitions.map { partition in
                let member = "\(partition.topic)/\(partition.partition)"
                return PartitionMark(
                    offset: marks[member].flatMap { Int64($0) },
                    fingerprint: marks[member + "@"].flatMap { Fingerprint(text: $0.utf8) })
            })
    }

    func createMarks(
        at origins: [(partition: LogPartition, offset: Int64)]
    ) throws(LedgerError) {
        let marks = origins.map {
            (member: "\($0.partition.topic)/\($0.partition.partition)", offset: $0.offset)
        }
        for shard in 0..<server.shardCount {
            try ledgerExchange(isWrite: true)
            server.makeMarks(shard, marks)
        }
    }

    func serverHealth() throws(LedgerError) -> ServerHealth {
        try ledgerExchange()
        return ServerHealth(
            findings: server.mood == .unfit ? ["it evicts"] : [], clock: server.clock,
            dumpRefusal: server.isDumpRefused ? "no RESTORE" : nil)
    }

    func retryParked(
        shard: Int, contract: [UInt8], cursor: inout [UInt8], latestSecond: Int64
    ) throws(LedgerError) -> Int {
        try ledgerExchange(isWrite: true)
        guard
            let left = server.retryParked(
                shard, contract: String(decoding: contract, as: UTF8.self),
                latestSecond: latestSecond)
        else { throw LedgerError(.corrupt, "nothing was tried") }
        return left
    }

    func origins(of topic: String) throws(LedgerError) -> [Int32: Origin] {
        try ledgerExchange()
        return (server.content.origins ?? [:]).mapValues {
            Origin(offset: $0, decidedMilliseconds: 0)
        }
    }

    func establishOrigins(
        _ topic: String, _ origins: [Int32: Origin]
    ) throws(LedgerError) -> [Int32: Origin] {
        try ledgerExchange(isWrite: true)
        if server.content.origins?.isEmpty ?? true {
            machine.simulation.checkOrigins(origins.mapValues(\.offset))
            server.stored.origins = origins.mapValues(\.offset)
        }
        return (server.content.origins ?? [:]).mapValues {
            Origin(offset: $0, decidedMilliseconds: 0)
        }
    }

    func addOrigin(_ partition: LogPartition, _ origin: Origin) throws(LedgerError) -> Origin {
        try ledgerExchange(isWrite: true)
        let current = server.content.origins?[partition.partition] ?? origin.offset
        server.stored.origins = (server.content.origins ?? [:]).merging(
            [partition.partition: current]
        ) { old, _ in old }
        return Origin(offset: current, decidedMilliseconds: 0)
    }

    func wouldPass(_ cell: RefusedCell) throws(LedgerError) -> Bool {
        try ledgerExchange()
        let name = [cell.key, cell.member].map { String(decoding: $0, as: UTF8.self) }
        return !server.spoiled.contains(name.joined(separator: " "))
    }
}
