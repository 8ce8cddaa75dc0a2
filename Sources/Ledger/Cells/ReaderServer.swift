import Redis

/// Which run of a server a reader reads from; asked once on each connection.
struct ServerRun {
    /// How often it was another one than before.
    private(set) var changes = 0
    /// Whether the server of the present connection was asked.
    var isKnown = false
    private(set) var id: String?
    private var isFirst = true

    /// Takes the answer to INFO; a server that does not say counts as another one.
    mutating func note(_ reply: ReplyView) {
        let text = reply.errorText == nil ? reply.copied().text ?? "" : ""
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }
        let found = line.map(String.init)
        if !isFirst, found == nil || found != id { changes += 1 }
        (id, isFirst, isKnown) = (found, false, true)
    }
}

/// Which runs of the masters of a cluster a reader reads from; each is asked once on each
/// connection.
struct ClusterRuns {
    /// How often a shard was read from another place than before, by all readers.
    private(set) var changes = 0
    private var known: [ClusterNode: String] = [:]
    private let shared: SharedRuns

    init(_ shared: SharedRuns) { self.shared = shared }

    /// A new connection leads to nobody yet.
    mutating func forget() { known = [:] }

    /// Notes who serves the shard of this key, before it is read.
    mutating func note(
        _ shard: Int, _ key: [UInt8], on connection: inout Connection
    ) throws(RedisError) {
        guard var node = connection.node(ofKey: key) else { return }
        // Where that one does not answer, another one may have the shard by now.
        for _ in 0..<4 where known[node] == nil {
            connection.lead(toKey: key)
            connection.append("INFO", "server")
            let reply = try connection.receive()
            let text = reply.errorText == nil ? reply.copied().text ?? "" : ""
            let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }
            let owner = connection.node(ofKey: key) ?? node
            if owner == node { known[node] = node.id + " " + (line.map(String.init) ?? "") }
            node = owner
        }
        let run = known[node] ?? node.id
        changes = shared.note(shard, run)
    }
}

/// When a reader whose connection leads to a replica connects again, so that the name is resolved
/// again.
///
/// A reader that is given a replica on purpose goes on reading it; one that read a master finds the
/// new master soon.
struct ServerRole {
    /// How old the connection may get where the name has led to a master before.
    static let soon: Duration = .seconds(5)
    /// How old it may get where the name has led to replicas only.
    static let late: Duration = .seconds(60)
    private var hasSeenMaster = false

    /// Whether to connect again now, on a connection of this age.
    mutating func mustResolve(isReplica: Bool, age: Duration) -> Bool {
        guard isReplica else {
            hasSeenMaster = true
            return false
        }
        return age >= (hasSeenMaster ? Self.soon : Self.late)
    }
}
