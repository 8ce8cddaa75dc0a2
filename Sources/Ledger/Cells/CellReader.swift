public import Redis

/// Reads cells and directory entries over one connection of its own, for one thread at a time.
///
/// After an error the connection is closed and the read is tried once more on a new one. No
/// call holds Redis longer than about 5 ms; see `CellReadRun`. What a request read is kept,
/// so that all of it is read in one round trip when the same request comes again
/// (`PrefetchPipeline`).
public final class CellReader {
    /// The names that are read, with the ledger's number of shards once that is known.
    public private(set) var layout: KeyLayout
    private let shared: SharedLayout?
    private let configuration: RedisConfiguration
    private let reach: ReaderReach?
    private var connection: Connection?
    private var connectedAt = ContinuousClock.now
    private var role = ServerRole()
    private var run = ServerRun()
    /// How often this reader has found another server, or the same one restarted: what was read
    /// before may include commits that are lost.
    ///
    /// In a cluster all readers that share `shared` count together.
    public var serverChanges: Int { isCluster ? clusterRuns.changes : run.changes }
    /// What differs between two runs of servers: id of the run of the server that was read last,
    /// nil where it does not say; in a cluster a number of ours.
    public var serverRun: String? { isCluster ? String(clusterRuns.changes) : run.id }
    let isCluster: Bool
    private var clusterRuns: ClusterRuns
    private var nodes: ReaderNodes
    private var ledgerSeen: ContinuousClock.Instant?
    /// A member of the ledger's hash that exists once the directory was read; nil before.
    private var directoryMark: [UInt8]?
    private var directorySeen: Bool { directoryMark != nil }
    private var memory: PrefetchMemory
    let parkedMemory = ParkedMemory()
    var markMembers = MarkMembers([])
    private var newest = NewestRecords()

    /// A reader that connects at its first read.
    ///
    /// Waits are cut to 1 s, the longest an answer may take. `sumsLifetime`: how long known
    /// sizes of sorted sets are trusted that Redis adds up in one command, which nothing else
    /// bounds. `reach` is told of every read. `shared`: what other readers of the process know of
    /// the ledger's number of shards.
    public init(
        configuration: RedisConfiguration, layout: KeyLayout,
        sumsLifetime: Duration = .seconds(60), reach: ReaderReach? = nil,
        shared: SharedLayout? = nil
    ) {
        self.layout = layout
        self.shared = shared
        self.reach = reach
        memory = PrefetchMemory(sumsLifetime: sumsLifetime)
        var configuration = configuration
        configuration.connectTimeoutMilliseconds = min(
            1_000, configuration.connectTimeoutMilliseconds)
        configuration.commandTimeoutMilliseconds = min(
            1_000, configuration.commandTimeoutMilliseconds)
        self.configuration = configuration
        isCluster = configuration.cluster != nil
        let runs = shared?.runs ?? SharedRuns()
        clusterRuns = ClusterRuns(runs)
        nodes = ReaderNodes(runs)
    }

    // MARK: Requests

    /// Begins a request; equal keys mean that the same reads are expected.
    public func beginRequest(_ key: UInt64) {
        if let count = shared?.shardCount { adopt(shardCount: count) }
        memory.begin(key)
    }

    /// Forgets what the request under way has read, because it had no valid credential: it takes no
    /// memory, and is not read ahead when it comes again.
    public func forgetRequest() { memory.forgetRequest() }

    /// Ends the request that was begun, and keeps what it has read.
    public func endRequest() { memory.end(layout, markMembers) }

    // MARK: Reading

