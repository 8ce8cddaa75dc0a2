internal import Ledger
internal import Redis

/// A lane's ledger on a Redis Cluster: a connection to each master, and looks at all of them.
///
/// A commit goes to the node on which its shard is settled. Connections are made, and masters are
/// asked, on another thread: the lane's never waits for a node that does not answer.
final class ClusterLedger: LaneLedger, LaneNodes {
    /// How often the map is compared with where the shards are settled.
    private static let mapInterval: Milliseconds = 50

    private let configuration: PipelineConfiguration
    private let cluster: Cluster
    private let keeper: LedgerKeeper
    private let layout: KeyLayout
    private let slots: [Int]
    private var links: [String: NodeLink] = [:]
    /// Of each shard, the node on which it is settled.
    private var homes: [String?]
    /// Which node the map names for each shard, and which it named when the shard was settled.
    private var mapped: [String?]
    private var mappedThen: [String?]
    private var mapAt: Milliseconds = .min / 2
    /// Outcomes of commits that could not be sent, or whose node is lost.
    private var lost: [CommitResult] = []
    /// Where the next look for answers begins, so that no node is always the last.
    private var turn = 0
    private var latestSecond: Int64 = 0
    private let census: SlotCensus
    private let looking: Background<Looked>
    private let checking: Background<Result<ServerHealth, LedgerError>>
    /// For what is not in a shard; nil while it is not connected.
    private var record: RecordLink?

    /// What a look has found, and the connections that it has made.
    private struct Looked: Sendable {
        var result: LookResult
        var links: [NodeLink]
    }

    private final class RecordLink {
        var connection: Connection
        init(_ redis: RedisConfiguration) throws(RedisError) {
            connection = try Connection(redis)
        }
    }

    /// A ledger on this cluster; throws where no node tells its map.
    init(
        _ configuration: PipelineConfiguration, _ cluster: Cluster, keeper: LedgerKeeper
    ) throws(RedisError) {
        self.configuration = configuration
        self.cluster = cluster
        self.keeper = keeper
        layout = configuration.layout
        slots = (0..<layout.shardCount).map { [layout] in
            Slot.of(key: layout.marksKey(shard: $0))
        }
        homes = Array(repeating: nil, count: slots.count)
        mapped = homes
        mappedThen = homes
        census = SlotCensus(configuration.redis, cluster, layout: layout)
        do throws(ThreadRefusal) {
            looking = try Background()
            checking = try Background()
        } catch { throw RedisError(.connect, "no node can be asked: \(error.message)") }
        _ = try cluster.knownMap()
    }

    var isAlive: Bool { true }
    var nodes: (any LaneNodes)? { self }

    // MARK: Commits

    var inFlight: Int { links.values.reduce(lost.count) { $0 + $1.onWay.count } }

    func inFlight(onNodeOf shard: Int) -> Int {
        homes[shard].flatMap { links[$0]?.onWay.count } ?? 0
    }

    func isOnWay(shard: Int) -> Bool {
        (homes[shard].flatMap { links[$0]?.onWay.contains(shard) } ?? false)
            || lost.contains { $0.tag == shard }
    }

    func submit(_ arguments: inout CommitArguments, tag: Int) {
        guard let link = homes[tag].flatMap({ links[$0] }), link.isAlive else {
            lost.append(CommitResult(tag: tag, outcome: .unknown(Self.gone)))
            return
        }
        link.submit(&arguments, shard: tag, latestSecond: latestSecond)
    }

    private static let gone = RedisError(.io, "the connection to the node is lost")

    func tryReceive(waitMilliseconds: Int32) -> CommitResult? {
        let deadline = SteadyClock.milliseconds + Milliseconds(waitMilliseconds)
        repeat {
            let busy = links.values.filter { !$0.onWay.isEmpty }
            // All are looked at before any of them is waited for.
            for offset in busy.indices {
                let link = busy[(turn + offset) % busy.count]
                if let result = link.tryReceive(waitMilliseconds: 0) {
                    turn += 1
                    return concluded(result)
                }
                if link.isSilent(SteadyClock.milliseconds) { giveUp(link) }
            }
            if !lost.isEmpty { return lost.removeFirst() }
            guard waitMilliseconds > 0, let first = busy.first else { return nil }
            if let result = first.tryReceive(waitMilliseconds: 1) { return concluded(result) }
        } while SteadyClock.milliseconds < deadline
        return nil
    }

    private func concluded(_ result: CommitResult) -> CommitResult {
        switch result.outcome {
        case .refused(let code, let text) where RedisError.redirectCodes.contains(code):
            if let home = homes[result.tag].flatMap({ links[$0]?.node.endpoint }),
                case .moved(let slot, let endpoint) = Redirect(errorText: text, from: home)
            {
                cluster.moved(slot: slot, to: endpoint)
            } else {
                cluster.lostNode()
            }
        case .unknown: cluster.lostNode()
        default: break
        }
        return result
    }

