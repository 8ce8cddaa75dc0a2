import Redis

/// One list of reads under way.
///
/// First the sizes of everything whose size is not known are asked for; then the reads are cut into
/// groups that cost Redis at most 5 ms each, and every group travels as one MULTI … EXEC with the
/// shard's marks. One group = one state. What is too large for a group is read in pieces and merged here.
struct CellReading {
    let reads: [CellRead]
    let marksKey: [UInt8]
    let deadline: ContinuousClock.Instant

    private var values: [CellValue?]
    private var asOf: Int64?
    private var isFirstGroup = true

    /// Most microseconds that one round trip may cost Redis.
    static let budget = 5_000.0
    /// Hashes and sorted sets with more members are read in pieces.
    static let largestWhole: Int64 = 10_000
    /// Unions with more dense sketches are merged here.
    static let mostDense = 180

    init(reads: [CellRead], marksKey: [UInt8], deadline: ContinuousClock.Instant) {
        self.reads = reads
        self.marksKey = marksKey
        self.deadline = deadline
        values = Array(repeating: nil, count: reads.count)
    }

    mutating func run(on connection: inout Connection) throws(CellReadError) -> CellSnapshot {
        let sizes = try askSizes(&connection)
        var groups: [[Int]] = [[]]
        var cost = 0.0
        var pieces: [Int] = []
        for (index, read) in reads.enumerated() {
            let (one, isWhole) = CellReading.cost(of: read, sizes: sizes[index])
            guard isWhole else {
                pieces.append(index)
                continue
            }
            if cost + one > CellReading.budget, groups[groups.count - 1].isEmpty == false {
                groups.append([])
                cost = 0
            }
            groups[groups.count - 1].append(index)
            cost += one
        }
        for group in groups { try readGroup(group, &connection) }
        for index in pieces { try readInPieces(index, &connection) }
        return CellSnapshot(
            values: values.map { $0 ?? .fields([]) }, asOf: asOf,
            isAtomic: groups.count == 1 && pieces.isEmpty)
    }

    // MARK: Sizes and costs

    /// Fields, members, or bytes of each sketch; nothing where the read itself says how much it is.
    private func askSizes(_ connection: inout Connection) throws(CellReadError) -> [[Int64]] {
        var commands: [[[UInt8]]] = []
        var owners: [Int] = []
        for (index, read) in reads.enumerated() {
            switch read {
            case .hash(let key):
                commands.append([Array("HLEN".utf8), key])
                owners.append(index)
            case .ranking(let key):
                commands.append([Array("ZCARD".utf8), key])
                owners.append(index)
            case .distinct(let keys):
                for key in keys {
                    commands.append([Array("STRLEN".utf8), key])
                    owners.append(index)
                }
            case .fields, .size: break
            }
        }
        var sizes = [[Int64]](repeating: [], count: reads.count)
        var position = 0
        for start in stride(from: 0, to: commands.count, by: 4_000) {
            let replies = try pipeline(
                Array(commands[start..<min(start + 4_000, commands.count)]), &connection)
            for reply in replies {
                sizes[owners[position]].append(reply.integer ?? 0)
                position += 1
            }
        }
        return sizes
    }

    /// Microseconds that a read costs Redis, and whether it may be read in one piece.
    private static func cost(of read: CellRead, sizes: [Int64]) -> (Double, Bool) {
        switch read {
        case .fields(_, let fields):
            return (1 + 0.5 * Double(fields.count), true)
        case .size:
            return (0.3, true)
        case .hash, .ranking:
            let size = sizes.first ?? 0
            return (1 + 0.5 * Double(size), size <= largestWhole)
        case .distinct:
            var cost = 1.0
            var dense = 0
            for size in sizes {
                if DistinctSketch.isDense(byteCount: Int(size)) {
                    dense += 1
                    cost += 27
                } else {
                    cost += size == 0 ? 0.3 : 2 + Double(size) / 300
                }
            }
            return (cost, dense <= mostDense && cost <= budget)
        }
    }

    // MARK: A group

    private mutating func readGroup(
        _ group: [Int], _ connection: inout Connection
    ) throws(CellReadError) {
        try checkTime()
        var commands: [[[UInt8]]] = [
            [Array("MULTI".utf8)], [Array("HGETALL".utf8), marksKey],
        ]
        for index in group {
            switch reads[index] {
            case .hash(let key): commands.append([Array("HGETALL".utf8), key])
            case .fields(let key, let fields):
                commands.append([Array("HMGET".utf8), key] + fields)
            case .size(let key): commands.append([Array("HLEN".utf8), key])
            case .ranking(let key):
                commands.append(
                    [Array("ZRANGE".utf8), key] + ["0", "-1", "WITHSCORES"].map { Array($0.utf8) })
            case .distinct(let keys): commands.append([Array("PFCOUNT".utf8)] + keys)
            }
        }
        commands.append([Array("EXEC".utf8)])
        let replies = try pipeline(commands, &connection)
        guard let results = replies.last?.elements, results.count == group.count + 1 else {
            throw CellReadError(.unavailable, "Redis refused a transaction")
        }
        try takeMarks(results[0].elements)
        for (position, index) in group.enumerated() {
            values[index] = try CellReading.value(of: reads[index], from: results[position + 1])
        }
    }

