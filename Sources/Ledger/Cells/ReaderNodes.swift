import Redis

/// On which masters of a cluster a reader has found its shards whole.
///
/// A failover while keys move leaves a shard in halves: then absent cells would read as zeros.
/// Lanes look at each shard that has another owner than before, and note in its marks on which node
/// it is whole. Until then a reader refuses it, or looks itself where no lane does.
struct ReaderNodes {
    private var whole: [Int: String] = [:]
    private let shared: SharedRuns

    init(_ shared: SharedRuns) { self.shared = shared }

    /// The ledger has other shards.
    mutating func forget() { whole = [:] }

    /// Throws where the shard with these marks may be in halves; asks once for each node.
    ///
    /// Says nothing where the slot turns out to be on another node than this one.
    mutating func check(
        _ shard: Int, _ marksKey: [UInt8], on node: ClusterNode, _ connection: inout Connection
    ) throws(RedisError) {
        guard whole[shard] != node.id else { return }
        let owner = try connection.command([
            Array("HMGET".utf8), marksKey, Array("!owner".utf8),
        ]).elements.first?.text
        guard connection.node(ofKey: marksKey) == node else { return }
        if owner != node.id {
            // Without an owner there was none before.
            guard owner == nil || shared.isOverdue(shard, on: node.id) else {
                throw Self.refusal(shard, "nobody has looked yet whether it is whole on \(node)")
            }
            let slot = Slot.of(key: marksKey)
            // A move may have begun to a master that has no slots yet.
            let counts = try connection.answersOfMasters(
                ["CLUSTER", "COUNTKEYSINSLOT", String(slot)], idle: true)
            for (other, count) in counts where other != node && count.integer != 0 {
                throw Self.refusal(shard, "\(other) has keys of slot \(slot), too")
            }
        }
        whole[shard] = node.id
    }

    /// The code of a shard that is not answered now.
    private static func refusal(_ shard: Int, _ reason: String) -> RedisError {
        RedisError(.server("MOVING"), "shard \(shard) was moved: \(reason)")
    }
}
