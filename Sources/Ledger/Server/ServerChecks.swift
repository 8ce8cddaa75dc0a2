public import Redis

/// The part of a ledger that one master of a cluster has.
public struct ServerPart: Sendable, Hashable {
    /// The master's address.
    public var name: String
    /// The shards whose slot it has, by number.
    public var shards: [Int]

    /// A part of this master and shards.
    public init(name: String, shards: [Int]) {
        self.name = name
        self.shards = shards
    }

    /// The parts of all masters.
    public static func all(_ map: SlotMap, _ layout: KeyLayout) -> [(ClusterNode, ServerPart)] {
        var shards: [ClusterNode: [Int]] = [:]
        for shard in 0..<layout.shardCount {
            guard let owner = map.owner(ofKey: layout.marksKey(shard: shard)) else { continue }
            shards[owner, default: []].append(shard)
        }
        return map.masters.map { node in
            (node, ServerPart(name: node.description, shards: shards[node] ?? []))
        }
    }
}

/// The checks of all servers that hold a ledger: of one, or of every master of a cluster.
///
/// What is wrong with one of them is wrong with the ledger.
public struct ServerChecks: Sendable {
    /// One check for each server that could be asked, at least one.
    public private(set) var all: [ServerCheck] = []
    /// Masters that could not be asked, and why.
    public private(set) var unreached: [(name: String, error: LedgerError)] = []
    private let ledgerKey: [UInt8]
    /// What the ledger says of keys that Redis deleted to make room.
    private var noted: EvictionNote?

    /// Asks the server of a connection, or every master of the cluster that it is routed to, each
    /// over a connection of its own.
    ///
    /// Throws where none can be asked. Parameters are those of `ServerCheck`.
    public init(
        _ redis: RedisConfiguration, _ connection: inout Connection, layout: KeyLayout,
        uses: [ServerRights.Use] = [.run], isEvictionChecked: Bool = false,
        refusals: inout ServerCheck.Refusals
    ) throws(LedgerError) {
        ledgerKey = layout.ledgerKey
        guard let cluster = redis.cluster else {
            all = [
                try ServerCheck(
                    &connection, layout: layout, uses: uses, isEvictionChecked: isEvictionChecked,
                    refusals: &refusals)
            ]
            return
        }
        let map: SlotMap
        do throws(RedisError) { map = try cluster.refresh() } catch { throw LedgerError(error) }
        for (node, part) in ServerPart.all(map, layout) {
            var own = refusals.nodes[node.id] ?? ServerCheck.Refusals()
            do throws(LedgerError) {
                var direct = try Self.connect(redis, node)
                let check = try ServerCheck(
                    &direct, layout: layout, uses: uses, isEvictionChecked: isEvictionChecked,
                    part: part, refusals: &own)
                all.append(check)
                refusals.nodes[node.id] = own
            } catch {
                unreached.append((part.name, error))
            }
        }
        if all.isEmpty, let first = unreached.first { throw first.error }
        do throws(LedgerError) { noted = try Self.note(&connection, layout) } catch {
            // It is on a master that is away, which is said already.
            guard !unreached.isEmpty else { throw error }
        }
        for index in all.indices { all[index].noted = noted }
    }

    private static func connect(
        _ redis: RedisConfiguration, _ node: ClusterNode
    ) throws(LedgerError) -> Connection {
        do throws(RedisError) { return try Connection(redis, node: node) } catch {
            throw LedgerError(error)
        }
    }

    private static func note(
        _ connection: inout Connection, _ layout: KeyLayout
    ) throws(LedgerError) -> EvictionNote? {
        let reply = try connection.ask([
            Array("HMGET".utf8), layout.ledgerKey, Array(EvictionNote.member.utf8),
        ])
        return reply.elements.first?.text.flatMap { EvictionNote(text: $0) }
    }

