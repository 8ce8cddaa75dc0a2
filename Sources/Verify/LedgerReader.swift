import Glibc
import Redis
import Workload

/// Reads the ledger by its published layout, like any outside tool.
struct LedgerReader: ~Copyable {
    /// The audit of one partition in one shard: `delivered`, `gaps`, `rejected` and `lost` in
    /// records, the others in events.
    struct Audit {
        var delivered: Int64 = 0
        var gaps: Int64 = 0
        var accepted: Int64 = 0
        var duplicate: Int64 = 0
        var ignored: Int64 = 0
        var rejected: Int64 = 0
        /// Events that are not the first ones of their records.
        var further: Int64 = 0
        var lost: Int64 = 0

        /// Records of which the shard has the first event or, rejected, the record.
        var own: Int64 { accepted + duplicate + ignored + rejected - further }
    }

    let prefix: String
    private let redis: RedisConfiguration
    var connection: Connection
    /// How many shards the ledger has; 0 until `ledger` has found one.
    private(set) var shards = 0

    init(_ configuration: VerificationConfiguration) throws(VerifyError) {
        try self.init(
            configuration.redis, prefix: configuration.prefix,
            generation: configuration.generation,
            patienceMilliseconds: configuration.timeoutMilliseconds)
    }

    /// Connects; waits up to `patienceMilliseconds` for a server that is loading its data.
    init(
        _ redis: RedisConfiguration, prefix: String, generation: Int,
        patienceMilliseconds: Int64 = 60_000
    ) throws(VerifyError) {
        self.prefix = "\(prefix):\(generation):"
        self.redis = redis
        do throws(RedisError) {
            connection = try Self.connect(
                redis, key: "\(prefix):\(generation):{dir}:ledger",
                patienceMilliseconds: patienceMilliseconds)
        } catch {
            throw VerifyError(.redis, error.description)
        }
    }

