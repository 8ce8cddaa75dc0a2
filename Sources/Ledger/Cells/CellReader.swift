public import Redis

/// Reads cells and directory entries over one connection of its own, for one thread at a time.
///
/// After an error the connection is thrown away and the read is tried once more on a new one. No
/// call holds Redis longer than about 5 ms; how is in `CellReading`. What a request read is kept, so
/// that all of it is read in one round trip when the same request comes again (`CellPrefetch`).
public final class CellReader {
    /// The names that are read.
    public let layout: KeyLayout
    private let configuration: RedisConfiguration
    private let reach: ReaderReach?
    private var connection: Connection?
    private var connectedAt = ContinuousClock.now
    private var role = ServerRole()
    private var run = ServerRun()
    /// How often this reader has found another server, or another run of one, than before: what was
    /// read earlier may be commits that are lost.
    public var serverChanges: Int { run.changes }
    /// Id of the run of the server that was read last; nil where it does not say.
    public var serverRun: String? { run.id }
    private var ledgerSeen: ContinuousClock.Instant?
    /// A field of the ledger that is there once the directory was read; nil before.
    private var directoryMark: [UInt8]?
    private var directorySeen: Bool { directoryMark != nil }
    private var memory: PrefetchMemory
    private let parkedMemory = ParkedMemory()
    private var markFields = MarkFields([])
    private var newest = NewestRecords()

    /// A reader that connects at its first read.
    ///
    /// Waits are cut to 1 s, the longest an answer may take. `sumsLifetime`: how long sizes of sorted sets are believed
    /// that Redis adds up in one command, which nothing else bounds. `reach` is told of every read.
    public init(
        configuration: RedisConfiguration, layout: KeyLayout,
        sumsLifetime: Duration = .seconds(60), reach: ReaderReach? = nil
    ) {
        self.layout = layout
        self.reach = reach
        memory = PrefetchMemory(sumsLifetime: sumsLifetime)
        var configuration = configuration
        configuration.connectTimeoutMilliseconds = min(
            1_000, configuration.connectTimeoutMilliseconds)
        configuration.commandTimeoutMilliseconds = min(
            1_000, configuration.commandTimeoutMilliseconds)
        self.configuration = configuration
    }

    // MARK: Requests

    /// Begins a request; `key` is the same where the same reads are to be expected.
    public func beginRequest(_ key: UInt64) { memory.begin(key) }

    /// The request under way had no valid credential: what it read is not read at once when it
    /// comes again, and takes no room.
    public func forgetRequest() { memory.forgetRequest() }

    /// Ends the request that was begun, and keeps what it has read.
    public func endRequest() { memory.end(layout, markFields) }

    // MARK: Reading

    /// Reads what stands about one organization; as one state where that takes Redis less than 5 ms.
    ///
    /// `refusesLargeRankings`: throws `tooLarge` where a ranking would have to be read in pieces.
    public func read(
        _ reads: [CellRead], organization: [UInt8], deadline: ContinuousClock.Instant,
        refusesLargeRankings: Bool = false
    ) throws(CellReadError) -> CellSnapshot {
        let step = CellStep.cells(reads, organization: organization)
        try prefetch(step, deadline)
        if let found = memory.cells(step, reads) { return found }
        let shard = layout.shard(of: organization)
        let found = try withConnection(deadline) {
            (connection: inout Connection) throws(CellReadError) -> CellSnapshot in
            try self.checkLedger(&connection, deadline)
            let newest = try self.newestRecord(of: shard, &connection, deadline)
            var reading = CellReading(
                reads: reads, marksKey: self.layout.marksKey(shard: shard),
                markFields: self.markFields, newest: newest,
                parkedMemory: self.parkedMemory, deadline: deadline,
                refusesLargeRankings: refusesLargeRankings)
            return try reading.run(on: &connection)
        }
        memory.add(step, found)
        return found
    }

