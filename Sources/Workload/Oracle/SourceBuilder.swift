/// Turns the places of a catalog into sources, and collects what is asked for on the way.
struct SourceBuilder {
    /// Pointer to the text that holds JSON.
    let inside: String?
    var tree = PointerTree()
    var insidePaths: [[[UInt8]]] = []
    var keyPaths: [[[UInt8]]] = []
    var lists: [OracleProgram.List] = []

    /// The lists around events, and what is asked for at each level.
    private var around: [String] = []
    private(set) var outers: [OracleProgram.Outer] = []

    init(inside: String?, each: OracleEach?) {
        self.inside = inside
        guard case .arrays(let arrays)? = each else { return }
        around = arrays
        outers = arrays.map {
            OracleProgram.Outer(list: $0.isEmpty ? [] : PointerTree.path($0))
        }
    }

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
        case .outer(let list, let place): return [try outer(list, place)]
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

    private mutating func outer(
        _ list: String?, _ place: OraclePlace
    ) throws(OracleError) -> OracleProgram.Source {
        let level = list.map { list in around.firstIndex(of: list).map { $0 + 1 } } ?? 0
        guard let level, outers.indices.contains(level) else {
            throw OracleError("no event is in «\(list ?? "record")»")
        }
        switch place {
        case .pointer(let pointer):
            let path = PointerTree.path(pointer)
            outers[level].paths.append(path)
            return .outer(level: level, path: path)
        case .entry(let list, let key, let value, let name):
            let path = PointerTree.path(list)
            let entry = OracleProgram.List(
                place: .inside(path), key: PointerTree.path(key), value: PointerTree.path(value),
                name: Array(name.utf8))
            outers[level].paths.append(path)
            outers[level].lists.append(entry)
            return .outerEntry(level: level, entry)
        default: throw OracleError("what contains an event has no such place")
        }
    }

    private func pathInside(_ pointer: String) -> [[UInt8]]? {
        guard let inside, pointer.hasPrefix(inside + "/") else { return nil }
        return PointerTree.path(String(pointer.dropFirst(inside.count)))
    }
}
