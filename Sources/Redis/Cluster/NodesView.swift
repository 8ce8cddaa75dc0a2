/// What one node of a cluster says of all of them, by CLUSTER NODES.
public struct NodesView: Sendable {
    /// A node as that one sees it.
    public struct Node: Sendable, Hashable {
        /// Its id.
        public var id: String
        /// Its address, as it is written there: `IP:PORT@BUSPORT[,HOSTNAME]`.
        public var address: String
        /// Whether it is a master.
        public var isMaster: Bool
        /// Whether it is taken for lost, by this node or by the majority.
        public var isFailing: Bool
        /// Whether the majority takes it for lost.
        public var hasFailed = false
        /// Id of its master; nil for a master.
        public var masterID: String?
        /// The epoch of its claims: of two nodes that claim a slot the one with the larger has it.
        public var epoch: Int64 = 0
        /// The slots that it has.
        public var slots: [ClosedRange<Int>] = []

        /// Whether it is a master that is not given up: one that failed and has no slot left was
        /// replaced by a replica.
        public var isMasterInUse: Bool { isMaster && !(hasFailed && slots.isEmpty) }

        /// This node with the address that is written there; nil where that is not known.
        public var clusterNode: ClusterNode? {
            endpoint.map { ClusterNode(id: id, endpoint: $0) }
        }

        /// Where clients may reach it, by its name where it has one; nil where that is not known,
        /// as of a node that was reset.
        ///
        /// Which address clients are to use is said by CLUSTER SHARDS alone.
        public var endpoint: Endpoint? {
            // IP:PORT@BUSPORT[,HOSTNAME], where an IPv6 address has colons of its own.
            let parts = address.split(separator: ",", omittingEmptySubsequences: false)
            let place = parts[0].split(separator: "@").first ?? ""
            guard let colon = place.lastIndex(of: ":"),
                let port = Int32(place[place.index(after: colon)...]), port > 0
            else { return nil }
            let name = parts.dropFirst().first.flatMap { $0.isEmpty ? nil : $0 }
            let host = name ?? place[..<colon]
            return host.isEmpty ? nil : Endpoint(host: String(host), port: port)
        }
    }

    /// A slot that the node which was asked moves away, or takes in.
    public struct OpenSlot: Sendable, Hashable {
        /// Its number.
        public var slot: Int
        /// Whether the node takes it in; else it moves it away.
        public var isImporting: Bool
        /// Id of the node at the other end.
        public var peerID: String
    }

    /// All nodes.
    public private(set) var nodes: [Node] = []
    /// Index of the node that was asked; nil where it does not say which it is.
    public private(set) var own: Int?
    /// Slots that are open on the node that was asked; nobody else knows them.
    public private(set) var openSlots: [OpenSlot] = []

    /// Reads the answer; lines of another form are left out.
    public init(text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.count >= 8 else { continue }
            let flags = words[2].split(separator: ",")
            nodes.append(
                Node(
                    id: String(words[0]), address: String(words[1]),
                    isMaster: flags.contains("master"),
                    isFailing: flags.contains("fail") || flags.contains("fail?"),
                    hasFailed: flags.contains("fail"),
                    masterID: words[3] == "-" ? nil : String(words[3]),
                    epoch: Int64(words[6]) ?? 0,
                    slots: words.dropFirst(8).compactMap { Self.range($0) }))
            guard flags.contains("myself") else { continue }
            own = nodes.count - 1
            openSlots += words.dropFirst(8).compactMap { Self.openSlot($0) }
        }
    }

    /// Asks a node; no other answer may be pending.
    public init(_ connection: inout Connection) throws(RedisError) {
        self.init(text: try connection.command("CLUSTER", "NODES").text ?? "")
    }

    /// `SLOT` or `FIRST-LAST`; nil for an open slot.
    private static func range(_ word: Substring) -> ClosedRange<Int>? {
        let ends = word.split(separator: "-")
        guard let first = ends.first.flatMap({ Int($0) }),
            let last = ends.last.flatMap({ Int($0) }),
            ends.count <= 2, first <= last
        else { return nil }
        return first...last
    }

    /// `[SLOT->-ID]` or `[SLOT-<-ID]`; nil for a range of slots.
    private static func openSlot(_ word: Substring) -> OpenSlot? {
        guard word.hasPrefix("["), word.hasSuffix("]") else { return nil }
        let parts = word.dropFirst().dropLast().split(separator: "-", maxSplits: 2)
        guard parts.count == 3, let slot = Int(parts[0]), parts[1] == ">" || parts[1] == "<" else {
            return nil
        }
        return OpenSlot(slot: slot, isImporting: parts[1] == "<", peerID: String(parts[2]))
    }
}
