/// The JSON pointers of a catalog as one tree, which a reader walks along with the JSON text.
struct PointerTree: Sendable {
    struct Edge: Sendable {
        let name: [UInt8]
        let node: Int
    }

    struct Node: Sendable {
        /// Indices into `edges`.
        var edges: [Int] = []
        /// Where the value is captured; −1 when only its members are asked for.
        var slot = -1
    }

    private(set) var nodes = [Node()]
    private(set) var edges: [Edge] = []
    private(set) var slotCount = 0

    /// Adds a pointer and returns its slot.
    mutating func add(_ pointer: String) throws(OracleError) -> Int {
        guard pointer.utf8.first == 0x2F else {
            throw OracleError("«\(pointer)» is no JSON pointer to a member")
        }
        var node = 0
        for name in Self.path(pointer) {
            if let known = nodes[node].edges.first(where: { edges[$0].name == name }) {
                node = edges[known].node
            } else {
                nodes.append(Node())
                edges.append(Edge(name: name, node: nodes.count - 1))
                nodes[node].edges.append(edges.count - 1)
                node = nodes.count - 1
            }
        }
        if nodes[node].slot < 0 {
            nodes[node].slot = slotCount
            slotCount += 1
        }
        return nodes[node].slot
    }

    /// The names on the way of a pointer, which may lack its first slash.
    static func path(_ pointer: String) -> [[UInt8]] {
        let rest = pointer.utf8.first == 0x2F ? pointer.utf8.dropFirst() : pointer.utf8[...]
        return rest.split(separator: 0x2F, omittingEmptySubsequences: false)
            .map { unescaped(Array($0)) }
    }

    /// The node of an array's element; −1 when it is not asked for.
    func element(_ number: Int, of node: Int) -> Int {
        let edge = nodes[node].edges.first { edges[$0].name.elementsEqual(String(number).utf8) }
        return edge.map { edges[$0].node } ?? -1
    }

    /// The node of a member of the root; −1 when it is not asked for.
    func child(named name: String) -> Int {
        let edge = nodes[0].edges.first { edges[$0].name.elementsEqual(name.utf8) }
        return edge.map { edges[$0].node } ?? -1
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
