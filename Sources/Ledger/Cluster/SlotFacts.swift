/// What one master of a Redis Cluster says of one slot.
package struct SlotView: Sendable, Hashable {
    /// The master's id.
    package var node: String
    /// Whether it says that the slot is its own.
    package var isOwner = false
    /// The epoch of its claims: of two nodes that claim a slot the one with the larger has it.
    package var epoch: Int64 = 0
    /// How many keys it holds in that slot, of any program.
    package var keys = 0
    /// The node to which it moves the slot's keys; nil when it moves none.
    package var migratingTo: String?
    /// The node from which it takes the slot's keys; nil when it takes none.
    package var importingFrom: String?

    /// A view of these parts.
    package init(
        node: String, isOwner: Bool = false, epoch: Int64 = 0, keys: Int = 0,
        migratingTo: String? = nil, importingFrom: String? = nil
    ) {
        self.node = node
        self.isOwner = isOwner
        self.epoch = epoch
        self.keys = keys
        self.migratingTo = migratingTo
        self.importingFrom = importingFrom
    }

    /// Whether the slot is open at this node: keys of it may be on their way.
    package var isOpen: Bool { migratingTo != nil || importingFrom != nil }
}

/// What all masters of a cluster say of a shard's slot, asked one after the other.
///
/// Nobody stops the cluster meanwhile, so views of a slot that is just moving may not fit together.
package struct SlotFacts: Sendable, Hashable {
    /// Of each master that answered.
    package var views: [SlotView]
    /// Masters that could not be asked.
    package var silent: Set<String>
    /// Nodes that the slot's owner knows and that are no masters of any slot: replicas, and masters
    /// that failed and whose slots another node has taken.
    package var replaced: Set<String>
    /// The masters of those that are replicas and work, by id.
    package var follows: [String: String]

    /// Facts of these parts.
    package init(
        views: [SlotView], silent: Set<String> = [], replaced: Set<String> = [],
        follows: [String: String] = [:]
    ) {
        self.views = views
        self.silent = silent
        self.replaced = replaced
        self.follows = follows
    }

    /// The master that has the slot: of those that say so the one with the largest epoch; nil where
    /// none says so, or where two epochs are the same.
    package var owner: SlotView? {
        let owners = views.filter(\.isOwner)
        guard let best = owners.max(by: { $0.epoch < $1.epoch }),
            owners.count(where: { $0.epoch == best.epoch }) == 1
        else { return nil }
        return best
    }

    /// The other masters that answered.
    ///
    /// Without nodes that were replaced and do not know it yet: each holds an old copy of what its
    /// successor has.
    package var others: [SlotView] {
        let owner = owner?.node
        return views.filter { $0.node != owner && !replaced.contains($0.node) }
    }
}

/// A shard as a look at the cluster found it.
package struct ShardLook: Sendable, Hashable {
    /// Number of the shard.
    package var shard: Int
    /// What the masters say of its slot.
    package var facts: SlotFacts
    /// Its marks, read from the owner after the facts; nil where that did not go.
    package var marks: ShardMarks?
    /// How many keys of this shard other masters hold and the owner does not, at least; nil where
    /// that was not looked at, as where the marks do not say that it is whole on this owner.
    package var missing: Int?
    /// What the owner holds; nil where that was not looked at, or the look failed.
    package var content: Content?

    /// What is there of a shard.
    package enum Content: Sendable, Hashable {
        /// Marks that name a partition or a birth.
        case marked
        /// No key but those of the directory.
        case empty
        /// Cells, an audit, or what else only a commit makes.
        case cells
    }

    /// A look with this result.
    package init(
        shard: Int, facts: SlotFacts, marks: ShardMarks? = nil, missing: Int? = nil,
        content: Content? = nil
    ) {
        self.shard = shard
        self.facts = facts
        self.marks = marks
        self.missing = missing
        self.content = content
    }
}
