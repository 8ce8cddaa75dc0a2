import Redis

@testable import Ledger
@testable import Pipeline

/// A lane's ledger on the simulated cluster: a connection to each node, and looks at all of them.
final class SimulatedNodeLedger: LaneLedger, LaneWatcher, LaneNodes {
    private let machine: SimulatedMachine
    private let server: SimulatedServer
    private let cluster: SimulatedCluster
    private let dice: Dice
    /// For what is not in a shard: the ledger's record and the server's state.
    private var recordLink: SimulatedConnection
    private var links: [String: SimulatedConnection] = [:]
    private var homes: [Int: String] = [:]
    private var onWay: Set<Int> = []
    /// Where this process believes each slot to be.
    private var map: [String?]
    /// Commits that could not be sent.
    private var lost: [CommitResult] = []
    private var request: LookRequest?
    /// What a check that was begun has found; nil inside: it looks when it is taken.
    private var check: Result<ServerHealth, LedgerError>??
    private var latest: Int64 = 0

    init(_ machine: SimulatedMachine, _ cluster: SimulatedCluster) {
        self.machine = machine
        self.cluster = cluster
        server = machine.simulation.server
        dice = machine.simulation.dice
        recordLink = SimulatedConnection(machine)
        map = (0..<server.shardCount).map { cluster.owner($0)?.id }
    }

    private var isQuiet: Bool { machine.simulation.isQuiet }
    var nodes: (any LaneNodes)? { self }
    var isAlive: Bool { true }
    private var record: SimulatedConnection {
        if !recordLink.isAlive, server.mood != .away { recordLink = SimulatedConnection(machine) }
        return recordLink
    }

    // MARK: Commits

    var inFlight: Int { links.values.reduce(lost.count) { $0 + $1.inFlight } }
    func inFlight(onNodeOf shard: Int) -> Int { homes[shard].flatMap { links[$0]?.inFlight } ?? 0 }
    func isOnWay(shard: Int) -> Bool { onWay.contains(shard) }

    func submit(_ arguments: inout CommitArguments, tag: Int) {
        if !onWay.insert(tag).inserted { machine.simulation.fail("two commits of a shard") }
        guard let link = homes[tag].flatMap({ links[$0] }), link.isAlive else {
            arguments = CommitArguments()
            lost.append(CommitResult(tag: tag, outcome: .unknown(RedisError(.io, "no node"))))
            return
        }
        link.limitClock(to: latest)
        link.submit(&arguments, tag: tag)
    }

    func tryReceive(waitMilliseconds: Int32) -> CommitResult? {
        if waitMilliseconds > 0 { machine.simulation.clock += Int64(dice.roll(1...10)) }
        for (id, link) in links.sorted(by: { $0.key < $1.key }) where link.inFlight > 0 {
            // One that does not answer for long is given up.
            if cluster.node(id)?.isUp != true, dice.oneIn(isQuiet ? 1 : 8) {
                link.sever(keepingRequests: true)
            }
            guard let result = link.tryReceive(waitMilliseconds: waitMilliseconds > 0 ? 1 : 0)
            else { continue }
            return conclude(result)
        }
        return lost.isEmpty ? nil : conclude(lost.removeFirst())
    }

    private func conclude(_ result: CommitResult) -> CommitResult {
        onWay.remove(result.tag)
        if case .refused("MOVED", _) = result.outcome {
            map[result.tag] = cluster.owner(result.tag)?.id
        }
        return result
    }

    func receive() -> CommitResult? {
        for _ in 0..<1_000 {
            guard inFlight > 0 else { return nil }
            if let result = tryReceive(waitMilliseconds: 100) { return result }
            server.work()
        }
        for link in links.values { link.sever(keepingRequests: true) }
        return tryReceive(waitMilliseconds: 0)
    }

