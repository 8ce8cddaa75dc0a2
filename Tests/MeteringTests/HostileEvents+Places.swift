import Metering
import Workload

/// Values in the places where a catalog looks for them.
extension HostileEvents {
    /// Puts a value at one of its places, now and then another one at an earlier place.
    mutating func put(
        _ root: JSONTree, _ places: [Place], _ raw: [UInt8], _ bare: String,
        from base: [String] = []
    ) {
        let place = pick(places)
        if happens(5), place != places[0] { put(root, places[0], evil(), "", base) }
        put(root, place, raw, bare, base)
    }

    mutating func put(
        _ root: JSONTree, _ place: Place, _ raw: [UInt8], _ bare: String, _ base: [String]
    ) {
        switch place {
        case .pointer(let pointer):
            guard pointer.starts(with: base) else { return }
            set(root, Array(pointer.dropFirst(base.count)), raw)
        case .entry(let entry):
            guard entry.list.starts(with: base) else { return }
            let made = JSONTree()
            set(made, entry.key, happens(97) ? text(entry.name) : evil())
            set(made, entry.value, raw)
            if happens(3) { made.repeatMember(&random) }
            if happens(30) { made.members.reverse() }
            let list = root.node(at: Array(entry.list.dropFirst(base.count))[...])
            list.items.append(made)
            if happens(3) { list.items.append(made) }
            if happens(5) { list.items.insert(JSONTree(), at: 0) }
        case .header(let name): beside.headers.append((name, bare))
        case .key: beside.key = Array(bare.utf8)
        case .keyMember(let pointer): set(beside.keyTree, pointer, raw)
        // What contains events is filled where it is made.
        case .record, .constant, .outer: break
        }
    }

    /// What is in headers and key.
    struct Beside {
        var headers: [(name: String, value: String)] = []
        var key: [UInt8]?
        let keyTree = JSONTree()
    }

    mutating func addBeside(_ record: inout LogRecord) {
        for (name, value) in beside.headers {
            let bytes = happens(97) ? Array(value.utf8) : pick(EdgeValues.broken)
            record.headers.append((Array(name.utf8), happens(98) ? bytes : nil))
            if happens(3) { record.headers.append((Array(name.utf8), Array("twice".utf8))) }
        }
        if let key = beside.key { record.key = key }
        if !beside.keyTree.members.isEmpty {
            if happens(3) { beside.keyTree.repeatMember(&random) }
            record.key = happens(97) ? render(beside.keyTree) : evil()
        }
    }

    /// As some clients write it: the JSON of the data in a string.
    mutating func packData(of root: JSONTree) {
        let data = happens(95) ? render(root.node(at: ["data"])) : evil()
        guard let string = String(validating: data, as: UTF8.self) else { return }
        root.members.removeAll { $0.name == "data" }
        set(root, ["data"], text(string))
    }
}
