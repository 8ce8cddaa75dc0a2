package import Ledger

/// A ledger of which each shard is on a node of its own choosing, as a lane uses it: Redis Cluster.
///
/// Commits of a shard go to the node on which the lane has settled it and to no other, whatever the
/// map of the cluster says meanwhile. The lane asks by looks, which never wait.
package protocol LaneNodes: AnyObject {
    /// Why a shard cannot be committed to where it is settled; nil when it can.
    func obstacle(shard: Int) -> Moving.Reason?
    /// Whether a commit of this shard is on its way.
    func isOnWay(shard: Int) -> Bool
    /// Commits on their way to the node on which this shard is settled.
    func inFlight(onNodeOf shard: Int) -> Int
    /// Whether commits could be sent to this node.
    func canSend(to node: String) -> Bool
    /// Id of the node on which a shard is settled; nil where it is on none yet.
    func home(of shard: Int) -> String?
    /// Settles a shard on a node.
    func settle(shard: Int, on node: String)
    /// Whether a look is under way.
    var isLooking: Bool { get }
    /// Begins a look, after the orders of the request; no other may be under way.
    func look(_ request: LookRequest)
    /// The look that has ended; nil when none has since the last call.
    func takeLook() -> LookResult?
    /// The same look at once: waits for all nodes, up to a second for each.
    func lookNow(_ request: LookRequest) -> LookResult
    /// Whether a check of all masters is under way.
    var isChecking: Bool { get }
    /// Begins a check of all masters; no other may be under way.
    func beginCheck()
    /// What the check that has ended found; nil when none has since the last call.
    func takeCheck() -> Result<ServerHealth, LedgerError>?
}

/// What a look at the nodes is to find, and what is to be done before it.
package struct LookRequest: Sendable {
    /// Tells its result from those of others.
    package var number = 0
    /// Shards to look at.
    package var shards: [Int] = []
    /// Partitions of which the marks are read.
    package var partitions: [LogPartition] = []
    /// Shards that are to be marked as torn, each with the reason.
    package var torn: [(shard: Int, reason: String)] = []
    /// Birth ids of those shards, as they were when they were found torn: one that was reset
    /// meanwhile is not torn again.
    package var births: [Int: String] = [:]
    /// Shards that are settled on another node than before.
    package var settled: [(shard: Int, node: String)] = []
    /// Shards of which absent marks are to be made, on the node that owns them.
    package var made: [(shard: Int, node: String)] = []
    /// Shards whose node has refused a commit: whether it takes writes now.
    package var probed: [Int] = []
    /// Cells that have refused a change: whether they would take it now.
    package var refused: [(shard: Int, cell: RefusedCell)] = []
    /// The contract's stamp and the marks for those of which they are made.
    package var stamp: [UInt8] = []
    package var origins: [(partition: LogPartition, offset: Int64)] = []

    package init() {}
}

/// What a look has found.
package struct LookResult: Sendable {
    /// The request's.
    package var number = 0
    /// One for each shard that was asked for.
    package var looks: [ShardLook] = []
    /// Of shards that were probed, what their node says where it refuses writes.
    package var refusals: [Int: String] = [:]
    /// Shards whose refused cells would take the change now.
    package var passing: Set<Int> = []
    /// Why an order could not be carried out for good: the ledger is under a newer contract.
    package var failure: LedgerError?

    package init() {}
}
