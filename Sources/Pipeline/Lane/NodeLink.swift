internal import Ledger
internal import Redis

/// A lane's connection to one master of a cluster that commits.
///
/// `@unchecked`: made on one thread and handed to the lane's.
final class NodeLink: @unchecked Sendable {
    /// How long a commit may have no answer before the node is taken for lost: shards of other
    /// nodes may wait for one of its own.
    static let patience: Milliseconds = 500

    let node: ClusterNode
    private var committer: Committer
    /// Shards of which a commit is on its way.
    private(set) var onWay: Set<Int> = []
    /// When the node answered last, or got the first commit that it has not answered.
    private var heardAt: Milliseconds = 0

    init(_ node: ClusterNode, _ committer: consuming Committer) {
        self.node = node
        self.committer = committer
    }

    var isAlive: Bool { committer.isAlive }

    func submit(_ arguments: inout CommitArguments, shard: Int, latestSecond: Int64) {
        if onWay.isEmpty { heardAt = SteadyClock.milliseconds }
        onWay.insert(shard)
        committer.latestSecond = latestSecond
        committer.submit(&arguments, tag: shard)
    }

    /// The next outcome; nil when none comes within this time.
    func tryReceive(waitMilliseconds: Int32) -> CommitResult? {
        guard let result = committer.tryReceive(waitMilliseconds: waitMilliseconds) else {
            return nil
        }
        heardAt = SteadyClock.milliseconds
        onWay.remove(result.tag)
        return result
    }

    /// Whether it has been silent for too long.
    func isSilent(_ now: Milliseconds) -> Bool { !onWay.isEmpty && now - heardAt > Self.patience }

    func commit(_ arguments: inout CommitArguments, latestSecond: Int64) -> CommitOutcome {
        committer.latestSecond = latestSecond
        return committer.commit(&arguments)
    }
}