    private mutating func takeMarks(_ marks: [ReplyValue]) throws(CellReadError) {
        var torn: String?
        var begun: String?
        var done: String?
        for index in stride(from: 0, to: marks.count - 1, by: 2) {
            guard let name = marks[index].bytes, let value = marks[index + 1].text else { continue }
            if name.first == UInt8(ascii: "!") {
                if name.elementsEqual("!torn".utf8) { torn = value }
                if name.elementsEqual("!begun".utf8) { begun = value }
                if name.elementsEqual("!done".utf8) { done = value }
                continue
            }
            // `TOPIC/PARTITION@` = `OFFSET TIMESTAMP HASH` of the last record taken.
            guard isFirstGroup, name.last == UInt8(ascii: "@") else { continue }
            let parts = value.split(separator: " ")
            if parts.count == 3, let time = Int64(parts[1]), time >= 0 {
                asOf = max(asOf ?? 0, time)
            }
        }
        isFirstGroup = false
        if let reason = Marks.tornReason(torn: torn, begun: begun, done: done) {
            throw CellReadError(.torn, "the shard needs a rebuild: \(reason)")
        }
    }

    private static func value(
        of read: CellRead, from reply: ReplyValue
    ) throws(CellReadError) -> CellValue {
        if case .error(let text) = reply {
            throw CellReadError(.unavailable, "Redis answered: \(text)")
        }
        switch read {
        case .hash: return .hash(pairs(reply.elements))
        case .fields: return .fields(reply.elements.map(\.bytes))
        case .ranking: return .ranking(pairs(reply.elements).map { ($0.field, score($0.value)) })
        case .distinct, .size: return .count(reply.integer ?? 0)
        }
    }

    private static func pairs(_ elements: [ReplyValue]) -> [(field: [UInt8], value: [UInt8])] {
        stride(from: 0, to: elements.count - 1, by: 2).map {
            (elements[$0].bytes ?? [], elements[$0 + 1].bytes ?? [])
        }
    }

    /// Scores are integers up to 2^53, but Redis writes large ones as `1e+17`.
    private static func score(_ text: [UInt8]) -> Int64 {
        let text = String(decoding: text, as: UTF8.self)
        if let number = Int64(text) { return number }
        return Double(text).flatMap { Int64(exactly: $0.rounded()) } ?? 0
    }

    // MARK: In pieces

    private mutating func readInPieces(
        _ index: Int, _ connection: inout Connection
    ) throws(CellReadError) {
        switch reads[index] {
        case .hash(let key):
            values[index] = .hash(try scan("HSCAN", key, &connection).map { ($0.key, $0.value) })
        case .ranking(let key):
            values[index] = .ranking(
                try scan("ZSCAN", key, &connection).map { ($0.key, CellReading.score($0.value)) })
        case .distinct(let keys):
            var sketch = DistinctSketch()
            for start in stride(from: 0, to: keys.count, by: 100) {
                let commands = keys[start..<min(start + 100, keys.count)].map {
                    [Array("GET".utf8), $0]
                }
                for reply in try pipeline(commands, &connection) {
                    guard let stored = reply.bytes else { continue }
                    guard stored.withUnsafeBytes({ sketch.merge($0) }) else {
                        throw CellReadError(.unavailable, "a distinct cell is not a HyperLogLog")
                    }
                }
            }
            values[index] = .count(sketch.count)
        case .fields, .size: break
        }
    }

    /// All members, about 1,000 a call.
    ///
    /// A scan gives every member that is there from its begin to its
    /// end, perhaps twice; reading by rank would miss one whenever another passes it.
    private func scan(
        _ name: String, _ key: [UInt8], _ connection: inout Connection
    ) throws(CellReadError) -> [[UInt8]: [UInt8]] {
        var members: [[UInt8]: [UInt8]] = [:]
        var cursor = Array("0".utf8)
        repeat {
            let command = [Array(name.utf8), key, cursor, Array("COUNT".utf8), Array("1000".utf8)]
            let parts = try pipeline([command], &connection)[0].elements
            guard parts.count == 2, let next = parts[0].bytes else {
                throw CellReadError(.unavailable, "Redis refused a scan")
            }
            for (field, value) in CellReading.pairs(parts[1].elements) { members[field] = value }
            cursor = next
        } while !cursor.elementsEqual("0".utf8)
        return members
    }

    // MARK: Round trips

    /// Sends commands in one go and takes their answers; the first error answer is thrown.
    private func pipeline(
        _ commands: [[[UInt8]]], _ connection: inout Connection
    ) throws(CellReadError) -> [ReplyValue] {
        try checkTime()
        do throws(RedisError) {
            for command in commands { connection.append(command) }
            try connection.flush()
            var replies: [ReplyValue] = []
            replies.reserveCapacity(commands.count)
            var failure: String?
            for _ in commands {
                let left = deadline - .now
                let reply = try connection.receive(
                    timeoutMilliseconds: max(1, Int32(clamping: Int64(left / .milliseconds(1)))))
                if let text = reply.errorText { failure = failure ?? text }
                replies.append(reply.copied())
            }
            if let failure { throw RedisError(serverText: failure) }
            return replies
        } catch {
            throw CellReadError(error)
        }
    }

    private func checkTime() throws(CellReadError) {
        guard ContinuousClock.now < deadline else {
            throw CellReadError(.timeout, "no answer from Redis in time")
        }
    }
}
