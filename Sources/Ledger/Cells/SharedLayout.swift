internal import Synchronization

/// The number of shards that the readers of a process use: the ledger's, once one of them has
/// looked.
///
/// Thread-safe. Before that it is the number of a new ledger, so that a process can start while
/// Redis is away.
public final class SharedLayout: Sendable {
    private let count: Atomic<Int>
    /// Which masters of a cluster the readers have met.
    let runs: SharedRuns

    /// The number of shards until a reader has found the ledger's.
    public convenience init(_ layout: KeyLayout) { self.init(layout, runs: SharedRuns()) }

    init(_ layout: KeyLayout, runs: SharedRuns) {
        count = Atomic(layout.shardCount)
        self.runs = runs
    }

    /// The ledger's number of shards, as far as it is known.
    public var shardCount: Int {
        get { count.load(ordering: .relaxed) }
        set { count.store(newValue, ordering: .relaxed) }
    }
}

/// From which master of a cluster, and from which of its runs, each shard was read last.
///
/// Thread-safe. Another one than before may lack commits that were read there.
final class SharedRuns: Sendable {
    private struct State {
        var runs: [Int: String] = [:]
        var changes = 0
        /// Since when a shard is on a node on which no lane has found it whole yet.
        var unsettled: [Int: (node: String, since: ContinuousClock.Instant)] = [:]
    }
    private let state = Mutex(State())
    /// How long lanes are waited for, which look whether a shard that moved is whole.
    let patience: Duration

    init(patience: Duration = .seconds(10)) { self.patience = patience }

    /// Notes where a shard is read from now; returns how often that was another place than before,
    /// of all shards.
    func note(_ shard: Int, _ run: String) -> Int {
        state.withLock { state in
            if let before = state.runs.updateValue(run, forKey: shard), before != run {
                state.changes += 1
            }
            return state.changes
        }
    }

    /// Whether a shard has been on this node for so long that no lane seems to look at it.
    func isOverdue(_ shard: Int, on node: String) -> Bool {
        state.withLock { state in
            if let known = state.unsettled[shard], known.node == node {
                return .now - known.since >= patience
            }
            state.unsettled[shard] = (node, .now)
            return patience == .zero
        }
    }
}