    /// Leaves a node that does not answer; what became of its commits is not known.
    private func giveUp(_ link: NodeLink) {
        let silence = RedisError(.timeout, "no answer for \(NodeLink.patience) ms")
        lost += link.onWay.sorted().map { CommitResult(tag: $0, outcome: .unknown(silence)) }
        links[link.node.id] = nil
        cluster.lostNode()
    }

    func receive() -> CommitResult? {
        while inFlight > 0 {
            if let result = tryReceive(waitMilliseconds: 1_000) { return result }
        }
        return nil
    }

    func commit(_ arguments: inout CommitArguments, shard: Int) -> CommitOutcome {
        guard let link = homes[shard].flatMap({ links[$0] }), link.isAlive else {
            return .unknown(Self.gone)
        }
        return link.commit(&arguments, latestSecond: latestSecond)
    }

    func limitClock(to milliseconds: Int64) { latestSecond = milliseconds / 1_000 }

    // MARK: Nodes

    func obstacle(shard: Int) -> Moving.Reason? {
        guard let home = homes[shard] else { return .marks }
        guard links[home]?.isAlive ?? false else { return .lost }
        readMap()
        // A node that only a MOVED has named has no id yet. And a map that was old when the shard
        // was settled says nothing new.
        guard let owner = mapped[shard], owner != home, !owner.hasPrefix("?"),
            owner != mappedThen[shard]
        else { return nil }
        return .moved
    }

    private func readMap() {
        let now = SteadyClock.milliseconds
        guard now - mapAt >= Self.mapInterval else { return }
        mapAt = now
        cluster.refreshIfDue()
        guard let map = cluster.map else { return }
        for shard in slots.indices { mapped[shard] = map.owner(ofSlot: slots[shard])?.id }
    }

    func canSend(to node: String) -> Bool { links[node]?.isAlive ?? false }

    func home(of shard: Int) -> String? { homes[shard] }

    func settle(shard: Int, on node: String) {
        homes[shard] = node
        mapAt = .min / 2
        readMap()
        mappedThen[shard] = mapped[shard] == node ? nil : mapped[shard]
    }

    // MARK: Looks

    var isLooking: Bool { looking.isBusy }

    func look(_ request: LookRequest) {
        let look = prepared(request)
        looking.start(look)
    }

    func takeLook() -> LookResult? { looking.take().map(adopt) }

    func lookNow(_ request: LookRequest) -> LookResult {
        // One that is under way has the same connections; it ends within seconds.
        while looking.isBusy {
            if let looked = looking.take() { _ = adopt(looked) } else { pause(milliseconds: 1) }
        }
        return adopt(prepared(request)())
    }

    private func adopt(_ looked: Looked) -> LookResult {
        for link in looked.links where !(links[link.node.id]?.isAlive ?? false) {
            if let old = links[link.node.id], !old.onWay.isEmpty { giveUp(old) }
            links[link.node.id] = link
        }
        return looked.result
    }

    /// The look as a task for another thread.
    private func prepared(_ request: LookRequest) -> @Sendable () -> Looked {
        let connected = Set(links.values.filter(\.isAlive).map(\.node.id))
        let (census, layout, redis) = (census, layout, configuration.redis)
        return {
            var looked = Looked(result: LookResult(), links: [])
            looked.result.number = request.number
            let all = Set(request.shards + request.torn.map(\.shard) + request.settled.map(\.shard))
                .union(request.made.map(\.shard)).sorted()
            let looks = census.look(at: all, partitions: request.partitions) {
                connection, node, shards in
                Self.carryOut(request, &connection, node, shards, layout, &looked.result)
                NodeProbes.ask(request, &connection, shards, layout, &looked.result)
            }
            let wanted = Set(request.shards)
            looked.result.looks = looks.filter { wanted.contains($0.shard) }
            for id in Set(looked.result.looks.compactMap { $0.facts.owner?.node }).sorted()
            where !connected.contains(id) {
                guard let node = census.node(id) else { continue }
                if let link = try? Self.connect(redis, node) { looked.links.append(link) }
            }
            return looked
        }
    }

    private static func connect(
        _ redis: RedisConfiguration, _ node: ClusterNode
    ) throws(RedisError) -> NodeLink {
        var redis = redis
        redis.commandTimeoutMilliseconds = min(
            SlotCensus.patienceMilliseconds, redis.commandTimeoutMilliseconds)
        redis.connectTimeoutMilliseconds = min(
            SlotCensus.patienceMilliseconds, redis.connectTimeoutMilliseconds)
        return NodeLink(node, try ServerWorld.committer(try Connection(redis, node: node)))
    }

