@testable import Ledger

/// Masters that have the shards of the simulated server between them, each with a replica.
///
/// Slots move key by key, and stay open for as long as somebody likes. A master may fail at any
/// moment, with the last of its writes lost. Nodes do not hear of each other's changes at once.
final class SimulatedCluster {
    /// A slot that somebody moves, key by key.
    private struct Move {
        enum Step { case importing, migrating, keys, taken, told }
        var shard: Int
        var from: SimulatedNode
        var to: SimulatedNode
        var step = Step.importing
        /// Whether any key was moved.
        var hasMoved = false
        /// Whether a node has failed, so that it does not go on.
        var isCut = false
        /// Turns for which nobody goes on.
        var rest = 0
    }

    private let dice: Dice
    private let shardCount: Int
    private(set) var nodes: [SimulatedNode] = []
    private var moves: [Move] = []
    private var epoch: Int64 = 0
    private var named = 0
    /// Moves that ended; moves that a failure cut; failures of masters.
    private(set) var report = (moves: 0, cuts: 0, failovers: 0)
    /// Whether nothing new goes wrong.
    var isQuiet = false
    /// Whether no write may be lost from now on.
    private var isKept = false
    var trace: (String) -> Void = { _ in }

    init(_ dice: Dice, shardCount: Int, masters: Int) {
        self.dice = dice
        self.shardCount = shardCount
        for _ in 0..<masters { addMaster() }
        for shard in 0..<shardCount { nodes[dice.roll(0...(masters - 1))].claims.insert(shard) }
    }

    @discardableResult
    private func addMaster() -> SimulatedNode {
        epoch += 1
        named += 1
        let node = SimulatedNode(id: "node-\(named)", epoch: epoch)
        nodes.append(node)
        return node
    }

    /// Masters as the others see them.
    var masters: [SimulatedNode] { nodes.filter { !$0.isReplaced } }

    func node(_ id: String) -> SimulatedNode? { nodes.first { $0.id == id } }

    /// The node that has a slot, by the largest epoch.
    func owner(_ shard: Int) -> SimulatedNode? {
        masters.filter { $0.claims.contains(shard) }.max { $0.epoch < $1.epoch }
    }

    func shard(_ shard: Int) -> ShardContent { owner(shard)?[shard] ?? ShardContent() }
    func write(_ shard: Int, _ content: ShardContent) { owner(shard)?[shard] = content }

    // MARK: What a node answers

    enum Answer {
        case run(SimulatedNode)
        case refuse(String)
    }

    /// What a script gets whose keys are marks, audit, cells and a key that is never there.
    func answer(toScriptFor shard: Int, at id: String?) -> Answer {
        guard let node = id.map(node) ?? owner(shard) else { return .refuse("CLUSTERDOWN") }
        guard node.claims.contains(shard) else {
            return .refuse(owner(shard) == nil ? "CLUSTERDOWN" : "MOVED")
        }
        guard node.slots[shard]?.migratingTo == nil else {
            return .refuse(node[shard].isEmpty ? "ASK" : "TRYAGAIN")
        }
        return .run(node)
    }

    /// What one look at a slot finds; `between` is called between two nodes.
    func facts(_ shard: Int, between: () -> Void) -> SlotFacts {
        var views: [SlotView] = []
        var silent: Set<String> = []
        for node in nodes.shuffled(using: &shuffler) {
            between()
            guard node.isUp else {
                if !node.isReplaced { silent.insert(node.id) }
                continue
            }
            // One that was replaced and does not know it yet answers too.
            views.append(
                SlotView(
                    node: node.id, isOwner: node.claims.contains(shard), epoch: node.epoch,
                    keys: node[shard].keyCount, migratingTo: node.slots[shard]?.migratingTo,
                    importingFrom: node.slots[shard]?.importingFrom))
        }
        let replaced = Set(nodes.filter(\.isReplaced).map(\.id))
        return SlotFacts(views: views, silent: silent, replaced: replaced)
    }
    private lazy var shuffler = dice

    // MARK: Moves

    /// Somebody goes on with what was begun.
    func work() {
        for node in nodes where dice.oneIn(isQuiet ? 2 : 12) { node.replicate() }
        guard !moves.isEmpty, isQuiet || dice.oneIn(3) else { return }
        for index in moves.indices.reversed() { goOn(index) }
    }

    private func goOn(_ index: Int) {
        guard !moves[index].isCut, moves[index].from.isUp, moves[index].to.isUp else { return }
        if moves[index].rest > 0 {
            moves[index].rest -= isQuiet ? moves[index].rest : 1
            return
        }
        let (shard, from, to) = (moves[index].shard, moves[index].from, moves[index].to)
        switch moves[index].step {
        case .importing:
            to.slots[shard, default: .init()].importingFrom = from.id
            moves[index].step = .migrating
        case .migrating:
            from.slots[shard, default: .init()].migratingTo = to.id
            moves[index].step = .keys
        case .keys:
            for _ in 0..<dice.roll(1...4) where from[shard].keyCount > 0 {
                moveKey(shard, from, to, dice.roll(0...(from[shard].keyCount - 1)))
                moves[index].hasMoved = true
            }
            if from[shard].keyCount == 0 { moves[index].step = .taken }
            if !isQuiet, dice.oneIn(25) { moves[index].rest = dice.roll(1...400) }
        case .taken:
            // A node's epoch is one for all its slots: who gets a larger one has heard of what it
            // gave away.
            guard !moves.contains(where: { $0.step == .told && $0.from === to }) else { return }
            epoch += 1
            to.epoch = epoch
            to.claims.insert(shard)
            to.slots[shard] = nil
            // Its replica has all keys by then; what the guard cannot see is left out here.
            to.replicate()
            moves[index].step = .told
        case .told: end(index)
        }
    }

