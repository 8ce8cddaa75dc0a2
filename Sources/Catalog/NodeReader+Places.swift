internal import Metering

/// Reads where values are.
extension NodeReader {
    /// A JSON pointer (RFC 6901) as its reference tokens.
    func pointer() throws(CatalogError) -> JSONPointer {
        try pointer(try text())
    }

    private func pointer(_ text: String) throws(CatalogError) -> JSONPointer {
        // Unicode scalars, because a slash with a combining accent is one Character.
        let scalars = text.unicodeScalars
        guard scalars.first == "/" else { throw fail("must be a JSON pointer like /data/agent") }
        var tokens: JSONPointer = []
        for token in scalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            var made = String.UnicodeScalarView()
            var rest = token.makeIterator()
            while let scalar = rest.next() {
                guard scalar == "~" else {
                    made.append(scalar)
                    continue
                }
                switch rest.next() {
                case "0": made.append("~")
                case "1": made.append("/")
                default: throw fail("~ must be followed by 0 or 1")
                }
            }
            tokens.append(String(made))
        }
        return tokens
    }

    /// The most places of one value.
    private static let mostPlaces = 8

    /// One place, or a list of places of which the first counts that is there.
    ///
    /// - Parameter isAttribute: whether a constant may be the last one.
    func places(isAttribute: Bool) throws(CatalogError) -> [Place] {
        guard isList else {
            let place = try place()
            if case .constant = place { throw fail("'const' has no other place before it") }
            if case .record = place, !isAttribute { throw fail("'record' is for the id") }
            return [place]
        }
        let items = try items()
        guard (1...Self.mostPlaces).contains(items.count) else {
            throw fail("must be 1 to \(Self.mostPlaces) places")
        }
        var places: [Place] = []
        for (index, item) in items.enumerated() {
            let place = try item.place()
            if case .constant = place {
                guard isAttribute else { throw item.fail("a field has 'default' for that") }
                guard index > 0, index == items.count - 1 else {
                    throw item.fail("'const' must be the last of several places")
                }
            }
            if case .record = place, !isAttribute { throw item.fail("'record' is for the id") }
            if places.contains(place) { throw item.fail("is there twice") }
            places.append(place)
        }
        return places
    }

    private func place() throws(CatalogError) -> Place {
        if case .scalar = node { return .pointer(try pointer()) }
        let rule =
            "must be a JSON pointer, {header: NAME}, {key: true}, {key: POINTER}, {record: true}, "
            + "{list: POINTER, key: …, value: …, name: …} or {in: …, at: POINTER}"
        guard case .mapping = node else { throw fail(rule) }
        let members = try members([
            "header", "key", "record", "list", "value", "name", "const", "in", "at",
        ])
        func member(_ name: String) -> NodeReader? { members.first { $0.key == name }?.value }
        if let outer = member("in") {
            let rest = members.filter { $0.key != "in" }
            var place: Place?
            if rest.count == 1, let at = member("at") { place = .pointer(try at.pointer()) }
            if member("list") != nil { place = .entry(try entry(rest)) }
            guard let place else { throw fail("'in' needs 'at' with one pointer, or a list") }
            switch outer.node {
            case .scalar("record", _, _): return .outer(nil, place)
            case .scalar("array", _, _): return .outer([], place)
            default: return .outer(try outer.pointer(), place)
            }
        }
        if member("list") != nil { return .entry(try entry(members)) }
        guard members.count == 1, let only = members.first?.value else { throw fail(rule) }
        switch members[0].key {
        case "header":
            let name = try only.text()
            if name.isEmpty { throw only.fail("must not be empty") }
            return .header(name)
        case "key":
            if case .scalar("true", true, _) = only.node { return .key }
            return .keyMember(try only.pointer())
        case "record":
            guard case .scalar("true", true, _) = only.node else { throw only.fail("must be true") }
            return .record
        case "const": return .constant(try only.constant())
        default: throw fail(rule)
        }
    }

    /// The members of a place that is an entry of a list.
    private func entry(
        _ members: [(key: String, value: NodeReader)]
    ) throws(CatalogError) -> Place.Entry {
        func member(_ name: String) -> NodeReader? { members.first { $0.key == name }?.value }
        guard let list = member("list"), let key = member("key"), let value = member("value"),
            let name = member("name"), members.count == 4
        else { throw fail("a list needs 'key', 'value' and 'name'") }
        return Place.Entry(
            list: try list.pointer(), key: try key.relativePointer(),
            value: try value.relativePointer(), name: try name.text())
    }

    /// A pointer from an entry on, with or without a slash before it.
    private func relativePointer() throws(CatalogError) -> JSONPointer {
        let text = try text()
        if text.isEmpty { throw fail("must not be empty") }
        return try pointer(text.hasPrefix("/") ? text : "/\(text)")
    }

    /// A text that an attribute can be.
    func constant() throws(CatalogError) -> String {
        let text = try text()
        guard (1...EventLimits.textBytes).contains(text.utf8.count) else {
            throw fail("must be a text of 1 to \(EventLimits.textBytes) bytes")
        }
        return text
    }
}
