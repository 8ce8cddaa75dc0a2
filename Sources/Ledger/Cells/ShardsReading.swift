import Redis

/// Queries about the cells of one shard.
public struct ShardQueries: Sendable {
    /// Number of the shard.
    public var shard: Int
    /// What is read of it.
    public var queries: [CellQuery]

    /// Queries of a shard.
    public init(shard: Int, queries: [CellQuery]) {
        self.shard = shard
        self.queries = queries
    }
}

extension CellReader {
    /// How many shards are read in one round trip.
    private static let batch = 64

    /// Reads cells of several shards: a snapshot for each, in their order.
    ///
    /// Each shard is as of one moment where that takes Redis less than 5 ms, all of them together
    /// are not. One server is asked for many shards in one round trip; in a cluster each shard
    /// takes one of its own. Throws as `read` of one organization does.
    public func read(
        shards parts: [ShardQueries], deadline: ContinuousClock.Instant,
        refusesLargeRankings: Bool = false
    ) throws(CellReadError) -> [CellSnapshot] {
        let shardCount = layout.shardCount
        return try withConnection(deadline) {
            (connection: inout Connection) throws(CellReadError) -> [CellSnapshot] in
            try self.checkLedger(&connection, deadline)
            guard self.layout.shardCount == shardCount else {
                throw CellReadError(
                    .ledgerAbsent,
                    "the ledger has \(self.layout.shardCount) shards, \(shardCount) were expected: "
                        + "ask again")
            }
            var snapshots: [CellSnapshot] = []
            snapshots.reserveCapacity(parts.count)
            guard !self.isCluster else {
                for part in parts {
                    let found = try self.onOneNode(part.shard, &connection) {
                        (connection: inout Connection) throws(CellReadError) -> CellSnapshot in
                        var run = try self.reading(
                            part, &connection, deadline, refusesLargeRankings)
                        return try run.run(on: &connection)
                    }
                    snapshots.append(found)
                }
                return snapshots
            }
            for start in stride(from: 0, to: parts.count, by: CellReader.batch) {
                var runs: [CellReadRun] = []
                for part in parts[start..<min(start + CellReader.batch, parts.count)] {
                    runs.append(
                        try self.reading(part, &connection, deadline, refusesLargeRankings))
                }
                snapshots += try CellReadRun.run(&runs, on: &connection)
            }
            return snapshots
        }
    }

    private func reading(
        _ part: ShardQueries, _ connection: inout Connection, _ deadline: ContinuousClock.Instant,
        _ refusesLargeRankings: Bool
    ) throws(CellReadError) -> CellReadRun {
        CellReadRun(
            queries: part.queries, marksKey: layout.marksKey(shard: part.shard),
            markMembers: markMembers,
            newestMilliseconds: try newestMilliseconds(of: part.shard, &connection, deadline),
            parkedMemory: parkedMemory, deadline: deadline,
            refusesLargeRankings: refusesLargeRankings)
    }
}

extension CellReadRun {
    /// Runs several readings: one round trip for all sizes, and one for the first groups of as many
    /// as cost Redis no more than one large reading, because it serves nobody else meanwhile.
    static func run(
        _ runs: inout [CellReadRun], on connection: inout Connection
    ) throws(CellReadError) -> [CellSnapshot] {
        guard let deadline = runs.first?.deadline else { return [] }
        try readSizes(&runs, &connection, deadline)
        var works: [Work] = []
        for run in runs { works.append(try run.work()) }
        var snapshots: [CellSnapshot] = []
        var start = 0
        while start < runs.count {
            var commands = ReadCommands()
            var lasts: [Int] = []
            var cost = 0.0
            for index in start..<runs.count {
                cost += works[index].firstCost
                if index > start, cost > ReadCost.budget { break }
                runs[index].add(works[index].groups[0], to: &commands)
                lasts.append(commands.count - 1)
            }
            let replies = try pipeline(commands, &connection, deadline)
            for (index, last) in zip(start..., lasts) {
                try runs[index].take(works[index].groups[0], replies[last])
                for group in works[index].groups.dropFirst() {
                    try runs[index].readGroup(group, &connection)
                }
                snapshots.append(try runs[index].finish(works[index], &connection))
            }
            start += lasts.count
        }
        return snapshots
    }

    private static func readSizes(
        _ runs: inout [CellReadRun], _ connection: inout Connection,
        _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) {
        var commands = ReadCommands()
        var owners: [(run: Int, query: Int)] = []
        func take(_ connection: inout Connection) throws(CellReadError) {
            guard commands.count > 0 else { return }
            let replies = try pipeline(commands, &connection, deadline)
            for (owner, reply) in zip(owners, replies) {
                runs[owner.run].sizes[owner.query].append(reply.with { $0.integer } ?? 0)
            }
            commands = ReadCommands()
            owners = []
        }
        for index in runs.indices {
            runs[index].sizes = Array(repeating: [], count: runs[index].queries.count)
            for (query, asked) in runs[index].queries.enumerated() {
                asked.addSizes(to: &commands)
                while owners.count < commands.count { owners.append((index, query)) }
                if commands.count >= 4_000 { try take(&connection) }
            }
        }
        try take(&connection)
    }
}

extension CellQuery {
    /// Adds the commands that ask for the sizes of its keys; none where the query itself bounds
    /// them.
    func addSizes(to commands: inout ReadCommands) {
        switch self {
        case .hash(let key): commands.add("HLEN", key)
        case .ranking(let key): commands.add("ZCARD", key)
        case .rankingSum(let keys): for key in keys { commands.add("ZCARD", key) }
        case .distinct, .sketch, .members, .size, .bucket: break
        }
    }
}