    func commit(_ arguments: inout CommitArguments, shard: Int) -> CommitOutcome {
        var call = CommitCall(&arguments)
        call.latest = latest
        machine.touch()
        guard !machine.isDead, let id = homes[shard], let node = cluster.node(id), node.isUp,
            server.mood != .away
        else { return .unknown(RedisError(.io, "no node")) }
        return server.run(call, at: id)
    }

    func limitClock(to milliseconds: Int64) { latest = milliseconds }

    // MARK: Nodes

    func obstacle(shard: Int) -> Moving.Reason? {
        guard let home = homes[shard] else { return .marks }
        guard links[home]?.isAlive ?? false else { return .lost }
        return map[shard] == home ? nil : .moved
    }

    func canSend(to node: String) -> Bool {
        if links[node]?.isAlive ?? false { return true }
        guard server.mood != .away, cluster.node(node)?.isUp ?? false, !machine.isDead else {
            return false
        }
        links[node] = SimulatedConnection(machine, node: node)
        return true
    }

    func home(of shard: Int) -> String? { homes[shard] }

    func settle(shard: Int, on node: String) {
        homes[shard] = node
        map[shard] = node
    }

    var isLooking: Bool { request != nil }

    func look(_ request: LookRequest) { self.request = request }

    func takeLook() -> LookResult? {
        machine.touch()
        guard let request, isQuiet || dice.oneIn(2) else { return nil }
        self.request = nil
        return lookNow(request)
    }

    func lookNow(_ request: LookRequest) -> LookResult {
        machine.touch()
        var result = LookResult()
        result.number = request.number
        guard !machine.isDead else { return result }
        carryOut(request, &result)
        probe(request, &result)
        for shard in request.shards {
            let facts = cluster.facts(shard) { if !isQuiet, dice.oneIn(6) { server.work() } }
            var look = ShardLook(shard: shard, facts: facts)
            if let owner = facts.owner { read(&look, owner.node, request.partitions) }
            // A map may be old for a while.
            if isQuiet || dice.oneIn(3) { map[shard] = cluster.owner(shard)?.id }
            result.looks.append(look)
        }
        return result
    }

    /// Reads marks and birth from the owner, key by key: what is on its way gives an error.
    private func read(_ look: inout ShardLook, _ id: String, _ partitions: [LogPartition]) {
        guard server.mood != .away, isQuiet || !dice.oneIn(40), let node = cluster.node(id),
            node.isUp, node.claims.contains(look.shard)
        else { return }
        let content = node[look.shard]
        if node.slots[look.shard]?.migratingTo != nil,
            content.marks.isEmpty || content.audit.isEmpty
        {
            return
        }
        look.marks = SimulatedConnection.marks(look.shard, content, partitions)
        // Each further question may fail by itself.
        guard isQuiet || !dice.oneIn(40) else { return }
        var missing = 0
        for other in look.facts.others where other.node != id {
            missing += cluster.node(other.node)?[look.shard].keysMissing(in: content) ?? 0
        }
        look.missing = missing
        guard isQuiet || !dice.oneIn(40) else { return }
        look.content = .marked
        if content.marks["!birth"] == nil, content.marks.keys.allSatisfy({ $0.hasPrefix("!") }) {
            let isEmpty = content.audit.isEmpty && content.cells.isEmpty && content.parked.isEmpty
            look.content = isEmpty ? .empty : .cells
        }
    }

    // MARK: Checks

    var isChecking: Bool { check != nil }
    func beginCheck() { check = .some(dice.oneIn(2) ? lookAtServer() : nil) }

    func takeCheck() -> Result<ServerHealth, LedgerError>? {
        guard let begun = check, isQuiet || dice.oneIn(2) else { return nil }
        check = nil
        return begun ?? lookAtServer()
    }

    private func lookAtServer() -> Result<ServerHealth, LedgerError> {
        do throws(LedgerError) { return .success(try record.serverHealth()) } catch {
            return .failure(error)
        }
    }

    // MARK: Orders and probes

