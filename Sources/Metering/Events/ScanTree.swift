import CEventScan

/// The members that a catalog asks for, as the tree that the scanner walks.
struct ScanTree {
    private struct Node {
        var name: String
        var slot: Int32 = -1
        var fanOut: Int32 = -1
        var children: [Int] = []
    }
    private var nodes = [Node(name: "")]
    private(set) var slotCount: Int32 = 0
    private(set) var fanOutCount: Int32 = 0

    private mutating func node(at pointer: JSONPointer) -> Int {
        var current = 0
        for token in pointer {
            if let child = nodes[current].children.first(where: {
                Array(nodes[$0].name.utf8) == Array(token.utf8)
            }) {
                current = child
            } else {
                nodes.append(Node(name: token))
                nodes[current].children.append(nodes.count - 1)
                current = nodes.count - 1
            }
        }
        return current
    }

    /// Slot of the value at a pointer, a new one if it has none.
    mutating func slot(at pointer: JSONPointer) -> Int32 {
        let node = node(at: pointer)
        if nodes[node].slot < 0 {
            nodes[node].slot = slotCount
            slotCount += 1
        }
        return nodes[node].slot
    }

    /// Fan-out of the list at a pointer, a new one if it has none.
    mutating func fanOut(at pointer: JSONPointer) -> Int32 {
        let node = node(at: pointer)
        if nodes[node].fanOut < 0 {
            nodes[node].fanOut = fanOutCount
            fanOutCount += 1
        }
        return nodes[node].fanOut
    }

    /// A scanner for the tree, and the node of the member `data` (or -1).
    ///
    /// The caller destroys the scanner.
    func makeScanner() -> (scanner: OpaquePointer?, dataNode: Int32) {
        // Breadth first, so that the children of a node are next to each other.
        var order = [0]
        var next = 0
        while next < order.count {
            order += nodes[order[next]].children
            next += 1
        }
        var positions = [Int](repeating: 0, count: nodes.count)
        for (index, node) in order.enumerated() { positions[node] = index }
        let names = order.map { Array(nodes[$0].name.utf8) }
        let arena = UnsafeMutablePointer<CChar>.allocate(
            capacity: max(1, names.reduce(0) { $0 + $1.count }))
        defer { arena.deallocate() }
        var flat: [es_node] = []
        var used = 0
        for (index, node) in order.enumerated() {
            let start = arena + used
            for byte in names[index] {
                arena[used] = CChar(bitPattern: byte)
                used += 1
            }
            flat.append(
                es_node(
                    name: start, name_length: UInt32(names[index].count), slot: nodes[node].slot,
                    fan_out: nodes[node].fanOut,
                    first_child: UInt32(nodes[node].children.first.map { positions[$0] } ?? 0),
                    child_count: UInt32(nodes[node].children.count)))
        }
        let scanner = es_create(flat, UInt32(flat.count), UInt32(slotCount), UInt32(fanOutCount))
        let data = nodes[0].children.first { nodes[$0].name == "data" }
        return (scanner, data.map { Int32(positions[$0]) } ?? -1)
    }
}
