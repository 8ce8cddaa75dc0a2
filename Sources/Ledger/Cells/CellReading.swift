import Redis

/// One list of reads under way.
///
/// First the sizes of everything whose size is not known are asked for; then the reads are cut into
/// groups that cost Redis at most 5 ms each, and every group travels as one MULTI … EXEC with the
/// shard's marks. One group = one state. What is too large for a group is read in pieces and merged here.
struct CellReading {
    let reads: [CellRead]
    let marksKey: [UInt8]
    let markFields: MarkFields
    let deadline: ContinuousClock.Instant
    /// Whether a ranking that cannot be read in one piece is an error.
    let refusesLargeRankings: Bool

    private var entries: [CellSnapshot.Entry?]
    private var sizes: [[Int64]] = []
    private var owners: [HeldReply] = []
    private var asOf: Int64?
    private var isFirstGroup = true
    /// Where the marks tell of parked cells, which state of them; else empty.
    private var parkedStamp: [UInt8] = []
    private let parkedMemory: ParkedMemory

    /// `newest`: time of the newest record, where it is not read with the cells.
    init(
        reads: [CellRead], marksKey: [UInt8], markFields: MarkFields, newest: Int64?,
        parkedMemory: ParkedMemory, deadline: ContinuousClock.Instant,
        refusesLargeRankings: Bool = false
    ) {
        self.reads = reads
        self.marksKey = marksKey
        self.markFields = markFields
        asOf = newest
        self.parkedMemory = parkedMemory
        self.deadline = deadline
        self.refusesLargeRankings = refusesLargeRankings
        entries = Array(repeating: nil, count: reads.count)
    }

    mutating func run(on connection: inout Connection) throws(CellReadError) -> CellSnapshot {
        sizes = try askSizes(&connection)
        var costs: [(place: Int, cost: Double)] = []
        var pieces: [Int] = []
        for (index, read) in reads.enumerated() {
            let (cost, isWhole) = CellReading.cost(of: read, sizes: sizes[index])
            if isWhole { costs.append((index, cost)) } else { pieces.append(index) }
        }
        if refusesLargeRankings && pieces.contains(where: { CellReading.isRanking(reads[$0]) }) {
            throw CellReadError(.tooLarge, "a ranking has too many members")
        }
        let groups = CellReading.groups(costs)
        for group in groups { try readGroup(group, &connection) }
        for case (let index, .rankingSum) in reads.enumerated() {
            if case .reply(let view) = entries[index], CellSnapshot.isInexact(view) {
                pieces.append(index)
            }
        }
        for index in pieces { try readInPieces(index, &connection) }
        let parked = parkedStamp.isEmpty ? 0 : try addParked(&connection)
        return CellSnapshot(
            reads: reads, entries: entries.map { $0 ?? .count(0) }, owners: owners, asOf: asOf,
            isAtomic: groups.count == 1 && pieces.isEmpty && parked == 0, parked: parked,
            isShardParked: !parkedStamp.isEmpty)
    }

    private static func isRanking(_ read: CellRead) -> Bool {
        switch read {
        case .ranking, .rankingSum: true
        case .hash, .bucket, .fields, .size, .distinct: false
        }
    }

    // MARK: Parked cells