    private func probe(_ request: LookRequest, _ result: inout LookResult) {
        for shard in request.probed {
            if case .refusing(let code) = server.mood { result.refusals[shard] = code }
        }
        for (shard, cell) in request.refused
        where isQuiet || !dice.oneIn(4) && cluster.owner(shard)?.isUp ?? false {
            if (try? record.wouldPass(cell)) ?? false { result.passing.insert(shard) }
        }
    }

    private func carryOut(_ request: LookRequest, _ result: inout LookResult) {
        func takesWrites(_ shard: Int, at id: String? = nil) -> SimulatedNode? {
            guard server.mood == .well || server.mood == .unfit, isQuiet || !dice.oneIn(20),
                let node = id.map(cluster.node) ?? cluster.owner(shard), node.isUp,
                node.claims.contains(shard), node === cluster.owner(shard),
                node.slots[shard]?.migratingTo == nil
            else { return nil }
            return node
        }
        for (shard, reason) in request.torn {
            // One key that is there can be written while others are on their way.
            guard takesWrites(shard) != nil || isQuiet || dice.oneIn(2),
                cluster.owner(shard)?.isUp ?? false, server.mood == .well,
                !server[shard].marks.isEmpty || takesWrites(shard) != nil
            else { continue }
            server[shard].marks["!torn"] = reason
            machine.simulation.report.splits += 1
        }
        for (shard, id) in request.settled where takesWrites(shard, at: id) != nil {
            server[shard].marks["!owner"] = id
        }
        for (shard, id) in request.made where takesWrites(shard, at: id) != nil {
            let stamp = String(decoding: request.stamp, as: UTF8.self)
            let present = server[shard].marks["!contract"] ?? "0"
            func number(_ text: String) -> Int { Int(text.prefix { $0 != ":" }) ?? 0 }
            guard present == stamp || number(present) < number(stamp) else {
                result.failure = LedgerError(.contractMovedOn, "a newer contract")
                continue
            }
            server[shard].marks["!contract"] = stamp
            server.makeMarks(
                shard,
                request.origins.map {
                    ("\($0.partition.topic)/\($0.partition.partition)", $0.offset)
                })
        }
    }

    // MARK: The ledger's record, and questions beside the commits

    func open() throws(PipelineError) -> LedgerKeeper.Opened { try record.openRecord() }
    func origins(of topic: String) throws(LedgerError) -> [Int32: Origin] {
        try record.origins(of: topic)
    }
    func establishOrigins(
        _ topic: String, _ origins: [Int32: Origin]
    ) throws(LedgerError) -> [Int32: Origin] { try record.establishOrigins(topic, origins) }
    func addOrigin(_ partition: LogPartition, _ origin: Origin) throws(LedgerError) -> Origin {
        try record.addOrigin(partition, origin)
    }
    func serverHealth() throws(LedgerError) -> ServerHealth {
        preconditionFailure("in a cluster checks never wait")
    }
    func wouldPass(_ cell: RefusedCell) throws(LedgerError) -> Bool { try record.wouldPass(cell) }

    func createMarks(at origins: [(partition: LogPartition, offset: Int64)]) throws(LedgerError) {
        throw LedgerError(.corrupt, "marks are made by looks")
    }

    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks] {
        var request = LookRequest()
        request.partitions = partitions
        request.shards = shards ?? Array(0..<server.shardCount)
        let marks = lookNow(request).looks.compactMap(\.marks)
        guard marks.count == request.shards.count else {
            throw LedgerError(RedisError(.io, "a node does not answer"))
        }
        return marks
    }

    func retryParked(
        shard: Int, contract: [UInt8], cursor: inout [UInt8], latestSecond: Int64
    ) throws(LedgerError) -> Int {
        guard
            let left = server.retryParked(
                shard, contract: String(decoding: contract, as: UTF8.self),
                latestSecond: latestSecond, at: homes[shard])
        else { throw LedgerError(.corrupt, "nothing was tried") }
        return left
    }
}
