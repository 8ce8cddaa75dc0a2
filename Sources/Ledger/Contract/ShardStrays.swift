import Redis

/// Keys of a shard on masters of a cluster that do not have its slot.
///
/// A failover while keys move leaves them: a replica takes over that does not know of the move, and
/// what had moved already stays where nobody looks for it.
struct ShardStrays {
    private let redis: RedisConfiguration
    private let owner: ClusterNode
    private let others: [ClusterNode]
    private let slot: Int
    private let prefix: [UInt8]

    /// Finds the slot's owner; throws `unsuitableServer` while that moves the slot away.
    init(
        _ redis: RedisConfiguration, _ cluster: Cluster, _ layout: KeyLayout, _ shard: Int
    ) throws(LedgerError) {
        self.redis = redis
        slot = Slot.of(key: layout.marksKey(shard: shard))
        prefix = layout.shardPrefix(shard)
        let map: SlotMap
        do throws(RedisError) { map = try cluster.refresh() } catch { throw LedgerError(error) }
        guard let owner = map.owner(ofSlot: slot) else {
            throw LedgerError(.unsuitableServer, "no master has slot \(slot) of shard \(shard)")
        }
        self.owner = owner
        // Those without slots, too: a move to one of them may have begun.
        others = (map.masters + map.idle).filter { $0 != owner }
        var connection = try connectToOwner()
        let (isMigrating, _) = try Self.openState(&connection, slot)
        guard !isMigrating else {
            throw LedgerError(
                .unsuitableServer,
                "slot \(slot) of shard \(shard) is being moved away from \(owner): let the move "
                    + "end, or end it by CLUSTER SETSLOT \(slot) STABLE on both masters")
        }
    }

    func connectToOwner() throws(LedgerError) -> Connection { try connect(owner) }

    private func connect(_ node: ClusterNode) throws(LedgerError) -> Connection {
        do throws(RedisError) { return try Connection(redis, node: node) } catch {
            throw LedgerError(error)
        }
    }

    /// Deletes the shard's keys on all masters but the slot's owner; the directory's are brought
    /// there first, because nobody would write them again.
    ///
    /// A master answers about a slot that it does not have only while it imports it, so it is told
    /// that for the time. Where the slot is open already, an earlier run or a cut move left it so:
    /// its owner moves nothing, and lanes would wait for its end.
    func delete() throws(LedgerError) {
        for node in others {
            var connection = try connect(node)
            let keys = try keys(on: &connection)
            let (_, isImporting) = try Self.openState(&connection, slot)
            guard isImporting || !keys.isEmpty else { continue }
            if !isImporting { try set(&connection, node, "IMPORTING", owner.id) }
            do throws(LedgerError) { try delete(keys, from: &connection) } catch {
                // An error leaves answers behind, or ends the connection.
                if var other = try? connect(node) { try? set(&other, node, "STABLE") }
                throw error
            }
            try set(&connection, node, "STABLE")
        }
    }

    private func keys(on connection: inout Connection) throws(LedgerError) -> [[UInt8]] {
        let count = try connection.ask(Self.words("CLUSTER", "COUNTKEYSINSLOT", String(slot)))
        guard let most = count.integer, most > 0 else { return [] }
        return try connection.ask(
            Self.words("CLUSTER", "GETKEYSINSLOT", String(slot), String(most))
        ).elements.compactMap(\.bytes).filter { $0.starts(with: prefix) }
    }

    private func delete(
        _ keys: [[UInt8]], from connection: inout Connection
    ) throws(LedgerError) {
        for key in keys where ShardReset.isDirectory(key, prefix) {
            try bring(key, from: &connection)
        }
        for key in keys {
            connection.append("ASKING")
            connection.append([Array("UNLINK".utf8), key])
        }
        try receiveAll(2 * keys.count, on: &connection) { _, _ in }
    }

    /// Copies a key to the slot's owner, where that does not have it.
    private func bring(
        _ key: [UInt8], from connection: inout Connection
    ) throws(LedgerError) {
        do throws(RedisError) {
            connection.append("ASKING")
            connection.append([Array("DUMP".utf8), key])
            _ = try connection.receive()
            let dump = try connection.receive()
            if let text = dump.errorText { throw RedisError(serverText: text) }
            guard let bytes = dump.bytes else { return }
            var target = try Connection(redis, node: owner)
            do throws(RedisError) {
                try target.command([Array("RESTORE".utf8), key, Array("0".utf8), [UInt8](bytes)])
            } catch {
                guard error.serverPrefix == "BUSYKEY" else { throw error }
            }
        } catch { throw LedgerError(error) }
    }

    private func set(
        _ connection: inout Connection, _ node: ClusterNode, _ state: String...
    ) throws(LedgerError) {
        do throws(RedisError) {
            try connection.command(
                Self.words("CLUSTER", "SETSLOT", String(slot)) + state.map { Array($0.utf8) })
        } catch {
            throw LedgerError(
                error.isForbidden ? .unsuitableServer : .redis(error),
                "\(node) has keys of slot \(slot), which \(owner) serves, or has it open, and "
                    + "CLUSTER SETSLOT fails there (\(error.message)): run this as a user with "
                    + "+cluster|setslot")
        }
    }

    /// Whether a master moves a slot away, and whether it takes it in.
    private static func openState(
        _ connection: inout Connection, _ slot: Int
    ) throws(LedgerError) -> (isMigrating: Bool, isImporting: Bool) {
        let open: [NodesView.OpenSlot]
        do throws(RedisError) { open = try NodesView(&connection).openSlots } catch {
            throw LedgerError(error)
        }
        let states = open.filter { $0.slot == slot }
        return (states.contains { !$0.isImporting }, states.contains(where: \.isImporting))
    }

    private static func words(_ words: String...) -> [[UInt8]] { words.map { Array($0.utf8) } }
}
