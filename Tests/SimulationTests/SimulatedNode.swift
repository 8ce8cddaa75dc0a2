/// A master of the simulated cluster, with what its replica may have got of it.
final class SimulatedNode {
    /// What it says of a slot beside its claim.
    struct Slot: Equatable {
        var migratingTo: String?
        var importingFrom: String?
    }

    let id: String
    var epoch: Int64
    /// Whether clients and other nodes reach it.
    var isUp = true
    /// Whether a replica has taken its slots: then it is no master for the others.
    var isReplaced = false
    /// Shards of which it says that their slots are its own.
    var claims: Set<Int> = []
    var slots: [Int: Slot] = [:]
    private(set) var parts: [Int: ShardContent] = [:]
    /// Earlier states, oldest first: a replica may be that far behind.
    private var history: [[Int: ShardContent]] = []

    init(id: String, epoch: Int64) {
        self.id = id
        self.epoch = epoch
    }

    /// What it holds of a shard; a write is one step for its replica.
    subscript(shard: Int) -> ShardContent {
        get { parts[shard] ?? ShardContent() }
        set {
            history.append(parts)
            if history.count > 8 { history.removeFirst() }
            parts[shard] = newValue.isEmpty ? nil : newValue
        }
    }

    /// Its replica has got everything so far.
    func replicate() { history = [] }

    /// What a replica has that missed some of the last writes.
    func copy(_ dice: Dice) -> [Int: ShardContent] {
        guard !history.isEmpty, dice.oneIn(2) else { return parts }
        return dice.pick(history) ?? parts
    }

    /// Begins with this content.
    func begin(with content: [Int: ShardContent]) { parts = content }
    /// What its replica may have of a shard, in any state.
    func states(of shard: Int) -> [ShardContent] { (history + [parts]).compactMap { $0[shard] } }
}

extension ShardContent {
    var isEmpty: Bool { marks.isEmpty && audit.isEmpty && cells.isEmpty && parked.isEmpty }

    /// How many keys it is.
    var keyCount: Int {
        (marks.isEmpty ? 0 : 1) + (audit.isEmpty ? 0 : 1) + (parked.isEmpty ? 0 : 1) + cells.count
    }

    /// Takes one key out, to put it on another node; `index` is below `keyCount`.
    mutating func take(_ index: Int) -> ShardContent {
        var taken = ShardContent()
        var names: [String] = cells.keys.sorted()
        if !marks.isEmpty { names.append("!marks") }
        if !audit.isEmpty { names.append("!audit") }
        if !parked.isEmpty { names.append("!parked") }
        switch names[index] {
        case "!marks":
            (taken.marks, taken.lost) = (marks, lost)
            (marks, lost) = ([:], [:])
        case "!audit": swap(&taken.audit, &audit)
        case "!parked": swap(&taken.parked, &parked)
        case let name: taken.cells[name] = cells.removeValue(forKey: name)
        }
        return taken
    }

    /// How many of its keys another content lacks.
    func keysMissing(in other: ShardContent) -> Int {
        (!marks.isEmpty && other.marks.isEmpty ? 1 : 0)
            + (!audit.isEmpty && other.audit.isEmpty ? 1 : 0)
            + (!parked.isEmpty && other.parked.isEmpty ? 1 : 0)
            + cells.keys.count { other.cells[$0] == nil }
    }

    /// Takes keys of another node, in the place of its own.
    mutating func put(_ other: ShardContent) {
        if !other.marks.isEmpty { (marks, lost) = (other.marks, other.lost) }
        if !other.audit.isEmpty { audit = other.audit }
        if !other.parked.isEmpty { parked = other.parked }
        cells.merge(other.cells) { _, new in new }
    }
}
