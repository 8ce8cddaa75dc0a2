import Redis

/// Reads one list of queries.
///
/// First the sizes that are not known are asked for; then the queries are cut into groups that cost
/// Redis at most 5 ms each, and every group is sent as one MULTI … EXEC with the shard's marks.
/// Each group shows the state of one moment. What is too large for a group is read in pieces and
/// merged here.
struct CellReadRun {
    let queries: [CellQuery]
    let marksKey: [UInt8]
    let markMembers: MarkMembers
    let deadline: ContinuousClock.Instant
    /// Whether a ranking that cannot be read in one piece is an error.
    let refusesLargeRankings: Bool

    private var entries: [CellSnapshot.Entry?]
    var sizes: [[Int64]] = []
    private var owners: [HeldReply] = []
    private var asOfMilliseconds: Int64?
    private var isFirstGroup = true
    /// Whether keys were read one by one, because their slot moves.
    private var isApart = false
    /// Which state the parked hash is in; empty where the marks tell of no parked cells.
    private var parkedStamp: [UInt8] = []
    private let parkedMemory: ParkedMemory

    /// `newestMilliseconds`: time of the newest record, where it is not read with the cells.
    init(
        queries: [CellQuery], marksKey: [UInt8], markMembers: MarkMembers,
        newestMilliseconds: Int64?, parkedMemory: ParkedMemory, deadline: ContinuousClock.Instant,
        refusesLargeRankings: Bool = false
    ) {
        self.queries = queries
        self.marksKey = marksKey
        self.markMembers = markMembers
        asOfMilliseconds = newestMilliseconds
        self.parkedMemory = parkedMemory
        self.deadline = deadline
        self.refusesLargeRankings = refusesLargeRankings
        entries = Array(repeating: nil, count: queries.count)
    }

    mutating func run(on connection: inout Connection) throws(CellReadError) -> CellSnapshot {
        sizes = try askSizes(&connection)
        let work = try work()
        for group in work.groups { try readGroup(group, &connection) }
        return try finish(work, &connection)
    }

    /// What there is to do once sizes are known.
    struct Work {
        /// Indices of queries that are read as of one moment, group by group.
        var groups: [[Int]]
        /// Microseconds that the first group costs Redis.
        var firstCost: Double
        /// Those of queries that are read in pieces.
        var pieces: [Int]
    }

    func work() throws(CellReadError) -> Work {
        var costs: [(index: Int, cost: Double)] = []
        var pieces: [Int] = []
        for (index, query) in queries.enumerated() {
            let (cost, isWhole) = CellReadRun.cost(of: query, sizes: sizes[index])
            if isWhole { costs.append((index, cost)) } else { pieces.append(index) }
        }
        if refusesLargeRankings && pieces.contains(where: { CellReadRun.isRanking(queries[$0]) }) {
            throw CellReadError(.tooLarge, "a ranking has too many members")
        }
        let groups = CellReadRun.groups(costs)
        let firstCost = costs.prefix(groups[0].count).reduce(0) { $0 + $1.cost }
        return Work(groups: groups, firstCost: firstCost, pieces: pieces)
    }

    /// Reads what is left after the groups, and makes the snapshot.
    mutating func finish(
        _ work: Work, _ connection: inout Connection
    ) throws(CellReadError) -> CellSnapshot {
        var pieces = work.pieces
        for case (let index, .rankingSum) in queries.enumerated() {
            if case .reply(let view) = entries[index], CellSnapshot.isInexact(view) {
                pieces.append(index)
            }
        }
        for index in pieces { try readInPieces(index, &connection) }
        let parked = parkedStamp.isEmpty ? 0 : try addParked(&connection)
        return CellSnapshot(
            queries: queries, entries: entries.map { $0 ?? .count(0) }, owners: owners,
            asOfMilliseconds: asOfMilliseconds,
            isAtomic: work.groups.count == 1 && pieces.isEmpty && parked == 0 && !isApart,
            parked: parked,
            isShardParked: !parkedStamp.isEmpty)
    }

    private static func isRanking(_ query: CellQuery) -> Bool {
        switch query {
        case .ranking, .rankingSum: true
        case .hash, .bucket, .members, .size, .distinct, .sketch: false
        }
    }

    // MARK: Parked cells

