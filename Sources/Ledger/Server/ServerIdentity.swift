public import Redis

/// Who the server is: product, version, process, role.
extension ServerCheck {
    /// Its own name: Redis, Valkey or Redict; another one as it writes it.
    public var name: String {
        if info["valkey_version"] != nil { return "Valkey" }
        if info["redict_version"] != nil { return "Redict" }
        let name = info["server_name"] ?? greeting["server"] ?? "redis"
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    /// Its own version; nil when it does not say.
    public var version: String? {
        // Forks say under `redis_version` which Redis they are compatible with.
        info["valkey_version"] ?? info["redict_version"] ?? greeting["version"]
            ?? info["redis_version"]
    }

    /// Name and version, like `Valkey 9.1.2`.
    public var product: String { version.map { "\(name) \($0)" } ?? name }

    /// Id of this run of the server's process; nil when it does not say.
    public var runID: String? { info["run_id"] }

    /// Whether it is a replica; nil when it does not say.
    public var isReplica: Bool? {
        (info["role"] ?? greeting["role"]).map { $0 == "slave" || $0 == "replica" }
    }

    /// Whether it is a node of a cluster; nil when it does not say.
    var isCluster: Bool? {
        if isRedirected { return true }
        if let enabled = info["cluster_enabled"] { return enabled == "1" }
        return greeting["mode"].map { $0 == "cluster" }
    }
}

/// What HELLO says of a server in one short round trip; every user may run it.
public struct ServerGreeting: Sendable, Hashable {
    /// Whether the server is a replica; nil when it does not say.
    public var isReplica: Bool?
    /// Whether it is a node of a cluster; nil when it does not say.
    public var isCluster: Bool?
    /// Name and version as it writes them; nil when it does not say.
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

    /// Why a server must not be used over an address that names it alone; nil where it may.
    ///
    /// `clusterURL`: the address to use for a cluster, where it is known.
    public func clusterRefusal(_ clusterURL: String?) -> RedisError? {
        guard isCluster ?? false else { return nil }
        return RedisError(
            .configuration, ServerCheck.clusterText(product ?? "Redis", clusterURL))
    }

    /// Asks a server; no other answer may be pending.
    public init(_ connection: inout Connection) throws(RedisError) {
        connection.append("HELLO")
        self.init(try connection.receive().view)
    }
}

/// What the ledger keeps of keys that Redis deleted to make room: member `evicted`, `RUN_ID COUNT`,
/// in a cluster that for each master.
///
/// Counters of two servers, or of two runs of one, do not compare: a replica that was promoted may
/// have deleted keys in an earlier life.
public struct EvictionNote: Sendable, Hashable {
    /// Its member of the ledger's hash.
    static let member = "evicted"
    /// By the id of a server's run its `evicted_keys` then.
    var counts: [String: Int64]

    init(runID: String, count: Int64) { counts = [runID: count] }

    /// The notes of several servers as one; nil where there are none.
    init?(_ notes: [EvictionNote]) {
        guard let first = notes.first else { return nil }
        counts = notes.dropFirst().reduce(into: first.counts) { sum, note in
            sum.merge(note.counts) { $1 }
        }
    }

    init?(text: String) {
        let parts = text.split(separator: " ")
        guard !parts.isEmpty, parts.count % 2 == 0 else { return nil }
        counts = [:]
        for index in stride(from: 0, to: parts.count, by: 2) {
            guard let count = Int64(parts[index + 1]) else { return nil }
            counts[String(parts[index])] = count
        }
    }

    var text: String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: " ")
    }

    /// Keys deleted since an earlier note; of a run that it does not know, none.
    public func lost(since earlier: EvictionNote?) -> Int64 {
        guard let earlier else { return 0 }
        return counts.reduce(0) { sum, run in
            sum + max(0, run.value - (earlier.counts[run.key] ?? run.value))
        }
    }
}

extension ServerCheck {
    /// What the server says of keys that it deleted to make room; nil when it does not say.
    public var evictions: EvictionNote? {
        guard let runID, let evictedKeys else { return nil }
        return EvictionNote(runID: runID, count: evictedKeys)
    }

    /// Keys that this run of the server has deleted to make room since the ledger's note, also
    /// while no process counted.
    public var newlyEvicted: Int64 {
        evictions?.lost(since: noted) ?? 0
    }

    /// Why counting must stop, where Redis deleted keys to make room; nil when it did not.
    public var evictionTrouble: String? {
        newlyEvicted > 0 ? evictionText(newlyEvicted) : nil
    }

    /// The same text for a number of keys that a lane has noticed while it counted.
    public func evictionText(_ count: Int64) -> String {
        "\(product) has thrown away \(count) keys to make room: numbers may be gone. "
            + "Restore a backup, or empty this ledger, then start again; where odometer verify --full says "
            + "equal, \(evictionReset) is enough"
    }

    /// Notes in the ledger how many keys the server has deleted, where that is not known yet.
    ///
    /// Nothing is written where there is no ledger, or where keys were deleted that the operator
    /// does not know of yet.
    public func noteEvictions(on connection: inout Connection) throws(LedgerError) {
        guard let evictions, evictions != noted, newlyEvicted == 0 else { return }
        try evictions.write(to: ledgerKey, on: &connection)
    }
}

extension EvictionNote {
    /// Writes it into the hash of the ledger, where there is one.
    func write(to ledgerKey: [UInt8], on connection: inout Connection) throws(LedgerError) {
        var script = Script(Self.noteScript)
        _ = try script.ask(on: &connection, keys: [ledgerKey], arguments: [Array(text.utf8)])
    }

    private static let noteScript = #"""
        #!lua
        if redis.call('HEXISTS', KEYS[1], 'layout') == 1 then
          redis.call('HSET', KEYS[1], 'evicted', ARGV[1])
        end
        return 1
        """#
}