    /// A connection to a server that has loaded its data; `key` is a key that may be read.
    private static func connect(
        _ redis: RedisConfiguration, key: String, patienceMilliseconds: Int64
    ) throws(RedisError) -> Connection {
        var connection = try Connection(redis)
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(patienceMilliseconds))
        while true {
            do throws(RedisError) {
                try connection.command("HGETALL", key)
                return connection
            } catch {
                guard error.serverPrefix == "LOADING", ContinuousClock.now < deadline else {
                    throw error
                }
            }
            usleep(100_000)
        }
    }

    /// Runs commands and turns errors of Redis into errors of this room.
    mutating func talk<Result>(
        _ body: (inout Connection) throws(RedisError) -> Result
    ) throws(VerifyError) -> Result {
        do throws(RedisError) {
            return try body(&connection)
        } catch {
            throw VerifyError(.redis, error.description)
        }
    }

    /// A hash as texts; empty where there is none.
    mutating func hash(_ key: String) throws(VerifyError) -> [String: String] {
        let reply = try talk { connection throws(RedisError) in
            try connection.command("HGETALL", key)
        }
        return Self.pairs(reply)
    }

    private static func pairs(_ reply: ReplyValue) -> [String: String] {
        let elements = reply.elements
        var members: [String: String] = [:]
        for place in stride(from: 0, to: elements.count - 1, by: 2) {
            members[elements[place].text ?? ""] = elements[place + 1].text ?? ""
        }
        return members
    }

    /// The members of the ledger's description; nil when there is no ledger.
    ///
    /// Notes how many shards it has.
    mutating func ledger() throws(VerifyError) -> [String: String]? {
        let members = try hash("\(prefix){dir}:ledger")
        guard !members.isEmpty else { return nil }
        for (name, value) in [("layout", "1"), ("hash", "fnv1a32")]
        where members[name] != value {
            throw VerifyError(
                .layout, "the ledger's \(name) is \(members[name] ?? "absent"), expected \(value)")
        }
        guard let count = members["shards"].flatMap({ oracleShardCount($0) }) else {
            throw VerifyError(
                .layout,
                "the ledger's shards is \(members["shards"] ?? "absent"), expected a power of two "
                    + "from 1 to 4,096")
        }
        shards = count
        return members
    }

    /// What every key of a shard begins with.
    func start(of shard: Int) -> String {
        oracleKeyStart(prefix, shard: shard, shards: shards)
    }

    /// A hash of every shard, in the order of the shards.
    mutating func ofEachShard(_ name: String) throws(VerifyError) -> [[String: String]] {
        let (prefix, shards) = (prefix, shards)
        return try talk { connection throws(RedisError) in
            for shard in 0..<shards {
                connection.append(
                    "HGETALL", oracleKeyStart(prefix, shard: shard, shards: shards) + name)
            }
            var all: [[String: String]] = []
            for _ in 0..<shards {
                let reply = try connection.receive()
                if let error = reply.errorText { throw RedisError(serverText: error) }
                all.append(Self.pairs(reply.copied()))
            }
            return all
        }
    }

    /// Marks and audit of every shard; the two of one shard are read at one moment.
    mutating func books() throws(VerifyError) -> [(
        marks: [String: String], audit: [String: String]
    )] {
        let (prefix, shards) = (prefix, shards)
        return try talk { connection throws(RedisError) in
            for shard in 0..<shards {
                let start = oracleKeyStart(prefix, shard: shard, shards: shards)
                connection.append("MULTI")
                connection.append("HGETALL", start + "marks")
                connection.append("HGETALL", start + "audit")
                connection.append("EXEC")
            }
            var books: [(marks: [String: String], audit: [String: String])] = []
            for _ in 0..<shards {
                var last = ReplyValue.null
                for _ in 0..<4 {
                    let reply = try connection.receive()
                    if let error = reply.errorText { throw RedisError(serverText: error) }
                    last = reply.copied()
                }
                guard last.elements.count == 2 else {
                    throw RedisError(.protocolViolation, "EXEC did not answer with two hashes")
                }
                books.append((Self.pairs(last.elements[0]), Self.pairs(last.elements[1])))
            }
            return books
        }
    }

    /// The audit of a partition in one shard.
    static func audit(of partition: String, in members: [String: String]) -> Audit {
        func number(_ name: String) -> Int64 {
            members["\(partition):\(name)"].flatMap { Int64($0) } ?? 0
        }
        return Audit(
            delivered: number("delivered"), gaps: number("gaps"), accepted: number("accepted"),
            duplicate: number("duplicate"), ignored: number("ignored"),
            rejected: number("rejected"), further: number("further"), lost: number("lost"))
    }

    /// The clock of Redis, in seconds.
    mutating func nowSeconds() throws(VerifyError) -> Int64 {
        let reply = try talk { connection throws(RedisError) in try connection.command("TIME") }
        return reply.elements.first?.integer ?? 0
    }

    /// Whether keys may move from one server to another while they are looked at.
    var isCluster: Bool { redis.cluster != nil }

    /// Calls `body` with the names of all keys of the generation, some hundreds at a time; a name
    /// may come twice.
    ///
    /// In a cluster it asks one master after the other, so a key that moves meanwhile may not come
    /// at all.
    mutating func scan(
        _ body: ([[UInt8]], inout LedgerReader) throws(VerifyError) -> Void
    ) throws(VerifyError) {
        let pattern = Self.escaped(prefix) + "{*}:*"
        var keys: KeyScan
        do throws(RedisError) { keys = try KeyScan(redis, pattern: pattern) } catch {
            throw VerifyError(.redis, error.description)
        }
        while true {
            let names: [[UInt8]]?
            do throws(RedisError) { names = try keys.next() } catch {
                throw VerifyError(.redis, error.description)
            }
            guard let names else { return }
            try body(names, &self)
        }
    }

    /// Whether each of these keys is there.
    mutating func exist(_ names: [[UInt8]]) throws(VerifyError) -> [Bool] {
        try talk { connection throws(RedisError) in
            for name in names {
                connection.begin(arguments: 2)
                connection.add("PEXPIRETIME")
                connection.add(name)
            }
            var answers: [Bool] = []
            for _ in names {
                let reply = try connection.receive()
                if let error = reply.errorText { throw RedisError(serverText: error) }
                // −2: there is no such key.
                answers.append(reply.integer != -2)
            }
            return answers
        }
    }

    /// A text in which no byte has a meaning in patterns.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if "*?[]\\^-".contains(character) { escaped += "\\" }
            escaped.append(character)
        }
        return escaped
    }
}
