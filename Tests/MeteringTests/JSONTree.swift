import Workload

/// A JSON object under construction; a node with a raw text is that text.
final class JSONTree {
    var raw: [UInt8]?
    var members: [(name: String, node: JSONTree)] = []
    /// The items where it is an array.
    var items: [JSONTree] = []

    /// The node at a pointer; numbers make arrays, now and then members of that name.
    func node(at pointer: ArraySlice<String>) -> JSONTree {
        guard let name = pointer.first else { return self }
        if let index = Int(name), members.isEmpty, raw == nil {
            while items.count <= index { items.append(JSONTree()) }
            return items[index].node(at: pointer.dropFirst())
        }
        if let known = members.first(where: { $0.name == name }) {
            return known.node.node(at: pointer.dropFirst())
        }
        let made = JSONTree()
        members.append((name: name, node: made))
        return made.node(at: pointer.dropFirst())
    }

    /// Doubles a member here or deeper.
    func repeatMember(_ random: inout SeededRandom) {
        guard !members.isEmpty else { return }
        let chosen = members[random.below(members.count)]
        if random.below(2) == 0, !chosen.node.members.isEmpty {
            chosen.node.repeatMember(&random)
        } else {
            members.append(chosen)
        }
    }
}