    /// Reads cells of one organization; as one state where that takes Redis less than 5 ms.
    ///
    /// `refusesLargeRankings`: throws `tooLarge` where a ranking would have to be read in pieces.
    /// The queries' names must be those of `layout`; where the ledger turns out to have another
    /// number of shards, it is taken from then on, and this read fails.
    public func read(
        _ queries: [CellQuery], organization: [UInt8], deadline: ContinuousClock.Instant,
        refusesLargeRankings: Bool = false
    ) throws(CellReadError) -> CellSnapshot {
        let step = RequestStep.cells(queries, organization: organization)
        let shardCount = layout.shardCount
        let shard = layout.shard(of: organization)
        try prefetch(step, deadline)
        if layout.shardCount == shardCount, let found = memory.cells(step, queries) {
            return found
        }
        let found = try withConnection(deadline) {
            (connection: inout Connection) throws(CellReadError) -> CellSnapshot in
            try self.checkLedger(&connection, deadline)
            guard self.layout.shardCount == shardCount else {
                throw CellReadError(
                    .ledgerAbsent,
                    "the ledger has \(self.layout.shardCount) shards, \(shardCount) were expected: "
                        + "ask again")
            }
            return try self.onOneNode(shard, &connection) {
                (connection: inout Connection) throws(CellReadError) -> CellSnapshot in
                let newestMilliseconds = try self.newestMilliseconds(
                    of: shard, &connection, deadline)
                var reading = CellReadRun(
                    queries: queries, marksKey: self.layout.marksKey(shard: shard),
                    markMembers: self.markMembers, newestMilliseconds: newestMilliseconds,
                    parkedMemory: self.parkedMemory, deadline: deadline,
                    refusesLargeRankings: refusesLargeRankings)
                return try reading.run(on: &connection)
            }
        }
        memory.add(step, found)
        return found
    }

