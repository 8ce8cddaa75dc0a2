public import Redis

/// Who the server is: product, version, process, role.
extension ServerCheck {
    /// Its own name: Redis, Valkey or Redict; another one as it writes it.
    public var name: String {
        if field("valkey_version") != nil { return "Valkey" }
        if field("redict_version") != nil { return "Redict" }
        let name = field("server_name") ?? greeting["server"] ?? "redis"
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    /// Its own version; nil = it would not say.
    public var version: String? {
        // Forks say under `redis_version` which Redis they are compatible with.
        field("valkey_version") ?? field("redict_version") ?? greeting["version"]
            ?? field("redis_version")
    }

    /// Name and version, like `Valkey 9.1.2`.
    public var product: String { version.map { "\(name) \($0)" } ?? name }

    /// Id of this run of the server's process; nil = it would not say.
    public var runID: String? { field("run_id") }

    /// Whether it is a replica; nil = it would not say.
    public var isReplica: Bool? {
        (field("role") ?? greeting["role"]).map { $0 == "slave" || $0 == "replica" }
    }

    /// Whether it is a node of a cluster; nil = it does not say.
    var isCluster: Bool? {
        if isRedirected { return true }
        if let enabled = field("cluster_enabled") { return enabled == "1" }
        return greeting["mode"].map { $0 == "cluster" }
    }
}

/// What HELLO says of a server in one short round trip; every user may run it.
public struct ServerGreeting: Sendable, Hashable {
    /// Whether the server is a replica; nil = it does not say.
    public var isReplica: Bool?
    /// Whether it is a node of a cluster; nil = it does not say.
    public var isCluster: Bool?
    /// Name and version as it writes them; nil = it does not say.
    public var product: String?

    /// Reads the answer to HELLO; an error says nothing.
    public init(_ reply: ReplyView) {
        for index in stride(from: 0, to: reply.count - 1, by: 2) {
            if reply[index].equals("role") {
                isReplica = reply[index + 1].equals("replica") || reply[index + 1].equals("slave")
            } else if reply[index].equals("mode") {
                isCluster = reply[index + 1].equals("cluster")
            } else if reply[index].equals("server") {
                let name = reply[index + 1].copied().text ?? "redis"
                product = name.prefix(1).uppercased() + name.dropFirst()
            } else if reply[index].equals("version"), let version = reply[index + 1].copied().text {
                product = "\(product ?? "Redis") \(version)"
            }
        }
    }

    /// Asks a server; no other answer may be to come.
    public init(_ connection: inout Connection) throws(RedisError) {
        connection.append("HELLO")
        self.init(try connection.receive().view)
    }
}

/// What the ledger keeps of keys that Redis threw away: field `evicted`, `RUN_ID COUNT`.
///
/// Counters of two servers, or of two runs of one, do not compare: a replica that was promoted may have thrown
/// keys away in an earlier life.
public struct EvictionNote: Sendable, Hashable {
    /// Field of the ledger.
    static let field = "evicted"
    /// Id of the server's run.
    var runID: String
    /// Its `evicted_keys` then.
    var count: Int64

    init(runID: String, count: Int64) {
        self.runID = runID
        self.count = count
    }

    init?(text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let count = Int64(parts[1]) else { return nil }
        self.init(runID: String(parts[0]), count: count)
    }

    var text: String { "\(runID) \(count)" }

    /// Keys thrown away since an earlier note; 0 where that is of another run, or there is none.
    public func lost(since earlier: EvictionNote?) -> Int64 {
        guard let earlier, earlier.runID == runID else { return 0 }
        return max(0, count - earlier.count)
    }
}

extension ServerCheck {
    /// What the server says of keys that it threw away; nil = it would not say.
    public var evictions: EvictionNote? {
        guard let runID, let evictedKeys else { return nil }
        return EvictionNote(runID: runID, count: evictedKeys)
    }

    /// Keys that this run of the server has thrown away since the ledger's note, whether anybody counted or not.
    public var newlyEvicted: Int64 {
        evictions?.lost(since: noted) ?? 0
    }

    /// Why nobody may count on, where keys were thrown away; nil = none were.
    public var evictionProblem: String? {
        newlyEvicted > 0 ? evictionText(newlyEvicted) : nil
    }

    /// The same of a number of keys that somebody who counts has noticed.
    public func evictionText(_ count: Int64) -> String {
        "\(product) has thrown away \(count) keys to make room: numbers may be gone. "
            + "Restore a backup, or empty this ledger, then start again; where odometer verify --full says "
            + "equal, CONFIG RESETSTAT is enough"
    }

    /// Notes in the ledger how many keys the server has thrown away, where that is not known yet.
    ///
    /// Nothing is written where there is no ledger, and a number that somebody has to know of is not replaced.
    public func noteEvictions(on connection: inout Connection) throws(LedgerError) {
        guard let evictions, evictions != noted, newlyEvicted == 0 else { return }
        try inLedgerTerms { () throws(RedisError) in
            var script = Script(Self.noteScript)
            _ = try script.call(
                on: &connection, keys: [ledgerKey], arguments: [Array(evictions.text.utf8)])
        }
    }

    private static let noteScript = #"""
        #!lua
        if redis.call('HEXISTS', KEYS[1], 'layout') == 1 then
          redis.call('HSET', KEYS[1], 'evicted', ARGV[1])
        end
        return 1
        """#
}
