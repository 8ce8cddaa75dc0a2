public import Redis

/// Whether a Redis server is fit to hold a ledger; asked at start and after every reconnect.
public struct ServerCheck: Sendable, Hashable {
    /// Version that the server says of itself; nil = it would not say.
    public var version: String?
    /// Its `maxmemory-policy`; nil = it would not say.
    public var evictionPolicy: String?
    /// Commands that our user may not run on the ledger's keys.
    public var forbidden: [String]
    /// What could not be checked, for a log line.
    public var unchecked: [String]

    /// Every command that the ledger uses.
    private static let commands: [[String]] =
        CommitScript.commands.map { [$0] } + [
            ["EVALSHA"], ["SCRIPT", "LOAD"], ["HMGET"], ["HGETALL"], ["HSETNX"], ["HEXISTS"],
            ["PFCOUNT"],
        ]

    /// Asks the server; throws only where it cannot be asked at all.
    public init(
        _ connection: inout Connection, layout: KeyLayout
    ) throws(LedgerError) {
        forbidden = []
        unchecked = []
        version = nil
        evictionPolicy = nil
        do throws(RedisError) {
            version = try Self.field("redis_version", of: "server", &connection)
            evictionPolicy = try Self.policy(&connection)
            try checkAccess(&connection, layout)
        } catch { throw LedgerError(error) }
        if version == nil { unchecked.append("version") }
        if evictionPolicy == nil { unchecked.append("maxmemory-policy") }
    }

    /// Why the server is not fit; empty = it is.
    public var problems: [String] {
        var found: [String] = []
        if let version, let major = Int(version.prefix { $0 != "." }), major < 7 {
            found.append("Redis \(version) is too old: version 7 or later is needed")
        }
        if let evictionPolicy, evictionPolicy != "noeviction" {
            found.append(
                "maxmemory-policy is \(evictionPolicy): set it to noeviction, or cells will be lost"
            )
        }
        if !forbidden.isEmpty {
            found.append("the Redis user may not run: \(forbidden.joined(separator: ", "))")
        }
        return found
    }

    /// Throws `unsuitableServer` with every problem in one line, where there is one.
    public func validate() throws(LedgerError) {
        guard problems.isEmpty else {
            throw LedgerError(.unsuitableServer, problems.joined(separator: "; "))
        }
    }

    private static func policy(_ connection: inout Connection) throws(RedisError) -> String? {
        do {
            let reply = try connection.command("CONFIG", "GET", "maxmemory-policy")
            if let policy = reply.elements.last?.text { return policy }
        } catch {
            // Managed servers forbid CONFIG; INFO says it as well.
            guard error.serverPrefix != nil else { throw error }
        }
        return try field("maxmemory_policy", of: "memory", &connection)
    }

    /// A field of INFO; nil where INFO is forbidden or has it not.
    private static func field(
        _ name: String, of section: String, _ connection: inout Connection
    ) throws(RedisError) -> String? {
        let text: String
        do {
            text = try connection.command("INFO", section).text ?? ""
        } catch {
            guard error.serverPrefix != nil else { throw error }
            return nil
        }
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(name + ":") {
            return String(line.dropFirst(name.utf8.count + 1))
        }
        return nil
    }

    /// Tries each command of the ledger by ACL DRYRUN, where our user may ask and the server knows it.
    private mutating func checkAccess(
        _ connection: inout Connection, _ layout: KeyLayout
    ) throws(RedisError) {
        let key = String(decoding: layout.marksKey(shard: 0), as: UTF8.self)
        do {
            let user = try connection.command("ACL", "WHOAMI").text ?? "default"
            for command in ServerCheck.commands {
                let arguments = ["ACL", "DRYRUN", user] + command + Self.sample(command, key)
                let reply = try connection.command(arguments.map { Array($0.utf8) })
                if reply.text != "OK" { forbidden.append(command.joined(separator: " ")) }
            }
        } catch {
            guard error.serverPrefix != nil else { throw error }
            unchecked.append("access list")
        }
    }

    /// Arguments of the right number for a dry run.
    private static func sample(_ command: [String], _ key: String) -> [String] {
        switch command[0] {
        case "EVALSHA": [String(repeating: "0", count: 40), "1", key]
        case "SCRIPT": ["return 1"]
        case "HLEN", "ZCARD", "EXISTS", "DEL", "HGETALL": [key]
        case "GETRANGE", "HINCRBY", "ZINCRBY", "HSET", "ZADD", "HSETNX": [key, "0", "0"]
        default: [key, "0"]
        }
    }
}