    /// Carries out the orders for shards that a node owns, as far as it takes them now.
    private static func carryOut(
        _ request: LookRequest, _ connection: inout Connection, _ node: ClusterNode,
        _ shards: [Int], _ layout: KeyLayout, _ result: inout LookResult
    ) {
        let own = Set(shards)
        // What a node refuses is tried again with a later look.
        for (shard, reason) in request.torn where own.contains(shard) {
            let marks = layout.marksKey(shard: shard)
            guard
                (try? tear(&connection, marks, reason, birth: request.births[shard])) != nil
                    || connection.isAlive
            else { return }
        }
        let settled = request.settled.filter { own.contains($0.shard) && $0.node == node.id }
        for (shard, id) in settled {
            connection.append([
                Array("HSET".utf8), layout.marksKey(shard: shard), Array("!owner".utf8),
                Array(id.utf8),
            ])
        }
        for _ in settled { guard (try? connection.receive()) != nil else { return } }
        let made = request.made.filter { own.contains($0.shard) && $0.node == node.id }.map(\.shard)
        guard !made.isEmpty,
            let stamp = ContractStamp(text: String(decoding: request.stamp, as: UTF8.self))
        else { return }
        do throws(LedgerError) {
            try ContractMove.move(made, &connection, layout, stamp)
            try Marks.createAbsent(
                &connection, layout: layout, shards: made, at: request.origins)
        } catch {
            if error.code == .contractMovedOn { result.failure = error }
        }
    }

    /// Marks a shard as torn, unless it was reset since that was found.
    ///
    /// A reset between the two commands is undone by that, and is made once more.
    private static func tear(
        _ connection: inout Connection, _ marks: [UInt8], _ reason: String, birth: String?
    ) throws(RedisError) {
        let words = { (texts: String...) in texts.map { Array($0.utf8) } }
        let found = try connection.command(words("HGET") + [marks] + words("!birth"))
        guard found.text == birth else { return }
        try connection.command(words("HSET") + [marks] + words("!torn", reason))
    }

    // MARK: The ledger's record, and questions beside the commits

    private func ask<Value, Failure: Error>(
        _ wrap: (RedisError) -> Failure,
        _ body: (inout Connection) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let link: RecordLink
        if let record, record.connection.isAlive {
            link = record
        } else {
            do throws(RedisError) {
                link = try RecordLink(ClusterHealth.patient(configuration.redis))
            } catch {
                throw wrap(error)
            }
            record = link
        }
        return try body(&link.connection)
    }

    private func ask<Value>(
        _ body: (inout Connection) throws(LedgerError) -> Value
    ) throws(LedgerError) -> Value { try ask({ LedgerError($0) }, body) }

    func open() throws(PipelineError) -> LedgerKeeper.Opened {
        let keeper = keeper
        return try ask({ PipelineError(LedgerError($0)) }) { connection throws(PipelineError) in
            try keeper.openRecord(&connection)
        }
    }

    func origins(of topic: String) throws(LedgerError) -> [Int32: Origin] {
        let layout = layout
        return try ask { connection throws(LedgerError) in
            try LedgerRecord.read(&connection, layout: layout)
        }?.origins(of: topic) ?? [:]
    }

    func establishOrigins(
        _ topic: String, _ origins: [Int32: Origin]
    ) throws(LedgerError) -> [Int32: Origin] {
        let layout = layout
        return try ask { connection throws(LedgerError) in
            try Origins.establish(&connection, layout: layout, topic: topic, origins)
        }
    }

    func addOrigin(_ partition: LogPartition, _ origin: Origin) throws(LedgerError) -> Origin {
        let layout = layout
        return try ask { connection throws(LedgerError) in
            try Origins.add(&connection, layout: layout, partition, origin)
        }
    }

    func wouldPass(_ cell: RefusedCell) throws(LedgerError) -> Bool {
        try ask { connection throws(LedgerError) in
            try RefusalProbe.wouldPass(cell, on: &connection)
        }
    }

    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks] {
        let layout = layout
        return try ask { connection throws(LedgerError) in
            try Marks.read(&connection, layout: layout, partitions: partitions, shards: shards)
        }
    }

    func createMarks(at origins: [(partition: LogPartition, offset: Int64)]) throws(LedgerError) {
        preconditionFailure("in a cluster looks make the marks")
    }

    // MARK: Health

    var isChecking: Bool { checking.isBusy }

    func beginCheck() {
        let (configuration, layout) = (configuration, layout)
        checking.start { ClusterHealth.check(configuration, layout) }
    }

    func takeCheck() -> Result<ServerHealth, LedgerError>? { checking.take() }

    func serverHealth() throws(LedgerError) -> ServerHealth {
        preconditionFailure("in a cluster checks never wait")
    }
}