    /// Adds to the entries what is parked of them; of how many cells it is.
    private mutating func addParked(
        _ connection: inout Connection
    ) throws(CellReadError) -> Int {
        // `…:parked` stands beside `…:marks`.
        let key = Array(marksKey.dropLast("marks".utf8.count) + "parked".utf8)
        let fields: [[UInt8]: [UInt8]]
        if let known = parkedMemory.fields(of: key, parkedStamp) {
            fields = known
        } else {
            fields = try scan("HSCAN", key, &connection)
            parkedMemory.keep(fields, of: key, parkedStamp)
        }
        var parked = ParkedReading(fields, of: ParkedReading.keys(reads))
        for (index, read) in reads.enumerated() {
            guard let entry = entries[index] else { continue }
            switch read {
            case .hash(let key), .bucket(let key, _), .ranking(let key):
                if let pairs = parked.merged(Self.pairs(entry), of: [key]) {
                    entries[index] = .pairs(PairMemory(pairs))
                }
            case .rankingSum(let keys):
                if let pairs = parked.merged(Self.pairs(entry), of: keys) {
                    entries[index] = .pairs(PairMemory(pairs))
                }
            case .fields(let key, let fields):
                guard case .reply(let view) = entry else { continue }
                let values = (0..<view.count).map { view[$0].bytes.map { [UInt8]($0) } }
                if let values = parked.merged(values, fields, of: key) {
                    entries[index] = .values(FieldMemory(values))
                }
            case .distinct(let keys):
                let companions = parked.companions(of: keys)
                guard !companions.isEmpty else { continue }
                entries[index] = .count(try readSketches(keys + companions, &connection))
            case .size(let key): parked.note(key)
            }
        }
        return parked.count
    }

    private static func pairs(_ entry: CellSnapshot.Entry) -> [[UInt8]: [UInt8]] {
        var pairs: [[UInt8]: [UInt8]] = [:]
        CellSnapshot.forEachPair(of: entry) { pairs[[UInt8]($0)] = [UInt8]($1) }
        return pairs
    }

    // MARK: Sizes and costs

    /// Fields or members; nothing where the read itself says how much it is at most.
    private func askSizes(_ connection: inout Connection) throws(CellReadError) -> [[Int64]] {
        var commands = CellCommands()
        var owners: [Int] = []
        var sizes = [[Int64]](repeating: [], count: reads.count)
        func take(_ connection: inout Connection) throws(CellReadError) {
            let replies = try CellReading.pipeline(commands, &connection, deadline)
            for (owner, reply) in zip(owners, replies) {
                sizes[owner].append(reply.with { $0.integer } ?? 0)
            }
            commands = CellCommands()
            owners = []
        }
        for (index, read) in reads.enumerated() {
            switch read {
            case .hash(let key): commands.add("HLEN", key)
            case .ranking(let key): commands.add("ZCARD", key)
            case .rankingSum(let keys): for key in keys { commands.add("ZCARD", key) }
            case .distinct, .fields, .size, .bucket: break
            }
            while owners.count < commands.count { owners.append(index) }
            if commands.count >= 4_000 { try take(&connection) }
        }
        if commands.count > 0 { try take(&connection) }
        return sizes
    }

    /// Microseconds that a read costs Redis, and whether it may be read in one piece.
    private static func cost(of read: CellRead, sizes: [Int64]) -> (Double, Bool) {
        switch read {
        case .fields(_, let fields): return (ReadCost.members(fields.count), true)
        case .bucket(_, let most): return (ReadCost.members(most), true)
        case .size: return (0.3, true)
        case .hash, .ranking:
            let size = Int(clamping: sizes.first ?? 0)
            return (ReadCost.members(size), size <= ReadCost.largestWhole)
        case .rankingSum(let keys):
            let members = sizes.reduce(0) { $0 + Int(clamping: $1) }
            let cost = ReadCost.sum(sets: keys.count, members: members)
            return (cost, cost <= ReadCost.budget)
        case .distinct(let keys):
            return (ReadCost.union(keys.count), keys.count <= ReadCost.mostMerged)
        }
    }

    /// Cuts what costs Redis so much into groups that hold it no longer than they may; at least one, perhaps empty.
    private static func groups(_ costs: [(place: Int, cost: Double)]) -> [[Int]] {
        var groups: [[Int]] = [[]]
        var total = 0.0
        for (place, cost) in costs {
            if total + cost > ReadCost.budget, !groups[groups.count - 1].isEmpty {
                groups.append([])
                total = 0
            }
            groups[groups.count - 1].append(place)
            total += cost
        }
        return groups
    }

