internal import Synchronization

/// The number of shards that the readers of a process use: the ledger's, once one of them has
/// looked.
///
/// Thread-safe. Before that it is the number of a new ledger, so that a process can start while
/// Redis is away.
public final class SharedLayout: Sendable {
    private let count: Atomic<Int>

    /// The number of shards until a reader has found the ledger's.
    public init(_ layout: KeyLayout) { count = Atomic(layout.shardCount) }

    /// The ledger's number of shards, as far as it is known.
    public var shardCount: Int {
        get { count.load(ordering: .relaxed) }
        set { count.store(newValue, ordering: .relaxed) }
    }
}