    /// Reads fields of one hash under the directory's tag; nil where the directory was not read yet.
    public func directoryFields(
        _ key: [UInt8], _ fields: [[UInt8]], deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> [[UInt8]?]? {
        let step = CellStep.directory(key: key, fields: fields)
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
            var commands = CellCommands()
            commands.add(fields: fields, of: key)
            let replies = try CellReading.pipeline(commands, &connection, deadline)
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

    /// Whether Redis still has the ledger: an empty Redis would make every key an unknown one.
    private func checkLayout(
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) {
        var commands = CellCommands()
        // A process that counts makes the ledger again, the directory's mark comes later.
        let fields = [Array("layout".utf8)] + (directoryMark.map { [$0] } ?? [])
        commands.add(fields: fields, of: layout.ledgerKey)
        let replies = try CellReading.pipeline(commands, &connection, deadline)
        let isThere = replies[0].with { view in
            view.count == fields.count && (0..<view.count).allSatisfy { view[$0].bytes != nil }
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
    /// Nothing is known afterwards where that fails: the read itself then says what is wrong.
    private func prefetch(
        _ step: CellStep, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) {
        guard memory.isToBeSent(step), connection != nil else { return }
        do throws(CellReadError) {
            let taken = try withConnection(deadline, isRepeated: false) {
                (connection: inout Connection) throws(CellReadError) -> PrefetchedReplies? in
                try self.checkLedger(&connection, deadline)
                let newest = try self.memory.expectedShard.flatMap { shard throws(CellReadError) in
                    try self.newestRecord(of: shard, &connection, deadline)
                }
                return try self.memory.send(newest: newest, on: &connection, deadline)
            }
            memory.taken(taken)
        } catch {
            memory.failed()
            // What the shard and the clock say would be said again.
            if error.code == .torn || error.code == .timeout { throw error }
        }
    }

    private func newestRecord(
        of shard: Int, _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> Int64? {
        try newest.time(of: shard, markFields, layout, &connection, deadline)
    }

    /// Looks for the ledger at most once a second: absent cells of an absent ledger would read as zeros.
    private func checkLedger(
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) {
        if let ledgerSeen, directorySeen, ContinuousClock.now - ledgerSeen < .seconds(1) { return }
        ledgerSeen = nil
        var members: [String: String] = [:]
        do throws(RedisError) {
            connection.append("HELLO")
            connection.append([Array("HGETALL".utf8), layout.ledgerKey])
            let greeting = ServerGreeting(try connection.receive().view)
            let reply = try connection.receive()
            if let text = reply.errorText { throw RedisError(serverText: text) }
            try look(at: greeting)
            if !run.isKnown {
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
            members["shards"] == String(layout.shardCount)
        else { throw CellReadError(.ledgerAbsent, "the ledger has another layout") }
        directoryMark = members.keys.first { $0.hasPrefix("directory:") }.map { Array($0.utf8) }
        let origin = "origin:"
        let fields = MarkFields(
            members.keys.filter { $0.hasPrefix(origin) }.map { String($0.dropFirst(origin.count)) })
        if fields != markFields {
            markFields = fields
            newest.forget()
            memory.forgetAll()
        }
        ledgerSeen = .now
    }

    /// Throws where the server is not the one to read from: a node of a cluster, or no master any more.
    private func look(at greeting: ServerGreeting) throws(RedisError) {
        if greeting.isCluster ?? false {
            throw RedisError(
                .configuration,
                "\(greeting.product ?? "Redis") runs as a node of a cluster, which is not supported"
            )
        }
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
                // On a connection that lives an error is an answer. One that the server had closed
                // while it was idle is nothing yet: the next try tells.
                let isAnswered = current.isAlive && !error.leavesServer
                // Answers that were not taken would be taken for those of the next read.
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

extension CellReadError {
    init(_ error: RedisError) {
        self.init(
            error.code == .timeout ? .timeout : .unavailable, error.description,
            leavesServer: error.leavesServer)
    }
}

/// Which run of a server a reader reads from, asked once on each connection.
struct ServerRun {
    /// How often it was another one than before.
    private(set) var changes = 0
    /// Whether the server behind the connection under way was asked.
    var isKnown = false
    private(set) var id: String?
    private var isFirst = true

    /// Takes the answer to INFO; a server that does not say counts as another one.
    mutating func note(_ reply: ReplyView) {
        let text = reply.errorText == nil ? reply.copied().text ?? "" : ""
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }
        let found = line.map(String.init)
        if !isFirst, found == nil || found != id { changes += 1 }
        (id, isFirst, isKnown) = (found, false, true)
    }
}

/// When a reader whose connection leads to a replica connects again, so that the name is resolved again.
///
/// Who reads a replica on purpose goes on reading it; who read a master finds the new one soon.
struct ServerRole {
    /// How old the connection gets where the name led to a master before.
    static let soon: Duration = .seconds(5)
    /// How old it gets where the name has led to replicas only.
    static let late: Duration = .seconds(60)
    private var hasSeenMaster = false

    /// Whether to connect again now, on a connection of this age.
    mutating func mustResolve(isReplica: Bool, age: Duration) -> Bool {
        guard isReplica else {
            hasSeenMaster = true
            return false
        }
        return age >= (hasSeenMaster ? Self.soon : Self.late)
    }
}
