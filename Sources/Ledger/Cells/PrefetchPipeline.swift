import Redis

/// What one request reads, in its order.
enum RequestStep: Hashable {
    /// Members of a hash under the directory's tag.
    case directory(key: [UInt8], members: [[UInt8]])
    /// Cells and profiles of one organization.
    case cells([CellQuery], organization: [UInt8])
}

/// What a request read the last time, written as one pipeline to be sent when it comes again.
///
/// It guesses the questions, never the answers: each request gets what Redis answered after the
/// request had come, and only where it asks exactly the expected question. So no answer is stale.
struct PrefetchPipeline: ~Copyable {
    let steps: [RequestStep]
    /// The limit of members of each query, in the order of the steps; 0: the query has no limit.
    let limits: [Int]
    let commands: ReadCommands
    /// The shard whose cells are read; nil when none are.
    let shard: Int?
    /// Commands before MULTI: one a step in the directory.
    let directoryCount: Int
    /// Whether a command has no bound of its own, so that the pipeline is good only as long as the
    /// sizes hardly change.
    let isWithSums: Bool

    /// Bytes that are kept for it.
    var byteCount: Int { 3 * commands.buffer.byteCount }

    /// A pipeline of these steps; nil where one pipeline may cost Redis too much, or the steps are
    /// about several organizations.
    ///
    /// `members`: how many members each query gave the last time.
    init?(
        _ steps: [RequestStep], members: [Int], layout: KeyLayout, markMembers: MarkMembers
    ) {
        var commands = ReadCommands()
        var organization: [UInt8]?
        var directoryCount = 0
        for step in steps {
            switch step {
            case .directory(let key, let members):
                commands.add(members: members, of: key)
                directoryCount += 1
            case .cells(_, let other):
                guard organization == nil || organization == other else { return nil }
                organization = other
            }
        }
        var limits: [Int] = []
        if let organization {
            guard
                let found = PrefetchPipeline.limits(steps, members, isTight: false)
                    ?? PrefetchPipeline.limits(steps, members, isTight: true)
            else { return nil }
            limits = found
            commands.add("MULTI")
            commands.add(
                members: markMembers.besideCells,
                of: layout.marksKey(shard: layout.shard(of: organization)))
            var queryIndex = 0
            for case .cells(let queries, _) in steps {
                for query in queries {
                    commands.add(query, most: limits[queryIndex])
                    queryIndex += 1
                }
            }
            commands.add("EXEC")
        }
        self.steps = steps
        shard = organization.map { layout.shard(of: $0) }
        self.limits = limits
        self.commands = commands
        self.directoryCount = directoryCount
        isWithSums = steps.contains { step in
            guard case .cells(let queries, _) = step else { return false }
            return queries.contains { if case .rankingSum = $0 { true } else { false } }
        }
    }

    /// Limits of all reads; nil where one pipeline with them may cost Redis too much.
    private static func limits(
        _ steps: [RequestStep], _ members: [Int], isTight: Bool
    ) -> [Int]? {
        var limits: [Int] = []
        var cost = 0.0
        for case .cells(let queries, _) in steps {
            for query in queries {
                let limit = limit(query, members: members[limits.count], isTight: isTight)
                guard let queryCost = PrefetchPipeline.cost(of: query, most: limit) else {
                    return nil
                }
                cost += queryCost
                limits.append(limit)
            }
        }
        return cost <= ReadCost.budget ? limits : nil
    }

    /// Room for as many members again, or for a quarter where many tables are read; a key that has
    /// grown beyond that is read again.
    private static func limit(_ query: CellQuery, members: Int, isTight: Bool) -> Int {
        switch query {
        case .hash, .ranking, .rankingSum:
            isTight ? members + members / 4 + 4 : 2 * members + 16
        case .bucket, .members, .size, .distinct, .sketch: 0
        }
    }

    /// Most microseconds that Redis works for a read, however large it has become.
    private static func cost(of query: CellQuery, most: Int) -> Double? {
        switch query {
        case .hash, .ranking: return ReadCost.members(most)
        case .bucket(_, let most): return ReadCost.members(most)
        case .members(_, let members): return ReadCost.members(members.count)
        case .size: return 0.3
        case .rankingSum(let keys):
            // Each of them may have all the members of the sum.
            return ReadCost.sum(sets: keys.count, members: keys.count * most)
        case .distinct(let keys):
            guard keys.count <= ReadCost.mostMerged else { return nil }
            return ReadCost.union(keys.count)
        // Only reads of several shards have them, which are not read ahead.
        case .sketch: return nil
        }
    }
}

/// The answers of a pipeline.
struct PrefetchedReplies {
    fileprivate(set) var directory: [HeldReply] = []
    fileprivate(set) var cells: HeldReply?
    fileprivate(set) var asOfMilliseconds: Int64?

    /// Sends a pipeline and takes its answers; nil where one of them is an error.
    ///
    /// `newestMilliseconds`: time of the newest record, where it is not read with the cells.
    static func take(
        _ prefetch: borrowing PrefetchPipeline, newestMilliseconds: Int64?,
        on connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> PrefetchedReplies? {
        var found = PrefetchedReplies()
        var isSound = true
        let count = prefetch.commands.count
        do throws(RedisError) {
            connection.append(encoded: prefetch.commands.buffer, count: count)
            try connection.flush()
            for index in 0..<count {
                let reply = try CellReadRun.next(&connection, deadline)
                if reply.errorText != nil { isSound = false }
                if index < prefetch.directoryCount {
                    found.directory.append(HeldReply(reply))
                } else if index == count - 1 {
                    found.cells = HeldReply(reply)
                }
            }
        } catch {
            throw CellReadError(error)
        }
        guard isSound, let cells = found.cells else { return isSound ? found : nil }
        guard cells.view.count == prefetch.limits.count + 1 else { return nil }
        found.asOfMilliseconds =
            try ShardState.newestMilliseconds(cells.view[0]) ?? newestMilliseconds
        // What is parked takes another round trip, which a pipeline does not have.
        if ShardState.hasParked(cells.view[0]) { return nil }
        return found
    }

    /// The answers to the reads of cells from `first` on; nil where one is an error or may be cut.
    func snapshot(
        _ queries: [CellQuery], from first: Int, limits: [Int]
    ) -> CellSnapshot? {
        guard let cells else { return nil }
        let view = cells.view
        var entries: [CellSnapshot.Entry] = []
        entries.reserveCapacity(queries.count)
        for index in first..<first + queries.count {
            let answer = view[index + 1]
            if answer.kind == .error { return nil }
            if limits[index] > 0, answer.count / 2 >= limits[index] { return nil }
            switch queries[index - first] {
            case .rankingSum where CellSnapshot.isInexact(answer): return nil
            case .distinct:
                // Where it is not a sketch, the read that follows reports it.
                guard let count = try? CellReadRun.distinctCount(answer) else { return nil }
                entries.append(.count(count))
            default: entries.append(.reply(answer))
            }
        }
        return CellSnapshot(
            queries: queries, entries: entries, owners: [cells],
            asOfMilliseconds: asOfMilliseconds, isAtomic: true)
    }
}