    /// Checks of the masters of a cluster that were made already, each with its part.
    ///
    /// `noted`: what the ledger says of evicted keys, in the text of its member; nil: nothing.
    public init(_ checks: [ServerCheck], layout: KeyLayout, noted: String?) {
        ledgerKey = layout.ledgerKey
        self.noted = noted.flatMap { EvictionNote(text: $0) }
        all = checks
        for index in all.indices { all[index].noted = self.noted }
    }

    /// Some of the checks of others.
    public init(_ checks: [ServerCheck], of others: ServerChecks) {
        ledgerKey = others.ledgerKey
        noted = others.noted
        all = checks
    }

    // MARK: All of them together

    /// Names and versions, each once.
    public var product: String { Self.distinct(all.map(\.product)).joined(separator: ", ") }

    /// What could not be checked of some server.
    public var unchecked: [String] { Self.distinct(all.flatMap(\.unchecked)) }

    /// Whether one of them is a replica.
    public var isReplica: Bool { all.contains { $0.isReplica ?? false } }

    /// What the servers say of keys that they deleted to make room; nil when none says it.
    public var evictions: EvictionNote? { EvictionNote(all.compactMap(\.evictions)) }

    /// The largest share of `maxmemory` that is used, in percent; nil where none is known.
    public var memoryShare: Int64? { all.compactMap(\.memoryShare).max() }

    /// Why the servers are not fit, in words; empty when they are.
    public var fatalFindings: [String] {
        merged(all.map { ($0.part?.name, $0.fitness.filter(\.isFatal)) }).map(\.message)
    }

    /// Throws `unsuitableServer` with all fatal findings in one line, where there are any; masters
    /// that could not be asked are in `unreached`.
    public func validate() throws(LedgerError) {
        let fatal = fatalFindings
        guard fatal.isEmpty else {
            throw LedgerError(.unsuitableServer, fatal.joined(separator: "; "))
        }
    }

    /// Says of all servers which meters hold most memory, in words.
    public mutating func note(heaviest: String?) {
        for index in all.indices { all[index].heaviest = heaviest }
    }

    /// Notes in the ledger how many keys the servers have deleted, where that is not known yet.
    ///
    /// Nothing is written while a master cannot be asked, or has deleted keys that the operator
    /// does not know of yet.
    public func noteEvictions(on connection: inout Connection) throws(LedgerError) {
        guard all.count > 1 || all.first?.part != nil else {
            try all.first?.noteEvictions(on: &connection)
            return
        }
        guard unreached.isEmpty, all.allSatisfy({ $0.newlyEvicted == 0 }),
            let note = evictions, note != noted
        else { return }
        try note.write(to: ledgerKey, on: &connection)
    }

    /// Everything that was found; what is the same for all servers is said once.
    public func findings(refill: ServerCheck.Refill) -> [Finding] {
        let away = unreached.map { master in
            Finding(
                .error, "redis", "redis-reach",
                "\(master.name) cannot be asked: \(master.error.message)",
                remedy: "start it, or let a replica take its place")
        }
        return away + merged(all.map { ($0.part?.name, $0.findings(refill: refill)) })
    }

    /// The findings of all servers in the order of the checks.
    private func merged(_ findings: [(name: String?, findings: [Finding])]) -> [Finding] {
        guard findings.count > 1 else { return findings.first?.findings ?? [] }
        var merged: [Finding] = []
        for check in Self.distinct(findings.flatMap { $0.findings.map(\.check) }) {
            let said = findings.flatMap { server in
                server.findings.filter { $0.check == check }.map { (server.name ?? "", $0) }
            }
            if said.count == findings.count, Set(said.map(\.1)).count == 1 {
                merged.append(said[0].1)
                continue
            }
            merged += said.map { name, finding in
                var named = finding
                named.message = "\(name): \(finding.message)"
                return named
            }
        }
        return merged
    }

    private static func distinct(_ texts: [String]) -> [String] {
        var seen = Set<String>()
        return texts.filter { seen.insert($0).inserted }
    }
}
