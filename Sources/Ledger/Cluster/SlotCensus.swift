package import Redis

/// Asks all masters of a cluster about the slots of shards, and reads the shards' marks.
///
/// It keeps a connection to each master. One thread at a time.
package final class SlotCensus: @unchecked Sendable {
    // @unchecked: its owner lets one thread at a time use it.

    /// How long a master's connection, and each of its answers, is waited for at most.
    package static let patienceMilliseconds: Int32 = 1_000
    /// For how long a master that let a look wait in vain is taken for silent without asking it.
    private static let rest: Duration = .seconds(2)

    private let redis: RedisConfiguration
    private let cluster: Cluster
    private let layout: KeyLayout
    private let mostNames: Int
    private var links: [String: Link] = [:]
    /// Masters that let a look wait in vain, each with the time when it is asked again.
    private var resting: [Endpoint: ContinuousClock.Instant] = [:]
    /// What was found of copies that others hold.
    private var copies = ShardCopies()

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
    ///
    /// `mostNames`: so many names are asked for of one node at most, for one shard.
    package init(
        _ redis: RedisConfiguration, _ cluster: Cluster, layout: KeyLayout,
        mostNames: Int = 100_000
    ) {
        var redis = redis
        redis.connectTimeoutMilliseconds = min(
            Self.patienceMilliseconds, redis.connectTimeoutMilliseconds)
        redis.commandTimeoutMilliseconds = min(
            Self.patienceMilliseconds, redis.commandTimeoutMilliseconds)
        self.redis = redis
        self.cluster = cluster
        self.layout = layout
        self.mostNames = mostNames
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
            } catch {
                lose(id)
                continue
            }
            // What an error leaves out stays unknown, and of that shard alone.
            for index in indices where link.connection.isAlive {
                try? lookAtContent(&looks[index], link)
                try? lookAtCopies(&looks[index], link)
            }
            if !link.connection.isAlive { lose(id) }
        }
        return looks
    }

    /// The node with this id, where it was found by the last look.
    package func node(_ id: String) -> ClusterNode? { links[id]?.node }

    // MARK: Masters

    /// Asks all masters; returns the ids of those that do not answer.
    private func ask(_ shards: [Int], _ answers: inout [String: Answer]) -> Set<String> {
        let map = cluster.map ?? (try? cluster.refresh())
        var wanted: [ClusterNode] = (map?.masters ?? []) + (map?.idle ?? [])
        var asked: Set<Endpoint> = []
        var silent: Set<String> = []
        // Who is asked may name newer ones.
        while !wanted.isEmpty {
            var waiting: [(ClusterNode, Link)] = []
            for node in wanted {
                asked.insert(node.endpoint)
                guard !isResting(node), let link = link(to: node), send(shards, on: link) else {
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
                    if error.code == .timeout { rest(node) }
                    silent.insert(node.id)
                    lose(node.id)
                }
            }
            wanted = answers.values.flatMap { masters($0.view) }.filter {
                answers[$0.id] == nil && !silent.contains($0.id) && !asked.contains($0.endpoint)
            }
            var seen: Set<String> = []
            wanted.removeAll { !seen.insert($0.id).inserted }
        }
        return silent
    }

    /// Masters that hold or may hold keys, as one of them sees it.
    ///
    /// The map alone tells the addresses that clients are to use.
    private func masters(_ view: NodesView) -> [ClusterNode] {
        let map = cluster.map
        return view.nodes.filter(\.isMasterInUse).compactMap { node in
            if let known = map?.node(node.id) { return known }
            guard let new = node.clusterNode else { return nil }
            // The map is older than this node, and is due.
            cluster.lostNode()
            return new
        }
    }

    private func link(to node: ClusterNode) -> Link? {
        if let link = links[node.id], link.connection.isAlive,
            link.node.endpoint == node.endpoint
        {
            return link
        }
        let begun = ContinuousClock.now
        guard let connection = try? Connection(redis, node: node) else {
            // A refusal comes at once, and so does the answer of a node that has been started.
            if .now - begun > .milliseconds(Self.patienceMilliseconds / 2) { rest(node) }
            links[node.id] = nil
            cluster.lostNode()
            return nil
        }
        let link = Link(node, connection)
        links[node.id] = link
        return link
    }

    /// Leaves a master alone for a while, so that not every look waits for it.
    private func rest(_ node: ClusterNode) { resting[node.endpoint] = .now + Self.rest }

    private func isResting(_ node: ClusterNode) -> Bool {
        guard let end = resting[node.endpoint] else { return false }
        if .now >= end { resting[node.endpoint] = nil }
        return .now < end
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

    /// The next answer of a master, waited for as long as the question is on its way, not longer:
    /// so masters that do not answer are waited for at the same time.
    private func next(_ link: Link) throws(RedisError) -> ReplyValue {
        let found = try link.connection.tryReceive(waitMilliseconds: Self.patienceMilliseconds)
        guard let reply = found else {
            throw RedisError(.timeout, "no answer for \(Self.patienceMilliseconds) ms")
        }
        return reply.copied()
    }

    private func receive(_ shards: [Int], on link: Link) throws(RedisError) -> Answer {
        let nodes = try next(link)
        var counts: [Int: Int] = [:]
        var failure: RedisError?
        for shard in shards {
            let reply = try next(link)
            if case .error(let text) = reply { failure = RedisError(serverText: text) }
            counts[shard] = reply.integer.map { Int($0) }
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
        facts.silent = Set(
            view.nodes.filter { $0.isMasterInUse && answers[$0.id] == nil }.map(\.id))
        facts.replaced = Set(
            view.nodes.filter { !$0.isMaster || $0.hasFailed && $0.slots.isEmpty }.map(\.id))
        for node in view.nodes where !node.isMaster && !node.isFailing {
            facts.follows[node.id] = node.masterID
        }
        return facts
    }

    // MARK: What is there besides

    /// Counts the keys that others hold of a shard which is known on this owner, and that the owner
    /// does not.
    private func lookAtCopies(_ look: inout ShardLook, _ link: Link) throws(RedisError) {
        guard let owner = look.marks?.owner, owner == look.facts.owner?.node else { return }
        var held: [String: Int] = [:]
        for other in look.facts.others where other.keys > 0 { held[other.node] = other.keys }
        let found = ShardCopies.Found(owner: owner, keys: held)
        if !copies.isKnown(found, of: look.shard) {
            var missing = 0
            for (node, count) in held.sorted(by: { $0.key < $1.key }) {
                missing += try self.missing(of: look.shard, count, at: node, link)
            }
            look.missing = missing
            guard missing == 0 else { return }
            copies.note(found, of: look.shard)
        }
        look.missing = 0
    }

    /// How many of so many keys the owner lacks at least; those that were not looked at count.
    private func missing(
        of shard: Int, _ count: Int, at holder: String, _ link: Link
    ) throws(RedisError) -> Int {
        guard let holder = links[holder] else { return count }
        // Where some of the first few are missing, the others need not be asked for.
        for most in [min(100, mostNames), mostNames] {
            guard let (names, isAll) = try? keys(of: shard, most: most, holder) else {
                return count
            }
            for name in names { link.connection.append([Array("EXISTS".utf8), name]) }
            var missing = 0
            for _ in names where try link.connection.receive().view.integer != 1 { missing += 1 }
            if isAll || missing > 0 { return missing }
        }
        return max(1, count - mostNames)
    }

    /// Keys of a shard that a node holds, without those of the directory, and whether these are all
    /// of them.
    private func keys(
        of shard: Int, most: Int, _ link: Link
    ) throws(RedisError) -> (names: [[UInt8]], isAll: Bool) {
        let prefix = layout.shardPrefix(shard)
        let names = try link.connection.command(
            "CLUSTER", "GETKEYSINSLOT", String(slot(of: shard)), String(most)
        ).elements.compactMap(\.bytes)
        let own = names.filter { $0.starts(with: prefix) && !ShardReset.isDirectory($0, prefix) }
        return (own, names.count < most)
    }

    /// Finds out what is there of a shard without any mark.
    private func lookAtContent(_ look: inout ShardLook, _ link: Link) throws(RedisError) {
        guard let marks = look.marks else { return }
        guard marks.birth == nil, marks.marks.allSatisfy({ $0.offset == nil }) else {
            look.content = .marked
            return
        }
        let key = layout.marksKey(shard: look.shard)
        let fields = try link.connection.command([Array("HGETALL".utf8), key]).elements
        for index in stride(from: 0, to: fields.count, by: 2)
        where fields[index].bytes?.first != UInt8(ascii: "!") {
            look.content = .marked
            return
        }
        let most = min((look.facts.owner?.keys ?? 0) + 16, mostNames)
        let (names, isAll) = try keys(of: look.shard, most: most, link)
        if names.contains(where: { $0 != key }) {
            look.content = .cells
        } else if isAll {
            look.content = .empty
        }
    }
}

/// What was found of copies that masters hold of shards which are on another one.
///
/// A replica that took its master's place may hold keys that had moved away before. They can be
/// many, and stay: so they are compared with the owner's keys once, and again from time to time.
private struct ShardCopies {
    /// Copies of one shard.
    struct Found: Equatable {
        /// The node that has the shard.
        var owner: String
        /// How many keys of its slot each other node holds.
        var keys: [String: Int]
    }
    private static let lifetime: Duration = .seconds(60)
    private var known: [Int: (found: Found, end: ContinuousClock.Instant)] = [:]

    /// Whether all of them are at the owner, too, as far as is known.
    func isKnown(_ found: Found, of shard: Int) -> Bool {
        if found.keys.isEmpty { return true }
        guard let last = known[shard] else { return false }
        return last.found == found && .now < last.end
    }

    /// Notes that all of them are at the owner, too.
    mutating func note(_ found: Found, of shard: Int) {
        known[shard] = (found, .now + Self.lifetime)
    }
}
