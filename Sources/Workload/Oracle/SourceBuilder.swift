/// Turns the places of a catalog into sources, and collects what is asked for on the way.
struct SourceBuilder {
    /// Pointer to the text that holds JSON.
    let inside: String?
    var tree = PointerTree()
    var insidePaths: [[[UInt8]]] = []
    var keyPaths: [[[UInt8]]] = []
    var lists: [OracleProgram.List] = []

    init(inside: String?) { self.inside = inside }

    /// Where to look for a place: inside a text, and then as if there were none.
    mutating func sources(_ place: OraclePlace) throws(OracleError) -> [OracleProgram.Source] {
        switch place {
        case .pointer(let pointer):
            let plain = OracleProgram.Source.slot(try tree.add(pointer))
            guard let path = pathInside(pointer) else { return [plain] }
            insidePaths.append(path)
            return [.inside(path), plain]
        case .constant(let text): return [.constant(Array(text.utf8))]
        case .header(let name): return [.header(Array(name.utf8))]
        case .key: return [.key]
        case .record: return [.record]
        case .keyMember(let pointer):
            let path = PointerTree.path(pointer)
            keyPaths.append(path)
            return [.keyMember(path)]
        case .entry(let list, let key, let value, let name):
            func add(_ place: OracleProgram.List.Place) -> OracleProgram.Source {
                let entry = OracleProgram.List(
                    place: place, key: PointerTree.path(key), value: PointerTree.path(value),
                    name: Array(name.utf8))
                lists.append(entry)
                return .entry(entry)
            }
            let plain = add(.slot(try tree.add(list)))
            guard let path = pathInside(list) else { return [plain] }
            insidePaths.append(path)
            return [add(.inside(path)), plain]
        case .first(let places, _):
            var all: [OracleProgram.Source] = []
            for place in places { all += try sources(place) }
            return all
        }
    }

    private func pathInside(_ pointer: String) -> [[UInt8]]? {
        guard let inside, pointer.hasPrefix(inside + "/") else { return nil }
        return PointerTree.path(String(pointer.dropFirst(inside.count)))
    }
}