    // MARK: A group

    private mutating func readGroup(
        _ group: [Int], _ connection: inout Connection
    ) throws(CellReadError) {
        var commands = CellCommands()
        commands.add("MULTI")
        commands.add(fields: markFields.besideCells, of: marksKey)
        for index in group { commands.add(reads[index]) }
        commands.add("EXEC")
        let replies = try CellReading.pipeline(commands, &connection, deadline)
        guard let held = replies.last, held.view.count == group.count + 1 else {
            throw CellReadError(.unavailable, "Redis refused a transaction")
        }
        let newest = try ShardState.newestRecord(held.view[0])
        let stamp = ShardState.parkedStamp(held.view[0])
        if !stamp.isEmpty { parkedStamp = stamp }
        if isFirstGroup { asOf = newest ?? asOf }
        isFirstGroup = false
        // Sketches are merged at once; of other reads the snapshot looks at the reply itself.
        let isKept = group.contains { if case .distinct = reads[$0] { false } else { true } }
        if isKept { owners.append(held) }
        for (position, index) in group.enumerated() {
            let view = held.view[position + 1]
            if let text = view.errorText {
                throw CellReadError(.unavailable, "Redis answered: \(text)")
            }
            if case .distinct = reads[index] {
                entries[index] = .count(try Self.distinctCount(view))
            } else {
                entries[index] = .reply(view)
            }
        }
    }

    /// What a read of different values was answered with: their number, or the sketches themselves.
    static func distinctCount(_ view: ReplyView) throws(CellReadError) -> Int64 {
        if let number = view.integer { return number }
        var sketch = DistinctSketch()
        for place in 0..<view.count {
            try merge(view[place], into: &sketch)
        }
        return sketch.count
    }

    /// Adds a stored sketch to another one; an absent one adds nothing.
    private static func merge(
        _ stored: ReplyView, into sketch: inout DistinctSketch
    ) throws(CellReadError) {
        guard let bytes = stored.bytes, !sketch.merge(bytes) else { return }
        throw CellReadError(.unavailable, "a distinct cell is not a HyperLogLog")
    }

    // MARK: In pieces

    private mutating func readInPieces(
        _ index: Int, _ connection: inout Connection
    ) throws(CellReadError) {
        switch reads[index] {
        case .hash(let key):
            entries[index] = .pairs(PairMemory(try scan("HSCAN", key, &connection)))
        case .ranking(let key):
            entries[index] = .pairs(PairMemory(try scan("ZSCAN", key, &connection)))
        case .rankingSum(let keys):
            var sums = RankingSums()
            var costs: [(place: Int, cost: Double)] = []
            for (place, size) in sizes[index].enumerated() {
                if size <= ReadCost.largestWhole {
                    costs.append((place, ReadCost.members(Int(size))))
                } else {
                    sums.add(try scan("ZSCAN", keys[place], &connection))
                }
            }
            for group in CellReading.groups(costs) {
                var commands = CellCommands()
                for place in group { commands.add(.ranking(keys[place])) }
                for reply in try CellReading.pipeline(commands, &connection, deadline) {
                    reply.with { sums.add($0) }
                }
            }
            entries[index] = .pairs(sums.pairs)
        case .distinct(let keys):
            entries[index] = .count(try readSketches(keys, &connection))
        case .fields, .size, .bucket: break
        }
    }

    /// How many different values there are in these sketches, a hundred of them a round trip.
    private func readSketches(
        _ keys: [[UInt8]], _ connection: inout Connection
    ) throws(CellReadError) -> Int64 {
        var sketch = DistinctSketch()
        for start in stride(from: 0, to: keys.count, by: 100) {
            var commands = CellCommands()
            for key in keys[start..<min(start + 100, keys.count)] { commands.add("GET", key) }
            for reply in try CellReading.pipeline(commands, &connection, deadline) {
                try reply.with { (view) throws(CellReadError) in
                    try Self.merge(view, into: &sketch)
                }
            }
        }
        return sketch.count
    }