    /// Adds to the entries what is parked of them; returns the number of these cells.
    private mutating func addParked(
        _ connection: inout Connection
    ) throws(CellReadError) -> Int {
        // The key `…:parked` is beside `…:marks`.
        let key = Array(marksKey.dropLast("marks".utf8.count) + "parked".utf8)
        let members: [[UInt8]: [UInt8]]
        if let known = parkedMemory.members(of: key, parkedStamp) {
            members = known
        } else {
            members = try scan("HSCAN", key, &connection)
            parkedMemory.keep(members, of: key, parkedStamp)
        }
        var parked = ParkedReading(members, of: ParkedReading.keys(queries))
        for (index, query) in queries.enumerated() {
            guard let entry = entries[index] else { continue }
            switch query {
            case .hash(let key), .bucket(let key, _), .ranking(let key):
                if let pairs = parked.merged(Self.pairs(entry), of: [key]) {
                    entries[index] = .pairs(PairMemory(pairs))
                }
            case .rankingSum(let keys):
                if let pairs = parked.merged(Self.pairs(entry), of: keys) {
                    entries[index] = .pairs(PairMemory(pairs))
                }
            case .members(let key, let members):
                guard case .reply(let view) = entry else { continue }
                let values = (0..<view.count).map { view[$0].bytes.map { [UInt8]($0) } }
                if let values = parked.merged(values, members, of: key) {
                    entries[index] = .values(MemberMemory(values))
                }
            case .distinct(let keys):
                let companions = parked.companions(of: keys)
                guard !companions.isEmpty else { continue }
                let sketch = try readSketches(keys + companions, &connection)
                entries[index] = .count(sketch.count)
            case .sketch(let keys):
                let companions = parked.companions(of: keys)
                guard !companions.isEmpty else { continue }
                entries[index] = .sketch(try readSketches(keys + companions, &connection))
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

    /// Numbers of members by query; empty where the query itself bounds them.
    private func askSizes(_ connection: inout Connection) throws(CellReadError) -> [[Int64]] {
        var commands = ReadCommands()
        var owners: [Int] = []
        var sizes = [[Int64]](repeating: [], count: queries.count)
        func take(_ connection: inout Connection) throws(CellReadError) {
            let replies = try CellReadRun.pipeline(commands, &connection, deadline)
            for (owner, reply) in zip(owners, replies) {
                sizes[owner].append(reply.with { $0.integer } ?? 0)
            }
            commands = ReadCommands()
            owners = []
        }
        for (index, query) in queries.enumerated() {
            query.addSizes(to: &commands)
            while owners.count < commands.count { owners.append(index) }
            if commands.count >= 4_000 { try take(&connection) }
        }
        if commands.count > 0 { try take(&connection) }
        return sizes
    }

    // MARK: A group

    mutating func readGroup(
        _ group: [Int], _ connection: inout Connection
    ) throws(CellReadError) {
        var commands = ReadCommands()
        add(group, to: &commands)
        let replies: [HeldReply]
        do throws(CellReadError) {
            replies = try CellReadRun.pipeline(commands, &connection, deadline)
        } catch {
            guard error.isMoving else { throw error }
            return try readApart(group, &connection)
        }
        try take(group, replies.last)
    }

    /// Adds the transaction that reads a group; its last answer holds all.
    func add(_ group: [Int], to commands: inout ReadCommands) {
        commands.add("MULTI")
        commands.add(members: markMembers.besideCells, of: marksKey)
        for index in group { commands.add(queries[index]) }
        commands.add("EXEC")
    }

    /// Takes the answer to a group's transaction.
    mutating func take(_ group: [Int], _ held: HeldReply?) throws(CellReadError) {
        guard let held, held.view.count == group.count + 1 else {
            throw CellReadError(.unavailable, "Redis refused a transaction")
        }
        try take(marks: held.view[0])
        // Sketches are merged at once; of other answers the snapshot keeps the reply itself.
        let isKept = group.contains {
            switch queries[$0] {
            case .distinct, .sketch: false
            default: true
            }
        }
        if isKept { owners.append(held) }
        for (position, index) in group.enumerated() {
            let view = held.view[position + 1]
            if let text = view.errorText {
                throw CellReadError(.unavailable, "Redis answered: \(text)")
            }
            switch queries[index] {
            case .distinct: entries[index] = .count(try Self.distinctCount(view))
            case .sketch: entries[index] = .sketch(try Self.sketch(view))
            default: entries[index] = .reply(view)
            }
        }
    }

    private mutating func take(marks: ReplyView) throws(CellReadError) {
        let newestMilliseconds = try ShardState.newestMilliseconds(marks)
        let stamp = ShardState.parkedStamp(marks)
        if !stamp.isEmpty { parkedStamp = stamp }
        if isFirstGroup { asOfMilliseconds = newestMilliseconds ?? asOfMilliseconds }
        isFirstGroup = false
    }

    /// Reads a group key by key, because its slot moves from one master of a cluster to another:
    /// each key is in one of two places, and a transaction can be run in neither.
    ///
    /// A key that no master has is asked for at both, so that a number is never taken for zero.
    private mutating func readApart(
        _ group: [Int], _ connection: inout Connection
    ) throws(CellReadError) {
        isApart = true
        var commands = ReadCommands()
        commands.add(members: markMembers.besideCells, of: marksKey)
        var whole: [Int] = []
        for index in group {
            switch queries[index] {
            case .rankingSum, .distinct, .sketch: continue
            case .hash, .bucket, .members, .size, .ranking:
                commands.add(queries[index])
                whole.append(index)
            }
        }
        let replies = try CellReadRun.pipeline(commands, &connection, deadline)
        try replies[0].with { (view) throws(CellReadError) in try take(marks: view) }
        for (index, reply) in zip(whole, replies.dropFirst()) {
            owners.append(reply)
            entries[index] = .reply(reply.view)
        }
        for index in group where !whole.contains(index) { try readInPieces(index, &connection) }
    }

    /// How many different values an answer tells: by a number, or by sketches that are merged here.
    static func distinctCount(_ view: ReplyView) throws(CellReadError) -> Int64 {
        if let number = view.integer { return number }
        return try sketch(view).count
    }

    private static func sketch(_ view: ReplyView) throws(CellReadError) -> DistinctSketch {
        var sketch = DistinctSketch()
        for index in 0..<view.count {
            try merge(view[index], into: &sketch)
        }
        return sketch
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
        switch queries[index] {
        case .hash(let key):
            entries[index] = .pairs(PairMemory(try scan("HSCAN", key, &connection)))
        case .ranking(let key):
            entries[index] = .pairs(PairMemory(try scan("ZSCAN", key, &connection)))
        case .rankingSum(let keys):
            var sums = RankingSums()
            var costs: [(index: Int, cost: Double)] = []
            for (keyIndex, size) in sizes[index].enumerated() {
                if size <= ReadCost.largestWhole {
                    costs.append((keyIndex, ReadCost.members(Int(size))))
                } else {
                    sums.add(try scan("ZSCAN", keys[keyIndex], &connection))
                }
            }
            for group in CellReadRun.groups(costs) {
                var commands = ReadCommands()
                for keyIndex in group { commands.add(.ranking(keys[keyIndex])) }
                for reply in try CellReadRun.pipeline(commands, &connection, deadline) {
                    reply.with { sums.add($0) }
                }
            }
            entries[index] = .pairs(sums.pairs)
        case .distinct(let keys):
            entries[index] = .count(try readSketches(keys, &connection).count)
        case .sketch(let keys):
            entries[index] = .sketch(try readSketches(keys, &connection))
        case .members, .size, .bucket: break
        }
    }

    /// The union of these sketches, a hundred of them a round trip.
    private func readSketches(
        _ keys: [[UInt8]], _ connection: inout Connection
    ) throws(CellReadError) -> DistinctSketch {
        var sketch = DistinctSketch()
        for start in stride(from: 0, to: keys.count, by: 100) {
            var commands = ReadCommands()
            for key in keys[start..<min(start + 100, keys.count)] { commands.add("GET", key) }
            for reply in try CellReadRun.pipeline(commands, &connection, deadline) {
                try reply.with { (view) throws(CellReadError) in
                    try Self.merge(view, into: &sketch)
                }
            }
        }
        return sketch
    }

    /// All members, about 1,000 a call.
    ///
    /// A scan gives every member that is there from its start to its end, perhaps twice; reading by
    /// rank would miss a member whenever another one passes it.
    private func scan(
        _ name: StaticString, _ key: [UInt8], _ connection: inout Connection
    ) throws(CellReadError) -> [[UInt8]: [UInt8]] {
        var members: [[UInt8]: [UInt8]] = [:]
        var cursor = Array("0".utf8)
        repeat {
            var commands = ReadCommands()
            commands.add(scan: name, key, cursor: cursor)
            let replies = try CellReadRun.pipeline(commands, &connection, deadline)
            cursor = try CellReadRun.page(replies[0]) { members[[UInt8]($0)] = [UInt8]($1) }
        } while !cursor.elementsEqual("0".utf8)
        return members
    }

    /// Calls `body` with the members of one page of a scan and their values; returns the cursor of
    /// the next page.
    static func page(
        _ reply: HeldReply,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) throws(CellReadError) -> [UInt8] {
        try reply.with { parts throws(CellReadError) in
            guard parts.count == 2, let next = parts[0].bytes else {
                throw CellReadError(.unavailable, "Redis refused a scan")
            }
            for index in stride(from: 0, to: parts[1].count - 1, by: 2) {
                if let name = parts[1][index].bytes, let value = parts[1][index + 1].bytes {
                    body(name, value)
                }
            }
            return [UInt8](next)
        }
    }
}
