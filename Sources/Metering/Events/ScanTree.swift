import CEventScan

/// The members that a catalog asks for, as the tree that the scanner walks.
struct ScanTree {
    private struct Node {
        var name: String
        var slot: Int32 = -1
        var fanOut: Int32 = -1
        var list: Int32 = -1
        /// Whether the texts of an array's elements are kept.
        var hasParts = false
        var children: [Int] = []
    }
    private struct List {
        /// The root of the tree of an entry.
        var root: Int
        var finds: [Find] = []
    }
    private struct Find {
        var name: String
        var key: Int32
        var from: Int32
        var to: Int32
    }
    private var nodes = [Node(name: "")]
    private var lists: [List] = []
    private(set) var slotCount: Int32 = 0
    private(set) var fanOutCount: Int32 = 0

    private mutating func node(at pointer: JSONPointer, from root: Int = 0) -> Int {
        var current = root
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

    private mutating func newSlot() -> Int32 {
        slotCount += 1
        return slotCount - 1
    }

    private mutating func slot(ofNode node: Int) -> Int32 {
        if nodes[node].slot < 0 { nodes[node].slot = newSlot() }
        return nodes[node].slot
    }

    /// Slot of the value at a pointer, a new one if it has none.
    mutating func slot(at pointer: JSONPointer) -> Int32 { slot(ofNode: node(at: pointer)) }

    /// Slot of what the entry with a name has, a new one if it has none.
    mutating func slot(of entry: Place.Entry) -> Int32 {
        let node = node(at: entry.list)
        if nodes[node].list < 0 {
            nodes[node].list = Int32(lists.count)
            nodes.append(Node(name: ""))
            lists.append(List(root: nodes.count - 1))
        }
        let list = Int(nodes[node].list)
        let root = lists[list].root
        let key = slot(ofNode: self.node(at: entry.key, from: root))
        let from = slot(ofNode: self.node(at: entry.value, from: root))
        let name = Array(entry.name.utf8)
        if let known = lists[list].finds.first(where: {
            Array($0.name.utf8) == name && $0.key == key && $0.from == from
        }) {
            return known.to
        }
        let to = newSlot()
        lists[list].finds.append(Find(name: entry.name, key: key, from: from, to: to))
        return to
    }

    /// Slot of the array at a pointer whose elements are kept as texts; one for each tree.
    mutating func parts(at pointer: JSONPointer) -> Int32 {
        let node = node(at: pointer)
        nodes[node].hasParts = true
        return slot(ofNode: node)
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

    /// A list whose entries are asked for in two ways that exclude each other, as text; nil: none.
    var conflict: String? {
        func conflict(_ node: Int, _ path: String) -> String? {
            let isIndexed = nodes[node].children.contains { Self.isIndex(nodes[$0].name) }
            if nodes[node].list >= 0, nodes[node].fanOut >= 0 || isIndexed {
                return "the entries of '\(path)' are asked for by their key and "
                    + (isIndexed ? "by their index" : "by 'each'")
            }
            if nodes[node].hasParts, nodes[node].list >= 0 || !nodes[node].children.isEmpty {
                return "the entries of '\(path)' are events, and also asked for in another way"
            }
            for child in nodes[node].children {
                if let found = conflict(child, "\(path)/\(nodes[child].name)") { return found }
            }
            return nil
        }
        return conflict(0, "")
    }

    /// Whether the scanner takes a name for an index, too.
    private static func isIndex(_ name: String) -> Bool {
        (1...9).contains(name.utf8.count)
            && name.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            && (name.utf8.count == 1 || name.utf8.first != UInt8(ascii: "0"))
    }

    /// The nodes below a root, breadth first: so the children of a node are next to each other.
    private func breadthFirst(from root: Int) -> [Int] {
        var order = [root]
        var next = 0
        while next < order.count {
            order += nodes[order[next]].children
            next += 1
        }
        return order
    }

    /// The pointers of the nodes in the scanner's order, those inside of lists' entries left out.
    var pointers: [String] {
        var texts = [Int: String]()
        for node in breadthFirst(from: 0) {
            for child in nodes[node].children {
                texts[child] = "\(texts[node] ?? "")/\(nodes[child].name)"
            }
        }
        return breadthFirst(from: 0).map { texts[$0] ?? "" }
    }

    /// A scanner for the tree, and the node of the member `data` (or -1).
    ///
    /// The caller destroys the scanner.
    func makeScanner() -> (scanner: OpaquePointer?, dataNode: Int32) {
        let orders = [breadthFirst(from: 0)] + lists.map { breadthFirst(from: $0.root) }
        let order = orders.flatMap { $0 }
        var positions = [Int](repeating: 0, count: nodes.count)
        for (index, node) in order.enumerated() { positions[node] = index }
        let names = NameArena(order.map { nodes[$0].name } + lists.flatMap { $0.finds.map(\.name) })
        let flat = order.enumerated().map { index, node in
            es_node(
                name: names[index].start, name_length: names[index].count,
                slot: nodes[node].slot, fan_out: nodes[node].fanOut,
                first_child: UInt32(nodes[node].children.first.map { positions[$0] } ?? 0),
                child_count: UInt32(nodes[node].children.count),
                list: nodes[node].hasParts ? ES_PARTS : nodes[node].list)
        }
        var finds: [es_find] = []
        var flatLists: [es_list] = []
        for (list, nodes) in zip(lists, orders.dropFirst()) {
            flatLists.append(
                es_list(
                    root: UInt32(positions[list.root]), node_count: UInt32(nodes.count),
                    first_find: UInt32(finds.count), find_count: UInt32(list.finds.count)))
            for find in list.finds {
                let name = names[order.count + finds.count]
                finds.append(
                    es_find(
                        name: name.start, name_length: name.count, key: find.key, from: find.from,
                        to: find.to))
            }
        }
        let scanner = withExtendedLifetime(names) { make(flat, flatLists, finds) }
        let data = nodes[0].children.first { nodes[$0].name == "data" }
        return (scanner, data.map { Int32(positions[$0]) } ?? -1)
    }
}

extension ScanTree {
    private func make(
        _ nodes: [es_node], _ lists: [es_list], _ finds: [es_find]
    ) -> OpaquePointer? {
        nodes.withUnsafeBufferPointer { nodes in
            lists.withUnsafeBufferPointer { lists in
                finds.withUnsafeBufferPointer { finds in
                    var tree = es_tree(
                        nodes: nodes.baseAddress, lists: lists.baseAddress,
                        finds: finds.baseAddress, node_count: UInt32(nodes.count),
                        list_count: UInt32(lists.count), find_count: UInt32(finds.count),
                        slot_count: UInt32(slotCount), fan_out_count: UInt32(fanOutCount))
                    return es_create(&tree)
                }
            }
        }
    }
}

/// Names one after the other in memory of their own, for the time in which they are copied.
private final class NameArena {
    private let memory: UnsafeMutablePointer<CChar>
    private var ends: [Int] = []

    init(_ names: [String]) {
        let bytes = names.flatMap { Array($0.utf8) }
        memory = .allocate(capacity: max(1, bytes.count))
        for (index, byte) in bytes.enumerated() { memory[index] = CChar(bitPattern: byte) }
        var end = 0
        for name in names {
            end += name.utf8.count
            ends.append(end)
        }
    }

    deinit { memory.deallocate() }

    subscript(index: Int) -> (start: UnsafePointer<CChar>, count: UInt32) {
        let start = index == 0 ? 0 : ends[index - 1]
        return (UnsafePointer(memory + start), UInt32(ends[index] - start))
    }
}