    /// All members, about 1,000 a call.
    ///
    /// A scan gives every member that is there from its begin to its
    /// end, perhaps twice; reading by rank would miss one whenever another passes it.
    private func scan(
        _ name: StaticString, _ key: [UInt8], _ connection: inout Connection
    ) throws(CellReadError) -> [[UInt8]: [UInt8]] {
        var members: [[UInt8]: [UInt8]] = [:]
        var cursor = Array("0".utf8)
        repeat {
            var commands = CellCommands()
            commands.add(scan: name, key, cursor: cursor)
            let replies = try CellReading.pipeline(commands, &connection, deadline)
            cursor = try CellReading.page(replies[0]) { members[[UInt8]($0)] = [UInt8]($1) }
        } while !cursor.elementsEqual("0".utf8)
        return members
    }

    /// Hands over the members of one page of a scan with their values; the cursor of the next page.
    static func page(
        _ reply: HeldReply,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) throws(CellReadError) -> [UInt8] {
        try reply.with { parts throws(CellReadError) in
            guard parts.count == 2, let next = parts[0].bytes else {
                throw CellReadError(.unavailable, "Redis refused a scan")
            }
            for place in stride(from: 0, to: parts[1].count - 1, by: 2) {
                if let name = parts[1][place].bytes, let value = parts[1][place + 1].bytes {
                    body(name, value)
                }
            }
            return [UInt8](next)
        }
    }

    // MARK: Round trips

    /// Sends commands in one go and takes their answers; the first error answer is thrown.
    static func pipeline(
        _ commands: borrowing CellCommands, _ connection: inout Connection,
        _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> [HeldReply] {
        guard ContinuousClock.now < deadline else {
            throw CellReadError(.timeout, "no answer from Redis in time")
        }
        do throws(RedisError) {
            connection.append(encoded: commands.buffer, count: commands.count)
            try connection.flush()
            var replies: [HeldReply] = []
            replies.reserveCapacity(commands.count)
            var failure: String?
            for _ in 0..<commands.count {
                let reply = try CellReading.next(&connection, deadline)
                if let text = reply.errorText { failure = failure ?? text }
                replies.append(HeldReply(reply))
            }
            if let failure { throw RedisError(serverText: failure) }
            return replies
        } catch {
            throw CellReadError(error)
        }
    }

    /// The next answer; clocks are asked only where it has to be waited for.
    static func next(
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(RedisError) -> Reply {
        if let reply = try connection.receiveBuffered() { return reply }
        let left = deadline - .now
        return try connection.receive(
            timeoutMilliseconds: max(1, Int32(clamping: Int64(left / .milliseconds(1)))))
    }
}

/// Scores by member, added up over several sorted sets as integers.
private struct RankingSums {
    private var sums: [[UInt8]: Int64] = [:]

    /// Adds what a sorted set holds: members and scores in turn.
    mutating func add(_ ranking: ReplyView) {
        for place in stride(from: 0, to: ranking.count - 1, by: 2) {
            if let name = ranking[place].bytes, let score = ranking[place + 1].bytes {
                add([UInt8](name), CellSnapshot.score(score))
            }
        }
    }

    mutating func add(_ members: [[UInt8]: [UInt8]]) {
        for (name, score) in members {
            add(name, score.withUnsafeBytes { CellSnapshot.score($0) })
        }
    }

    private mutating func add(_ name: [UInt8], _ score: Int64) {
        let (sum, overflows) = sums[name, default: 0].addingReportingOverflow(score)
        sums[name] = overflows ? (score < 0 ? .min : .max) : sum
    }

    /// The sums as Redis would write them.
    var pairs: PairMemory { PairMemory(sums.mapValues { Array(String($0).utf8) }) }
}
