import Workload

/// Reads the declarations of places.
enum PlaceText {
    /// One place, or several of which the first counts that is there.
    static func places(_ node: YAMLNode) throws(VerifyError) -> [OraclePlace] {
        guard case .list(let items) = node else { return [try place(node)] }
        var places: [OraclePlace] = []
        for item in items { places.append(try place(item)) }
        return places
    }

    private static func place(_ node: YAMLNode) throws(VerifyError) -> OraclePlace {
        if let pointer = node.text { return .pointer(pointer) }
        if let outer = node["in"]?.text {
            let list = outer == "record" ? nil : outer == "array" ? "" : outer
            if let pointer = node["at"]?.text { return .outer(list, .pointer(pointer)) }
            return .outer(list, try entry(node))
        }
        if node["list"] != nil { return try entry(node) }
        if node["record"]?.text == "true" { return .record }
        if let name = node["header"]?.text { return .header(name) }
        if let key = node["key"]?.text { return key == "true" ? .key : .keyMember(key) }
        if let constant = node["const"]?.text { return .constant(constant) }
        throw CatalogText.wrong("a place is none")
    }

    private static func entry(_ node: YAMLNode) throws(VerifyError) -> OraclePlace {
        if let list = node["list"]?.text {
            guard let key = node["key"]?.text, let value = node["value"]?.text,
                let name = node["name"]?.text
            else { throw CatalogText.wrong("a list has no key, value or name") }
            return .entry(list: list, key: key, value: value, name: name)
        }
        throw CatalogText.wrong("a list is none")
    }
}
