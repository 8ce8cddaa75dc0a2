import Redis

/// Queries written as commands of Redis' protocol, to be sent in one go.
struct ReadCommands: ~Copyable {
    private(set) var buffer = CommandBuffer()
    /// Number of commands, which is that of the answers to come.
    private(set) var count = 0

    /// Adds a command of a word and a key.
    mutating func add(_ word: StaticString, _ key: [UInt8]) {
        begin(word, arguments: 1)
        buffer.append(key)
    }

    /// Adds a command without arguments.
    mutating func add(_ word: StaticString) { begin(word, arguments: 0) }

    /// Adds HMGET.
    mutating func add(members: [[UInt8]], of key: [UInt8]) {
        begin("HMGET", arguments: 1 + members.count)
        buffer.append(key)
        for member in members { buffer.append(member) }
    }

    /// Adds one step of a scan.
    mutating func add(scan word: StaticString, _ key: [UInt8], cursor: [UInt8]) {
        begin(word, arguments: 4)
        buffer.append(key)
        buffer.append(cursor)
        buffer.append("COUNT")
        buffer.append("1000")
    }

    /// Adds a query, whatever the size of its answer.
    mutating func add(_ query: CellQuery) {
        switch query {
        case .hash(let key), .bucket(let key, _): add("HGETALL", key)
        case .members(let key, let members): add(members: members, of: key)
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
        case .sketch(let keys):
            begin("MGET", arguments: keys.count)
            for key in keys { buffer.append(key) }
        }
    }

    /// Adds a query for at most `most` members: also where a key has grown meanwhile, Redis does no
    /// more work than that.
    mutating func add(_ query: CellQuery, most: Int) {
        switch query {
        case .hash(let key):
            // The same answer as HGETALL where the hash has no more members.
            begin("HRANDFIELD", arguments: 3)
            buffer.append(key)
            buffer.append(Int64(most))
            buffer.append("WITHVALUES")
        case .ranking(let key): addRanking(key, last: Int64(most) - 1)
        case .bucket, .members, .size, .distinct, .sketch, .rankingSum: add(query)
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
