/// The JSON pointers that a catalog asks for, as one tree that is walked while reading.
struct PointerTree: Sendable {
    struct Edge: Sendable {
        let name: [UInt8]
        let node: Int
    }

    struct Node: Sendable {
        /// Indices into `edges`.
        var edges: [Int] = []
        /// Where the value is captured; −1 where only its members are asked for.
        var slot = -1
    }

    private(set) var nodes = [Node()]
    private(set) var edges: [Edge] = []
    private(set) var slotCount = 0

    /// Adds a pointer; returns its slot and the edges on its way.
    mutating func add(_ pointer: String) throws(OracleError) -> (slot: Int, path: [Int]) {
        let (node, path) = try walk(pointer)
        if nodes[node].slot < 0 {
            nodes[node].slot = slotCount
            slotCount += 1
        }
        return (nodes[node].slot, path)
    }

    /// The node of a pointer, made where it is missing, and the edges on its way.
    mutating func walk(_ pointer: String) throws(OracleError) -> (node: Int, path: [Int]) {
        guard pointer.utf8.first == 0x2F else {
            throw OracleError("«\(pointer)» is no JSON pointer to a member")
        }
        var node = 0
        var path: [Int] = []
        let parts = pointer.utf8.dropFirst().split(
            separator: 0x2F, omittingEmptySubsequences: false)
        for part in parts {
            let name = Self.unescaped(Array(part))
            if let known = nodes[node].edges.first(where: { edges[$0].name == name }) {
                path.append(known)
                node = edges[known].node
            } else {
                nodes.append(Node())
                edges.append(Edge(name: name, node: nodes.count - 1))
                nodes[node].edges.append(edges.count - 1)
                path.append(edges.count - 1)
                node = nodes.count - 1
            }
        }
        return (node, path)
    }

    private static func unescaped(_ part: [UInt8]) -> [UInt8] {
        var name: [UInt8] = []
        var place = 0
        while place < part.count {
            if part[place] == 0x7E, place + 1 < part.count,
                part[place + 1] == 0x30 || part[place + 1] == 0x31
            {
                name.append(part[place + 1] == 0x30 ? 0x7E : 0x2F)
                place += 2
            } else {
                name.append(part[place])
                place += 1
            }
        }
        return name
    }
}
