internal import Ledger

/// What looks have seen of a slot while it was open: its keys were on their way.
struct SeenOpen: Equatable {
    /// Nodes between which they were on their way.
    private(set) var peers: Set<String> = []
    /// Of them, those that had the slot and gave its keys away, and have taken none since.
    private(set) var givers: Set<String> = []
    /// The masters when it was first seen open.
    private(set) var masters: Set<String> = []

    /// What these say; nothing yet by default.
    init(peers: Set<String> = [], givers: Set<String> = [], masters: Set<String> = []) {
        self.peers = peers
        self.givers = givers
        self.masters = masters
    }

    /// What these facts show.
    init(_ facts: SlotFacts) { add(facts) }

    /// Adds what one more look has found.
    mutating func add(_ facts: SlotFacts) {
        let views = facts.others + [facts.owner].compactMap { $0 }
        // One that is ready to take keys and has none concerns nobody yet.
        for view in views where view.migratingTo != nil || view.isOpen && view.keys > 0 {
            peers.insert(view.node)
            peers.formUnion([view.migratingTo, view.importingFrom].compactMap { $0 })
        }
        if let owner = facts.owner, let taker = owner.migratingTo {
            givers.insert(owner.node)
            givers.remove(taker)
        }
        for view in views where view.importingFrom != nil && view.keys > 0 {
            givers.remove(view.node)
        }
        if masters.isEmpty, !peers.isEmpty {
            masters = facts.silent.union(facts.views.map(\.node))
        }
    }

    /// Whether a replica was a master that gave all its slots away.
    ///
    /// Redis makes a master without slots a replica of the one that took the last of them, which
    /// was a master before. One that failed comes back as a replica of its own former replica.
    func hasGiven(_ node: String, _ facts: SlotFacts) -> Bool {
        guard givers.contains(node), let master = facts.follows[node] else { return false }
        return masters.contains(master)
    }
}
