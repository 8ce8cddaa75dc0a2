package import Redis

/// Asks all masters of a cluster about the slots of shards, and reads the shards' marks.
///
/// It keeps a connection to each master. One thread at a time.
package final class SlotCensus: @unchecked Sendable {
    // @unchecked: its owner lets one thread at a time use it.

    /// How long a master's connection, and each of its answers, is waited for at most.
    package static let patienceMilliseconds: Int32 = 1_000

    private let redis: RedisConfiguration
    private let cluster: Cluster
    private let layout: KeyLayout
    private var links: [String: Link] = [:]

    private final class Link {
        var node: ClusterNode
        var connection: Connection
        init(_ node: ClusterNode, _ connection: consuming Connection) {
            self.node = node
            self.connection = connection
        }
    }

    /// What one master said.
    private struct Answer {
        var view: NodesView
        /// Keys of each shard's slot, by shard.
        var keys: [Int: Int] = [:]
    }

    /// A census of this cluster; connects when it is first asked.
    package init(_ redis: RedisConfiguration, _ cluster: Cluster, layout: KeyLayout) {
        var redis = redis
        redis.connectTimeoutMilliseconds = min(
            Self.patienceMilliseconds, redis.connectTimeoutMilliseconds)
        redis.commandTimeoutMilliseconds = min(
            Self.patienceMilliseconds, redis.commandTimeoutMilliseconds)
        self.redis = redis
        self.cluster = cluster
        self.layout = layout
    }

    /// Looks at these shards; `order` is called for each node that owns some of them, before their
    /// marks are read, with a connection to it and those shards.
    ///
    /// A master that does not answer is named in the facts. Nothing is thrown: where no master
    /// answers, no shard has an owner.
    package func look(
        at shards: [Int], partitions: [LogPartition],
        order: (inout Connection, ClusterNode, [Int]) -> Void = { _, _, _ in }
    ) -> [ShardLook] {
        var answers: [String: Answer] = [:]
        let silent = ask(shards, &answers)
        var looks = shards.map { ShardLook(shard: $0, facts: facts(of: $0, answers, silent)) }
        var owned: [String: [Int]] = [:]
        for (index, look) in looks.enumerated() {
            if let owner = look.facts.owner { owned[owner.node, default: []].append(index) }
        }
        for (id, indices) in owned.sorted(by: { $0.key < $1.key }) {
            guard let link = links[id] else { continue }
            order(&link.connection, link.node, indices.map { looks[$0].shard })
            do throws(RedisError) {
                let marks = try Marks.readThere(
                    &link.connection, layout: layout, partitions: partitions,
                    shards: indices.map { looks[$0].shard })
                for index in indices { looks[index].marks = marks[looks[index].shard] }
                for index in indices { try lookAtBlank(&looks[index], link) }
                for index in indices { try lookAtCopies(&looks[index], link) }
            } catch { lose(id) }
        }
        return looks
    }

    /// The node with this id, where it was found by the last look.
    package func node(_ id: String) -> ClusterNode? { links[id]?.node }

    // MARK: Masters

    /// Asks all masters; returns the ids of those that do not answer.
    private func ask(_ shards: [Int], _ answers: inout [String: Answer]) -> Set<String> {
        var wanted: [ClusterNode] = cluster.map?.masters ?? []
        if wanted.isEmpty { wanted = (try? cluster.refresh())?.masters ?? [] }
        var asked: Set<Endpoint> = []
        var silent: Set<String> = []
        // Who is asked may name masters without slots, or newer ones.
        while !wanted.isEmpty {
            var waiting: [(ClusterNode, Link)] = []
            for node in wanted {
                asked.insert(node.endpoint)
                guard let link = link(to: node), send(shards, on: link) else {
                    silent.insert(node.id)
                    continue
                }
                waiting.append((node, link))
            }
            for (node, link) in waiting {
                do throws(RedisError) {
                    let answer = try receive(shards, on: link)
                    guard let own = answer.view.own else { continue }
                    let id = answer.view.nodes[own].id
                    // A node that only a MOVED has named gets its name here.
                    if id != node.id {
                        links[node.id] = nil
                        link.node.id = id
                        links[id] = link
                    }
                    answers[id] = answer
                } catch {
                    silent.insert(node.id)
                    lose(node.id)
                }
            }
            wanted = answers.values.flatMap { Self.masters($0.view) }.filter {
                answers[$0.id] == nil && !asked.contains($0.endpoint)
            }
            var seen: Set<String> = []
            wanted.removeAll { !seen.insert($0.id).inserted }
        }
        return silent
    }

    /// Masters that hold or may hold keys, as one of them sees it.
    private static func masters(_ view: NodesView) -> [ClusterNode] {
        view.nodes.filter { counts($0) }.compactMap { node in
            node.endpoint.map { ClusterNode(id: node.id, endpoint: $0) }
        }
    }

    /// Whether a node is a master that is not given up: one that failed and has no slot left was
    /// replaced by a replica.
    private static func counts(_ node: NodesView.Node) -> Bool {
        node.isMaster && !(node.hasFailed && node.slots.isEmpty)
    }

    private func link(to node: ClusterNode) -> Link? {
        if let link = links[node.id], link.connection.isAlive,
            link.node.endpoint == node.endpoint
        {
            return link
        }
        guard let connection = try? Connection(redis, node: node) else {
            links[node.id] = nil
            cluster.lostNode()
            return nil
        }
        let link = Link(node, connection)
        links[node.id] = link
        return link
    }

    private func lose(_ id: String) {
        links[id] = nil
        cluster.lostNode()
    }

    private func send(_ shards: [Int], on link: Link) -> Bool {
        link.connection.append("CLUSTER", "NODES")
        for shard in shards {
            link.connection.append("CLUSTER", "COUNTKEYSINSLOT", String(slot(of: shard)))
        }
        do throws(RedisError) {
            try link.connection.flush()
            return true
        } catch {
            lose(link.node.id)
            return false
        }
    }

    private func receive(_ shards: [Int], on link: Link) throws(RedisError) -> Answer {
        let nodes = try link.connection.receive().copied()
        var counts: [Int: Int] = [:]
        var failure: RedisError?
        for shard in shards {
            let reply = try link.connection.receive()
            if let text = reply.errorText { failure = RedisError(serverText: text) }
            counts[shard] = reply.view.integer.map { Int($0) }
        }
        if case .error(let text) = nodes { throw RedisError(serverText: text) }
        if let failure { throw failure }
        return Answer(view: NodesView(text: nodes.text ?? ""), keys: counts)
    }

    // MARK: Facts

    private func slot(of shard: Int) -> Int { Slot.of(key: layout.marksKey(shard: shard)) }

    private func facts(
        of shard: Int, _ answers: [String: Answer], _ silent: Set<String>
    ) -> SlotFacts {
        let slot = slot(of: shard)
        var facts = SlotFacts(views: [], silent: silent)
        for (id, answer) in answers.sorted(by: { $0.key < $1.key }) {
            guard let own = answer.view.own, answer.view.nodes[own].isMaster else { continue }
            let node = answer.view.nodes[own]
            var view = SlotView(
                node: id, isOwner: node.slots.contains { $0.contains(slot) }, epoch: node.epoch,
                keys: answer.keys[shard] ?? 0)
            for open in answer.view.openSlots where open.slot == slot {
                if open.isImporting {
                    view.importingFrom = open.peerID
                } else {
                    view.migratingTo = open.peerID
                }
            }
            facts.views.append(view)
        }
        // What the owner says of the others counts.
        guard let owner = facts.owner, let view = answers[owner.node]?.view else { return facts }
        facts.silent = Set(view.nodes.filter { Self.counts($0) && answers[$0.id] == nil }.map(\.id))
        facts.replaced = Set(
            view.nodes.filter { !$0.isMaster || $0.hasFailed && $0.slots.isEmpty }.map(\.id))
        for node in view.nodes where !node.isMaster && !node.isFailing {
            facts.follows[node.id] = node.masterID
        }
        return facts
    }

    /// Counts the keys that others hold of a shard which is known on this owner, and that the owner
    /// does not.
    private func lookAtCopies(_ look: inout ShardLook, _ link: Link) throws(RedisError) {
        guard let owner = look.marks?.owner, owner == look.facts.owner?.node else { return }
        for other in look.facts.others where other.keys > 0 {
            guard let holder = links[other.node],
                let names = try? keys(of: look.shard, most: other.keys, holder)
            else {
                look.missing += other.keys
                continue
            }
            for name in names { link.connection.append([Array("EXISTS".utf8), name]) }
            for _ in names where try link.connection.receive().view.integer != 1 {
                look.missing += 1
            }
        }
    }

    /// Keys of a shard that a node holds, without those of the directory.
    private func keys(
        of shard: Int, most: Int, _ link: Link
    ) throws(RedisError) -> [[UInt8]] {
        let prefix = layout.shardPrefix(shard)
        return try link.connection.command(
            "CLUSTER", "GETKEYSINSLOT", String(slot(of: shard)), String(min(most + 16, 100_000))
        ).elements.compactMap(\.bytes).filter {
            $0.starts(with: prefix) && !ShardReset.isDirectory($0, prefix)
        }
    }

    /// Finds out what is there of a shard without any mark.
    private func lookAtBlank(_ look: inout ShardLook, _ link: Link) throws(RedisError) {
        guard let marks = look.marks, marks.birth == nil,
            marks.marks.allSatisfy({ $0.offset == nil })
        else { return }
        let key = layout.marksKey(shard: look.shard)
        let fields = try link.connection.command([Array("HGETALL".utf8), key]).elements
        for index in stride(from: 0, to: fields.count, by: 2)
        where fields[index].bytes?.first != UInt8(ascii: "!") { return }
        let names = try keys(of: look.shard, most: look.facts.owner?.keys ?? 0, link)
        look.blank = names.allSatisfy { $0 == key } ? .empty : .cells
    }
}
