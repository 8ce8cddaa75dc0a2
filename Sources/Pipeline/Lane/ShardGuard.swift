internal import Ledger

/// Decides whether a shard may be committed to on the node that has it: facts in, verdict out.
///
/// A failover while a slot's keys are on their way can leave marks on one node and cells on
/// another. A commit there would count on top of nothing, and no mark would show it. So a shard
/// that has another owner than at its last commit, or whose slot was seen open since, is committed
/// to only when nothing of it can be elsewhere. What cannot be known yet is waited for; what is
/// known to be in halves is torn. `docs/EXACTLY_ONCE.md` has the reasons.
struct ShardGuard {
    /// What a look found.
    var look: ShardLook
    /// What was seen of its slot while that was open, since the shard's last commit.
    var seen = SeenOpen()
    /// Whether the record by which the marks know the log is the one that this lane has counted.
    var fingerprint = Fit.fits

    /// How the reason of a shard in halves begins.
    static let split = "split"

    /// Whether a shard's fingerprints fit the log.
    enum Fit: CaseIterable {
        case fits
        /// The lane has counted another record at the same offset.
        case differs
    }

    enum Verdict: Equatable {
        /// It may be committed to on this node, from its marks on.
        case settle(owner: String)
        /// Nothing of it is anywhere: its marks may be made on this node.
        case make(owner: String)
        /// It is torn already, for this reason.
        case torn(String)
        /// Parts of it are on several nodes, or lost: it has to be counted again.
        case split(String)
        /// The log, or its marks, are not what this lane has counted: the log decides.
        case otherLog
        /// Ask again later.
        case wait(Moving.Reason)
    }

    var verdict: Verdict {
        let facts = look.facts
        guard let owner = facts.owner else { return .wait(.noOwner) }
        if let torn = look.marks?.torn { return .torn(torn) }
        var seen = seen
        seen.add(facts)
        let peers = seen.peers
        // Marks that are on their way themselves cannot be read.
        guard look.marks != nil || !peers.isEmpty else { return .wait(.unread) }
        let isKnown = look.marks?.owner == owner.node && peers.isEmpty
        // Keys may be at the node to which the owner says that it moves them.
        let strangers = facts.others.filter { $0.keys > 0 && $0.node != owner.migratingTo }
        // Of a shard that is known here, copies that a replica kept of it are no parts.
        guard strangers.isEmpty || isKnown && look.missing == 0 else {
            guard !isKnown else { return .wait(.keysElsewhere) }
            let names = strangers.map(\.node).sorted().joined(separator: ", ")
            return .split("keys of its slot are on \(names) too")
        }
        let lost = peers.intersection(facts.replaced).filter { !seen.hasGiven($0, facts) }.sorted()
        guard lost.isEmpty else {
            return .split("\(lost.joined(separator: ", ")) failed while its keys were moving")
        }
        if fingerprint == .differs { return .otherLog }
        guard isKnown || facts.silent.isEmpty else { return .wait(.unasked) }
        let isOpen = owner.isOpen || facts.others.contains(where: \.isOpen)
        guard isKnown || !isOpen else { return .wait(.open) }
        guard look.marks != nil else { return .wait(.unread) }
        switch look.content {
        case nil: return .wait(.unread)
        case .marked: return .settle(owner: owner.node)
        case .empty: return .make(owner: owner.node)
        case .cells: return .split("its cells are there, its marks are not")
        }
    }
}
