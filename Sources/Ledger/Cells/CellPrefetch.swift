import Redis

/// What one request reads, in its order.
enum CellStep: Hashable {
    /// Fields of a hash under the directory's tag.
    case directory(key: [UInt8], fields: [[UInt8]])
    /// Cells and profiles of one organization.
    case cells([CellRead], organization: [UInt8])
}

/// What a request read the last time, written as one pipeline to be sent when it comes again.
///
/// It is a guess about questions, never about answers: whoever asks gets what Redis said after the
/// request had come, and only where exactly that is asked for. So nothing can be stale.
struct CellPrefetch: ~Copyable {
    let steps: [CellStep]
    /// Most members that each read of cells was asked for, steps one after the other; 0 = without a limit of its own.
    let limits: [Int]
    let commands: CellCommands
    /// The shard that cells are read of; nil = none are.
    let shard: Int?
    /// Commands before MULTI: one a step in the directory.
    let directoryCount: Int
    /// Whether Redis is asked for more than can be bounded in the command itself: good as long as sizes hardly change.
    let isWithSums: Bool

    /// Bytes that are kept for it.
    var byteCount: Int { 3 * commands.buffer.byteCount }

    /// A pipeline of these steps, `members` what each read of cells gave; nil where one pipeline may cost Redis too
    /// much, or the steps are about several organizations.
    init?(
        _ steps: [CellStep], members: [Int], layout: KeyLayout, markFields: MarkFields
    ) {
        var commands = CellCommands()
        var organization: [UInt8]?
        var directoryCount = 0
        for step in steps {
            switch step {
            case .directory(let key, let fields):
                commands.add(fields: fields, of: key)
                directoryCount += 1
            case .cells(_, let other):
                guard organization == nil || organization == other else { return nil }
                organization = other
            }
        }
        var limits: [Int] = []
        if let organization {
            guard
                let found = CellPrefetch.limits(steps, members, isTight: false)
                    ?? CellPrefetch.limits(steps, members, isTight: true)
            else { return nil }
            limits = found
            commands.add("MULTI")
            commands.add(
                fields: markFields.besideCells,
                of: layout.marksKey(shard: layout.shard(of: organization)))
            var place = 0
            for case .cells(let reads, _) in steps {
                for read in reads {
                    commands.add(read, most: limits[place])
                    place += 1
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
            guard case .cells(let reads, _) = step else { return false }
            return reads.contains { if case .rankingSum = $0 { true } else { false } }
        }
    }

    /// Limits of all reads; nil where one pipeline with them may cost Redis too much.
    private static func limits(
        _ steps: [CellStep], _ members: [Int], isTight: Bool
    ) -> [Int]? {
        var limits: [Int] = []
        var cost = 0.0
        for case .cells(let reads, _) in steps {
            for read in reads {
                let limit = limit(read, members: members[limits.count], isTight: isTight)
                guard let one = CellPrefetch.cost(of: read, most: limit) else { return nil }
                cost += one
                limits.append(limit)
            }
        }
        return cost <= ReadCost.budget ? limits : nil
    }

    /// Room for as many again, or where many tables are read for a quarter; what has grown beyond that is read anew.
    private static func limit(_ read: CellRead, members: Int, isTight: Bool) -> Int {
        switch read {
        case .hash, .ranking, .rankingSum:
            isTight ? members + members / 4 + 4 : 2 * members + 16
        case .bucket, .fields, .size, .distinct: 0
        }
    }

    /// Most microseconds that Redis works for a read, however large it has become.
    private static func cost(of read: CellRead, most: Int) -> Double? {
        switch read {
        case .hash, .ranking: return ReadCost.members(most)
        case .bucket(_, let most): return ReadCost.members(most)
        case .fields(_, let fields): return ReadCost.members(fields.count)
        case .size: return 0.3
        case .rankingSum(let keys):
            // Each of them may have all the members of the sum.
            return ReadCost.sum(sets: keys.count, members: keys.count * most)
        case .distinct(let keys):
            guard keys.count <= ReadCost.mostMerged else { return nil }
            return ReadCost.union(keys.count)
        }
    }
}

/// What a pipeline brought.
struct PrefetchedReplies {
    fileprivate(set) var directory: [HeldReply] = []
    fileprivate(set) var cells: HeldReply?
    fileprivate(set) var asOf: Int64?

    /// Sends a pipeline and takes its answers; nil where one of them is an error.
    ///
    /// `newest`: time of the newest record, where it is not read with the cells.
    static func take(
        _ prefetch: borrowing CellPrefetch, newest: Int64?, on connection: inout Connection,
        _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> PrefetchedReplies? {
        var found = PrefetchedReplies()
        var isSound = true
        let count = prefetch.commands.count
        do throws(RedisError) {
            connection.append(encoded: prefetch.commands.buffer, count: count)
            try connection.flush()
            for place in 0..<count {
                let reply = try CellReading.next(&connection, deadline)
                if reply.errorText != nil { isSound = false }
                if place < prefetch.directoryCount {
                    found.directory.append(HeldReply(reply))
                } else if place == count - 1 {
                    found.cells = HeldReply(reply)
                }
            }
        } catch {
            throw CellReadError(error)
        }
        guard isSound, let cells = found.cells else { return isSound ? found : nil }
        guard cells.view.count == prefetch.limits.count + 1 else { return nil }
        found.asOf = try ShardState.newestRecord(cells.view[0]) ?? newest
        // What is parked takes another round trip, which is not foreseen.
        if ShardState.hasParked(cells.view[0]) { return nil }
        return found
    }

    /// The answers to the reads of cells from `first` on; nil where one is an error or may be cut.
    func snapshot(
        _ reads: [CellRead], from first: Int, limits: [Int]
    ) -> CellSnapshot? {
        guard let cells else { return nil }
        let view = cells.view
        var entries: [CellSnapshot.Entry] = []
        entries.reserveCapacity(reads.count)
        for index in first..<first + reads.count {
            let one = view[index + 1]
            if one.kind == .error { return nil }
            if limits[index] > 0, one.count / 2 >= limits[index] { return nil }
            switch reads[index - first] {
            case .rankingSum where CellSnapshot.isInexact(one): return nil
            case .distinct:
                // What is no sketch, the read that follows will say.
                guard let count = try? CellReading.distinctCount(one) else { return nil }
                entries.append(.count(count))
            default: entries.append(.reply(one))
            }
        }
        return CellSnapshot(
            reads: reads, entries: entries, owners: [cells], asOf: asOf, isAtomic: true)
    }
}
