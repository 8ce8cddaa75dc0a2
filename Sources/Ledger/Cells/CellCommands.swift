import Redis

/// Reads written as commands of Redis' protocol.
struct CellCommands: ~Copyable {
    private(set) var buffer = CommandBuffer()
    /// Answers that are to come.
    private(set) var count = 0

    /// Adds a command of a word and a key.
    mutating func add(_ word: StaticString, _ key: [UInt8]) {
        begin(word, arguments: 1)
        buffer.append(key)
    }

    /// Adds a command without arguments.
    mutating func add(_ word: StaticString) { begin(word, arguments: 0) }

    /// Adds HMGET.
    mutating func add(fields: [[UInt8]], of key: [UInt8]) {
        begin("HMGET", arguments: 1 + fields.count)
        buffer.append(key)
        for field in fields { buffer.append(field) }
    }

    /// Adds one step of a scan.
    mutating func add(scan word: StaticString, _ key: [UInt8], cursor: [UInt8]) {
        begin(word, arguments: 4)
        buffer.append(key)
        buffer.append(cursor)
        buffer.append("COUNT")
        buffer.append("1000")
    }

    /// Adds a read of everything that stands there.
    mutating func add(_ read: CellRead) {
        switch read {
        case .hash(let key), .bucket(let key, _): add("HGETALL", key)
        case .fields(let key, let fields): add(fields: fields, of: key)
        case .size(let key): add("HLEN", key)
        case .ranking(let key): addRanking(key, last: -1)
        case .rankingSum(let keys):
            begin("ZUNION", arguments: keys.count + 2)
            buffer.append(Int64(keys.count))
            for key in keys { buffer.append(key) }
            buffer.append("WITHSCORES")
        case .distinct(let keys):
            // Many sketches come as they are, because their union costs Redis five times as much.
            begin(ReadCost.isCounted(keys) ? "PFCOUNT" : "MGET", arguments: keys.count)
            for key in keys { buffer.append(key) }
        }
    }

    /// Adds a read of at most so many members: whatever has grown meanwhile, Redis does no more work than that.
    mutating func add(_ read: CellRead, most: Int) {
        switch read {
        case .hash(let key):
            // As HGETALL where it has no more fields.
            begin("HRANDFIELD", arguments: 3)
            buffer.append(key)
            buffer.append(Int64(most))
            buffer.append("WITHVALUES")
        case .ranking(let key): addRanking(key, last: Int64(most) - 1)
        case .bucket, .fields, .size, .distinct, .rankingSum: add(read)
        }
    }

    /// Adds a read of a sorted set's members of these ranks.
    mutating func add(ranks: ClosedRange<Int64>, of key: [UInt8], isDescending: Bool) {
        begin("ZRANGE", arguments: isDescending ? 5 : 4)
        buffer.append(key)
        buffer.append(ranks.lowerBound)
        buffer.append(ranks.upperBound)
        if isDescending { buffer.append("REV") }
        buffer.append("WITHSCORES")
    }

    /// Adds a read of the members of a sorted set above a score, at most so many.
    mutating func add(above score: Int64, in key: [UInt8], most: Int64) {
        begin("ZRANGE", arguments: 8)
        buffer.append(key)
        let least = Array("(\(score)".utf8)
        buffer.append(least)
        buffer.append("+inf")
        buffer.append("BYSCORE")
        buffer.append("LIMIT")
        buffer.append("0")
        buffer.append(most)
        buffer.append("WITHSCORES")
    }

    /// Adds a read of the scores of these members.
    mutating func add(scoresOf members: ArraySlice<[UInt8]>, in key: [UInt8]) {
        begin("ZMSCORE", arguments: 1 + members.count)
        buffer.append(key)
        for member in members { buffer.append(member) }
    }

    private mutating func addRanking(_ key: [UInt8], last: Int64) {
        begin("ZRANGE", arguments: 4)
        buffer.append(key)
        buffer.append("0")
        buffer.append(last)
        buffer.append("WITHSCORES")
    }

    private mutating func begin(_ word: StaticString, arguments: Int) {
        buffer.appendHeader(count: 1 + arguments)
        buffer.append(word)
        count += 1
    }
}

/// Microseconds that reads cost Redis.
enum ReadCost {
    /// Most that one round trip may cost.
    static let budget = 5_000.0
    /// Hashes and sorted sets with more members are read in pieces.
    static let largestWhole = 10_000
    /// Unions of more sketches are merged here, not in Redis.
    static let mostCounted = 8
    /// Unions of more sketches are read in pieces.
    static let mostMerged = 600
    /// The score of one member.
    static let lookup = 0.45
    /// One dense sketch in a union that Redis makes.
    static let dense = 27.0
    /// One dense sketch that Redis only hands over: 12 KB.
    static let denseBytes = 8.0

    /// Whether Redis counts a union of these sketches; else it hands them over.
    static func isCounted(_ keys: [[UInt8]]) -> Bool { keys.count <= mostCounted }

    /// A union of so many sketches, each as large as it can be: so their sizes need not be asked for.
    static func union(_ count: Int) -> Double {
        1 + (count <= mostCounted ? dense : denseBytes) * Double(count)
    }

    /// A hash or a sorted set of so many members.
    static func members(_ count: Int) -> Double { 1 + 0.5 * Double(count) }

    /// The sum of so many sorted sets with so many members together.
    static func sum(sets: Int, members: Int) -> Double {
        1 + 0.3 * Double(sets) + 0.25 * Double(members)
    }
}