    private func end(_ index: Int) {
        let move = moves.remove(at: index)
        move.from.claims.remove(move.shard)
        move.from.slots[move.shard] = nil
        report.moves += 1
    }

    private func moveKey(_ shard: Int, _ from: SimulatedNode, _ to: SimulatedNode, _ index: Int) {
        var rest = from[shard]
        var part = to[shard]
        part.put(rest.take(index))
        to[shard] = part
        from[shard] = rest
    }

    // MARK: What happens to it

    func fault() {
        switch dice.roll(0...9) {
        case 0, 1, 2, 3: beginMove()
        case 4: fail(dice.pick(masters.filter(\.isUp)))
        case 5, 6: fail(dice.pick(moves.filter { !$0.isCut }.flatMap { [$0.from, $0.to] }))
        case 7:
            // Cut off or frozen, and nobody takes its place.
            dice.pick(masters)?.isUp = false
        case 8:
            hear()
            for node in masters { node.isUp = true }
        default: if masters.count < 5 { addMaster() }
        }
    }

    private func beginMove() {
        let shard = dice.roll(0...(shardCount - 1))
        guard let from = owner(shard), !isMoving(shard),
            let to = dice.pick(masters.filter { $0 !== from })
        else { return }
        trace("shard \(shard) moves from \(from.id) to \(to.id)")
        moves.append(Move(shard: shard, from: from, to: to))
    }

    /// Whether a shard's slot is open, or something of it is elsewhere.
    func isMoving(_ shard: Int) -> Bool { moves.contains { $0.shard == shard } }

    /// A master fails, and a replica takes its slots, with some of the last writes lost.
    ///
    /// What was open there is open no more, because replicas do not know that.
    private func fail(_ node: SimulatedNode?) {
        // Both ends of a move within one look: nobody could tell what was lost (EXACTLY_ONCE).
        guard let node, !node.isReplaced, !isKept,
            !moves.contains(where: { $0.isCut && ($0.from === node || $0.to === node) })
        else { return }
        report.failovers += 1
        // Nobody is elected for a slot that others know to be elsewhere by now.
        let claims = node.claims.filter { owner($0) === node }
        let successor = addMaster()
        trace("\(node.id) fails, \(successor.id) takes \(claims.sorted()), open: \(open)")
        successor.claims = claims
        successor.begin(with: node.copy(dice))
        node.isReplaced = true
        // It may take commits for a while from clients that reach it; they are lost.
        node.isUp = dice.oneIn(4)
        for index in moves.indices.reversed()
        where moves[index].from === node || moves[index].to === node {
            // The target has the slot with all keys, and the source hears of it without help.
            guard moves[index].step != .told else {
                end(index)
                continue
            }
            moves[index].isCut = true
            report.cuts += 1
        }
    }

    /// A node that was replaced hears of it: it is a replica now.
    func hear() {
        for node in nodes where node.isReplaced {
            node.claims = []
            node.isUp = false
        }
    }

    /// Loses nothing any more: what was counted before must not be counted again.
    func keepAll() {
        isKept = true
        hear()
    }

    func becomeQuiet() {
        isQuiet = true
        hear()
        for node in masters { node.isUp = true }
    }

    /// Its operator ends what a failure has cut, where nothing is lost by that: no key was
    /// moved yet, and the slot is only open.
    func closeUntouched() {
        for index in moves.indices.reversed() where moves[index].isCut && !moves[index].hasMoved {
            close(moves[index].shard)
            moves.remove(at: index)
        }
    }

    private func close(_ shard: Int) {
        for node in nodes { node.slots[shard] = nil }
    }

    /// Whether a failure has cut a shard's move, with keys on both nodes or lost.
    func isCut(_ shard: Int) -> Bool {
        moves.contains { $0.shard == shard && $0.isCut && $0.hasMoved }
    }

    /// Deletes all that any master holds of a shard, before it is counted again; false while
    /// somebody moves its slot.
    func clear(_ shard: Int) -> Bool {
        guard owner(shard) != nil, !moves.contains(where: { $0.shard == shard && !$0.isCut }) else {
            return false
        }
        moves.removeAll { $0.shard == shard }
        close(shard)
        let owner = owner(shard)
        for node in masters {
            node[shard] = ShardContent()
            if node !== owner { node.claims.remove(shard) }
        }
        return true
    }

    /// Whether nothing is on its way from one node to another.
    var isSettled: Bool { moves.isEmpty }

    /// The moves that have not ended, for people.
    var open: String {
        moves.map {
            "shard \($0.shard) from \($0.from.id) to \($0.to.id): \($0.step)"
                + ($0.hasMoved ? ", some keys moved" : "") + ($0.isCut ? ", cut" : "")
        }.joined(separator: "; ")
    }

    /// Puts all shards back to earlier content.
    func restore(_ shards: [ShardContent]) {
        for (shard, content) in shards.enumerated() { owner(shard)?[shard] = content }
    }

    /// The least mark of a partition in any state that may come back.
    func leastMark(_ member: String) -> Int64 {
        var least = Int64.max
        for node in nodes {
            for shard in 0..<shardCount {
                for state in node.states(of: shard) {
                    guard let mark = state.marks[member].flatMap({ Int64($0) }) else { continue }
                    least = min(least, mark)
                }
            }
        }
        return least
    }
}
