/// A master of a cluster.
///
/// Two are the same where their ids are: a node may get another address.
public struct ClusterNode: Sendable, Hashable, CustomStringConvertible {
    /// 40 hexadecimal digits; `?HOST:PORT` for a node that only a MOVED has named so far.
    public var id: String
    /// Where clients reach it.
    public var endpoint: Endpoint

    /// A node of these parts.
    public init(id: String, endpoint: Endpoint) {
        self.id = id
        self.endpoint = endpoint
    }

    /// Whether both are the same node.
    public static func == (left: ClusterNode, right: ClusterNode) -> Bool { left.id == right.id }
    /// The part that is compared.
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }

    /// Its address.
    public var description: String { endpoint.description }
}

/// Which master has which slots, as one node of the cluster said it.
public struct SlotMap: Sendable, Hashable {
    /// Masters that have slots, by address.
    public private(set) var masters: [ClusterNode]
    /// Masters that have no slots, by address: keys of a slot that is on its way may be there.
    public private(set) var idle: [ClusterNode]
    /// For each slot the index of its master; `none` where no master has it.
    private var owners: [UInt16]
    private static let none = UInt16.max

    /// A map of masters with ranges of slots; of two that claim a slot the later one has it.
    public init(_ parts: [(node: ClusterNode, slots: [ClosedRange<Int>])]) {
        masters = []
        idle = []
        owners = [UInt16](repeating: Self.none, count: Slot.count)
        let parts = parts.sorted {
            ($0.node.endpoint.host, $0.node.endpoint.port)
                < ($1.node.endpoint.host, $1.node.endpoint.port)
        }
        for (node, ranges) in parts where !ranges.isEmpty {
            let index = self.index(of: node)
            for slot in ranges.lazy.joined() where slot >= 0 && slot < Slot.count {
                owners[slot] = index
            }
        }
        addIdle(parts.filter(\.slots.isEmpty).map(\.node))
    }

    /// Adds masters without slots; those that the map has already are left out.
    mutating func addIdle(_ nodes: [ClusterNode]) {
        for node in nodes where self.node(node.id) == nil { idle.append(node) }
    }

    /// The master with this id, with or without slots.
    public func node(_ id: String) -> ClusterNode? {
        masters.first { $0.id == id } ?? idle.first { $0.id == id }
    }

    /// The master that has this slot, 0 to 16,383; nil where none has it.
    public func owner(ofSlot slot: Int) -> ClusterNode? {
        let index = owners[slot]
        return index == Self.none ? nil : masters[Int(index)]
    }

    /// The master that has this key.
    public func owner(ofKey key: [UInt8]) -> ClusterNode? { owner(ofSlot: Slot.of(key: key)) }

    /// The first slot of each master.
    var slotOfEachMaster: [Int] {
        masters.indices.compactMap { index in owners.firstIndex(of: UInt16(index)) }
    }

    /// How many slots no master has.
    public var unownedCount: Int { owners.count { $0 == Self.none } }

    /// Gives one slot to the master at this address, which may be a new one.
    mutating func assign(_ slot: Int, to endpoint: Endpoint) {
        let known = (masters + idle).first { $0.endpoint == endpoint }
        owners[slot] = index(of: known ?? ClusterNode(id: "?\(endpoint)", endpoint: endpoint))
    }

    private mutating func index(of node: ClusterNode) -> UInt16 {
        if let index = masters.firstIndex(of: node) { return UInt16(index) }
        idle.removeAll { $0 == node }
        masters.append(node)
        return UInt16(masters.count - 1)
    }
}