    /// Reads members of one hash under the directory's tag; nil where the directory was not read
    /// yet.
    public func directoryMembers(
        _ key: [UInt8], _ members: [[UInt8]], deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> [[UInt8]?]? {
        let step = RequestStep.directory(key: key, members: members)
        try prefetch(step, deadline)
        if let found = memory.directory(step) {
            let values = found.with { directoryValues($0) }
            if Self.isAbsent(values) {
                try withConnection(deadline) {
                    (connection: inout Connection) throws(CellReadError) in
                    try self.checkLayout(&connection, deadline)
                }
            }
            return values
        }
        let values = try withConnection(deadline) {
            (connection: inout Connection) throws(CellReadError) -> [[UInt8]?]? in
            try self.checkLedger(&connection, deadline)
            var commands = ReadCommands()
            commands.add(members: members, of: key)
            let replies = try CellReadRun.pipeline(commands, &connection, deadline)
            let values = replies[0].with { self.directoryValues($0) }
            if Self.isAbsent(values) { try self.checkLayout(&connection, deadline) }
            return values
        }
        memory.add(step, nil)
        return values
    }

    private static func isAbsent(_ values: [[UInt8]?]?) -> Bool {
        values?.allSatisfy { $0 == nil } ?? false
    }

    /// Throws where Redis has lost the ledger: in an empty Redis every API key would be unknown.
    private func checkLayout(
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) {
        var commands = ReadCommands()
        // Both, because a process that counts makes the ledger at once and the directory's mark
        // later.
        let members = [Array("layout".utf8)] + (directoryMark.map { [$0] } ?? [])
        commands.add(members: members, of: layout.ledgerKey)
        let replies = try CellReadRun.pipeline(commands, &connection, deadline)
        let isThere = replies[0].with { view in
            view.count == members.count && (0..<view.count).allSatisfy { view[$0].bytes != nil }
        }
        guard isThere else {
            ledgerSeen = nil
            throw CellReadError(.ledgerAbsent, "Redis holds no ledger under this prefix")
        }
    }

    private func directoryValues(_ view: ReplyView) -> [[UInt8]?]? {
        let values = (0..<view.count).map { view[$0].bytes.map { [UInt8]($0) } }
        return directorySeen || values.contains { $0 != nil } ? values : nil
    }

    /// Whether Redis answers and holds a ledger of this layout.
    public func probe(deadline: ContinuousClock.Instant) throws(CellReadError) {
        try withConnection(deadline) { (connection: inout Connection) throws(CellReadError) in
            self.ledgerSeen = nil
            try self.checkLedger(&connection, deadline)
        }
    }

    /// Sends what the request is expected to read, where it begins as it did the last time.
    ///
    /// An error is dropped: the read itself then meets and reports it.
    private func prefetch(
        _ step: RequestStep, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) {
        guard memory.isToBeSent(step), connection != nil else { return }
        do throws(CellReadError) {
            let taken = try withConnection(deadline, isRepeated: false) {
                (connection: inout Connection) throws(CellReadError) -> PrefetchedReplies? in
                let shardCount = self.layout.shardCount
                try self.checkLedger(&connection, deadline)
                // Its names are those of another number of shards.
                guard self.layout.shardCount == shardCount else { return nil }
                let shard = self.memory.expectedShard
                let node = try shard.flatMap { shard throws(CellReadError) in
                    try self.noteServer(of: shard, &connection)
                }
                let newestMilliseconds = try shard.flatMap { shard throws(CellReadError) in
                    try self.newestMilliseconds(of: shard, &connection, deadline)
                }
                let replies = try self.memory.send(
                    newestMilliseconds: newestMilliseconds, on: &connection, deadline)
                // Nobody knows whether the shard is whole where it is now.
                return self.isStill(node, shard, connection) ? replies : nil
            }
            memory.taken(taken)
        } catch {
            memory.failed()
            // With a torn shard or a passed deadline the read itself would fail, too.
            if error.code == .torn || error.code == .timeout { throw error }
        }
    }

    func newestMilliseconds(
        of shard: Int, _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> Int64? {
        try newest.milliseconds(of: shard, markMembers, layout, &connection, deadline)
    }

    /// Looks for the ledger at most once a second: absent cells of an absent ledger would read as
    /// zeros.
    func checkLedger(
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) {
        if let ledgerSeen, directorySeen, ContinuousClock.now - ledgerSeen < .seconds(1) { return }
        ledgerSeen = nil
        var members: [String: String] = [:]
        do throws(RedisError) {
            connection.lead(toKey: layout.ledgerKey)
            connection.append("HELLO")
            connection.append([Array("HGETALL".utf8), layout.ledgerKey])
            let greeting = ServerGreeting(try connection.receive().view)
            let reply = try connection.receive()
            if let text = reply.errorText { throw RedisError(serverText: text) }
            // A master of a cluster that became a replica sends every command elsewhere.
            if !isCluster { try look(at: greeting, connection.clusterURL) }
            if !isCluster, !run.isKnown {
                connection.append(["INFO", "server"].map { Array($0.utf8) })
                run.note(try connection.receive().view)
            }
            let found = reply.copied().elements
            for index in stride(from: 0, to: found.count - 1, by: 2) {
                if let name = found[index].text { members[name] = found[index + 1].text ?? "" }
            }
        } catch {
            throw CellReadError(error)
        }
        guard members["layout"] != nil else {
            throw CellReadError(.ledgerAbsent, "Redis holds no ledger under this prefix")
        }
        guard members["layout"] == String(KeyLayout.version),
            let count = members["shards"].flatMap({ KeyLayout.validShardCount($0) })
        else { throw CellReadError(.ledgerAbsent, "the ledger has another layout") }
        adopt(shardCount: count)
        shared?.shardCount = count
        directoryMark = members.keys.first { $0.hasPrefix("directory:") }.map { Array($0.utf8) }
        let origin = "origin:"
        let marks = MarkMembers(
            members.keys.filter { $0.hasPrefix(origin) }.map { String($0.dropFirst(origin.count)) })
        if marks != markMembers {
            markMembers = marks
            newest.forget()
            memory.forgetAll()
        }
        ledgerSeen = .now
    }

    /// Reads a shard from one node, on which it is whole; again where its slot moves meanwhile.
    func onOneNode<Result>(
        _ shard: Int, _ connection: inout Connection,
        _ body: (inout Connection) throws(CellReadError) -> Result
    ) throws(CellReadError) -> Result {
        for _ in 0..<3 {
            let node = try noteServer(of: shard, &connection)
            let result = try body(&connection)
            if isStill(node, shard, connection) { return result }
        }
        throw CellReadError(.unavailable, "shard \(shard) moves from node to node: ask again")
    }

    /// Notes which master of a cluster the shard is read from, and returns it; nil where there is
    /// one server.
    ///
    /// Throws where the shard may be in halves.
    private func noteServer(
        of shard: Int, _ connection: inout Connection
    ) throws(CellReadError) -> ClusterNode? {
        guard isCluster else { return nil }
        let key = layout.marksKey(shard: shard)
        do throws(RedisError) {
            try clusterRuns.note(shard, key, on: &connection)
            let node = connection.node(ofKey: key)
            if let node { try nodes.check(shard, key, on: node, &connection) }
            return node
        } catch { throw CellReadError(error) }
    }

    /// Whether that node still has the shard.
    private func isStill(
        _ node: ClusterNode?, _ shard: Int?, _ connection: borrowing Connection
    ) -> Bool {
        guard isCluster, let shard else { return true }
        return connection.node(ofKey: layout.marksKey(shard: shard)) == node
    }

    /// Takes the ledger's number of shards; what was learned under another one is of other keys.
    private func adopt(shardCount: Int) {
        guard shardCount != layout.shardCount else { return }
        layout = layout.with(shardCount: shardCount)
        newest.forget()
        memory.forgetAll()
        parkedMemory.forget()
        nodes.forget()
    }

    /// Throws where the server must not be read: a node of a cluster, or a master that became a
    /// replica.
    private func look(at greeting: ServerGreeting, _ clusterURL: String?) throws(RedisError) {
        if let refusal = greeting.clusterRefusal(clusterURL) { throw refusal }
        let isReplica = greeting.isReplica ?? false
        if role.mustResolve(isReplica: isReplica, age: .now - connectedAt) {
            throw RedisError(
                serverText: "READONLY this server is a replica: looking for the master")
        }
    }

    /// Runs `body` on a live connection; once more on a new one where the old one was broken.
    func withConnection<Result>(
        _ deadline: ContinuousClock.Instant, isRepeated: Bool = true,
        _ body: (inout Connection) throws(CellReadError) -> Result
    ) throws(CellReadError) -> Result {
        var isFirst = isRepeated && connection != nil
        while true {
            var current: Connection
            if let open = connection.take() {
                current = open
            } else {
                guard ContinuousClock.now < deadline else {
                    throw CellReadError(.timeout, "no answer from Redis in time")
                }
                ledgerSeen = nil
                run.isKnown = false
                clusterRuns.forget()
                parkedMemory.forget()
                do throws(RedisError) {
                    current = try Connection(configuration)
                } catch {
                    reach?.failed(error.description)
                    throw CellReadError(error)
                }
                connectedAt = .now
            }
            do throws(CellReadError) {
                let result = try body(&current)
                connection = consume current
                reach?.answered()
                return result
            } catch {
                // On a live connection an error is an answer. That the server closed an idle
                // connection means nothing yet: the next try tells.
                let isAnswered = current.isAlive && !error.leavesServer
                // Answers left in the pipeline would be taken for those of the next read.
                if current.isAlive, current.pendingReplies == 0, !error.leavesServer {
                    connection = consume current
                }
                guard isFirst, error.code == .unavailable, connection == nil else {
                    if isAnswered {
                        reach?.answered()
                    } else if isRepeated || error.code == .timeout {
                        reach?.failed(error.message)
                    }
                    throw error
                }
                isFirst = false
            }
        }
    }
}
