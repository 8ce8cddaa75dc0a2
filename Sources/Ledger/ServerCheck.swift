public import Redis

/// What a Redis server says of itself and of our rights; asked at start, after every reconnect and every few seconds.
///
/// `findings` judges it.
public struct ServerCheck: Sendable, Hashable {
    /// Version that the server says of itself; nil = it would not say.
    public var version: String? { field("redis_version") }
    /// Its `maxmemory-policy`; nil = it would not say.
    public var evictionPolicy: String? {
        settings["maxmemory-policy"] ?? field("maxmemory_policy")
    }
    /// Keys that it threw away to make room, since it started; nil = it would not say.
    public var evictedKeys: Int64? { field("evicted_keys").flatMap { Int64($0) } }
    /// Commands that our user may not run on the ledger's keys.
    public internal(set) var forbidden: [String] = []
    /// What could not be checked, for a log line.
    public internal(set) var unchecked: [String] = []
    /// Fields of INFO.
    var fields: [String: String] = [:]
    /// Settings of the server that concern us.
    var settings: [String: String] = [:]
    /// Its clock, in milliseconds since 1970; nil = it would not say.
    var clock: Int64?

    /// Every command that the ledger uses.
    private static let commands: [[String]] =
        CommitScript.commands.map { [$0] } + [
            ["EVALSHA"], ["SCRIPT", "LOAD"], ["HMGET"], ["HGETALL"], ["HSETNX"], ["HEXISTS"],
            ["PFCOUNT"],
        ]
    /// First words of errors that have nothing to do with rights.
    private static let passing: Set<String> = ["LOADING", "BUSY", "MASTERDOWN", "NOAUTH"]
    private static let settingNames = ["maxmemory-policy", "appendonly", "appendfsync", "save"]

    /// Asks the server, in two round trips; throws only where it cannot be asked at all.
    public init(
        _ connection: inout Connection, layout: KeyLayout
    ) throws(LedgerError) {
        var refusal: RedisError?
        do throws(RedisError) {
            let user = try askServer(&connection, &refusal)
            try askAccess(&connection, layout, user, &refusal)
        } catch { throw LedgerError(error) }
        // A server that loads or is busy refuses everything: that says nothing about it.
        if let refusal { throw LedgerError(refusal) }
        if version == nil { unchecked.append("version") }
        if evictionPolicy == nil { unchecked.append("maxmemory-policy") }
    }

    /// A field of INFO; nil where INFO is forbidden or has it not.
    func field(_ name: String) -> String? { fields[name] }

    /// Why the server is not fit; empty = it is.
    public var problems: [String] { fitness.filter(\.isFatal).map(\.message) }

    /// Throws `unsuitableServer` with every problem in one line, where there is one.
    public func validate() throws(LedgerError) {
        guard problems.isEmpty else {
            throw LedgerError(.unsuitableServer, problems.joined(separator: "; "))
        }
    }

    // MARK: Asking

    /// Asks for everything but the rights and returns our user's name, nil where it may not be asked for.
    private mutating func askServer(
        _ connection: inout Connection, _ refusal: inout RedisError?
    ) throws(RedisError) -> String? {
        connection.append("INFO")
        connection.append("TIME")
        connection.append("ACL", "WHOAMI")
        for name in Self.settingNames { connection.append("CONFIG", "GET", name) }
        let info = try Self.answer(&connection, &refusal)
        for line in (info?.text ?? "").split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        if let time = try Self.answer(&connection, &refusal)?.elements.compactMap({ $0.integer }),
            time.count == 2
        {
            clock = time[0] * 1_000 + time[1] / 1_000
        }
        let user = try Self.answer(&connection, &refusal)?.text
        for name in Self.settingNames {
            // Managed servers forbid CONFIG; INFO says the policy as well.
            guard let pair = try Self.answer(&connection, &refusal)?.elements, pair.count == 2
            else {
                continue
            }
            settings[name] = pair[1].text
        }
        return user
    }

    /// The next answer of the pipeline, nil where the server refused.
    private static func answer(
        _ connection: inout Connection, _ refusal: inout RedisError?
    ) throws(RedisError) -> ReplyValue? {
        let reply = try connection.receive()
        guard let text = reply.errorText else { return reply.copied() }
        let error = RedisError(serverText: text)
        if passing.contains(error.serverPrefix ?? "") { refusal = refusal ?? error }
        return nil
    }

    /// Tries each command of the ledger by ACL DRYRUN, where our user may ask and the server knows it.
    private mutating func askAccess(
        _ connection: inout Connection, _ layout: KeyLayout, _ user: String?,
        _ refusal: inout RedisError?
    ) throws(RedisError) {
        let key = String(decoding: layout.marksKey(shard: 0), as: UTF8.self)
        for command in Self.commands {
            let words = ["ACL", "DRYRUN", user ?? "default"] + command + Self.sample(command, key)
            connection.append(words.map { Array($0.utf8) })
        }
        var isAnswered = user != nil
        for command in Self.commands {
            let answer = try Self.answer(&connection, &refusal)
            if answer == nil { isAnswered = false }
            if let answer, answer.text != "OK" {
                forbidden.append(command.joined(separator: " "))
            }
        }
        guard !isAnswered else { return }
        forbidden = []
        unchecked.append("access list")
    }

    /// Arguments of the right number for a dry run.
    private static func sample(_ command: [String], _ key: String) -> [String] {
        switch command[0] {
        case "EVALSHA": [String(repeating: "0", count: 40), "1", key]
        case "SCRIPT": ["return 1"]
        // Every argument of these is a key, and only ours may be touched.
        case "HLEN", "ZCARD", "EXISTS", "DEL", "HGETALL", "PFCOUNT", "PEXPIRETIME": [key]
        case "ZUNIONSTORE": [key, "1", key]
        case "RESTORE": [key, "0", "", "REPLACE"]
        case "GETRANGE", "ZRANGE", "HINCRBY", "ZINCRBY", "HSET", "ZADD", "HSETNX": [key, "0", "0"]
        default: [key, "0"]
        }
    }
}
