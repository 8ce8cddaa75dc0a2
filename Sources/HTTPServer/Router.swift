/// A method and a path pattern, with the id that `Router` returns for them.
public struct Route: Equatable, Sendable {
    /// The method; GET answers HEAD too.
    public let method: Method
    /// The path; `{name}` matches one segment that is not empty.
    public let pattern: String
    /// What `Router.match` returns.
    public let id: Int

    /// Makes a route from its parts.
    public init(_ method: Method, _ pattern: String, id: Int) {
        self.method = method
        self.pattern = pattern
        self.id = id
    }
}

/// The decoded values of a pattern's named segments.
public struct PathParameters: Equatable, Sendable {
    let names: [String]
    let values: [[UInt8]]

    /// The value of a named segment; nil where the pattern has no such name.
    public subscript(_ name: String) -> [UInt8]? {
        names.firstIndex(of: name).map { values[$0] }
    }
}

/// Finds the route of a path, with a tree of segments that is built once and then only read.
///
/// The path is split at `/` before its escapes are decoded, so `%2F` never separates segments. A
/// literal segment is tried before a named one; where the rest of the path then matches no route,
/// the named one is tried. `.` and `..`, empty segments and a trailing slash have no special
/// meaning.
public struct Router: Sendable {
    /// The outcome of a look-up.
    public enum Match: Equatable, Sendable {
        /// This route.
        case found(id: Int, parameters: PathParameters)
        /// No route has this path; the answer is 404.
        case notFound
        /// The path has routes for these methods only; the answer is 405.
        case methodNotAllowed(allow: String)
    }

    private struct Edge: Sendable {
        var label: [UInt8]
        var child: Int
    }

    private struct Node: Sendable {
        var edges: Range<Int> = 0..<0
        var namedChild: Int?
        var endpoint: Int?
    }

    private struct Entry: Sendable {
        var id: Int
        var names: [String]
    }

    private struct Endpoint: Sendable {
        var entries: [Entry?]
        var allow = ""
    }

    /// Paths with more segments match no route.
    static let maximumSegments = 32

    /// Endpoints of the patterns without named segments, where most requests are found at once.
    private var literals: [[UInt8]: Int] = [:]
    private var nodes: [Node] = []
    private var edges: [Edge] = []
    private var endpoints: [Endpoint] = []

    /// Builds the tree; throws for a malformed pattern and for two routes that cannot be told
    /// apart.
    public init(_ routes: [Route]) throws(HTTPError) {
        var building = [BuildingNode()]
        for route in routes { try insert(route, into: &building) }
        nodes = building.map { node in
            let start = edges.count
            edges += node.literals
            return Node(
                edges: start..<edges.count, namedChild: node.named, endpoint: node.endpoint)
        }
        for index in endpoints.indices {
            endpoints[index].allow = Method.allCases.filter { entry($0, endpoints[index]) != nil }
                .map(\.name).joined(separator: ", ")
        }
    }

    /// Finds the route of a method and a raw (not decoded) path.
    public func match(_ method: Method, _ rawPath: [UInt8]) -> Match {
        if let found = literals[rawPath] {
            return match(method, endpoints[found], [])
        }
        let slash = UInt8(ascii: "/")
        guard rawPath.first == slash else { return .notFound }
        let segments = rawPath.dropFirst().split(
            separator: slash, maxSplits: Router.maximumSegments, omittingEmptySubsequences: false)
        guard segments.count <= Router.maximumSegments else { return .notFound }
        var values: [[UInt8]] = []
        guard let found = walk(0, segments[...], &values) else { return .notFound }
        return match(method, endpoints[found], values)
    }

    private func match(_ method: Method, _ endpoint: Endpoint, _ values: [[UInt8]]) -> Match {
        guard let entry = entry(method, endpoint) else {
            return .methodNotAllowed(allow: endpoint.allow)
        }
        return .found(id: entry.id, parameters: PathParameters(names: entry.names, values: values))
    }

    // The depth is bounded by the longest pattern.
    private func walk(
        _ index: Int, _ segments: ArraySlice<ArraySlice<UInt8>>, _ values: inout [[UInt8]]
    ) -> Int? {
        let node = nodes[index]
        guard let raw = segments.first else { return node.endpoint }
        guard let segment = try? percentDecoded(raw, plusIsSpace: false) else { return nil }
        for edge in edges[node.edges] where edge.label == segment {
            if let found = walk(edge.child, segments.dropFirst(), &values) { return found }
        }
        guard let child = node.namedChild, !segment.isEmpty else { return nil }
        values.append(segment)
        if let found = walk(child, segments.dropFirst(), &values) { return found }
        values.removeLast()
        return nil
    }

    private func entry(_ method: Method, _ endpoint: Endpoint) -> Entry? {
        let own = endpoint.entries[Int(method.rawValue)]
        return method == .head ? own ?? endpoint.entries[Int(Method.get.rawValue)] : own
    }

    // MARK: Building

    private struct BuildingNode {
        var literals: [Edge] = []
        var named: Int?
        var endpoint: Int?
    }

    private mutating func insert(
        _ route: Route, into building: inout [BuildingNode]
    ) throws(HTTPError) {
        var names: [String] = []
        var index = 0
        for segment in try Router.segments(of: route) {
            let next: Int
            switch segment {
            case .literal(let label):
                if let edge = building[index].literals.first(where: { $0.label == label }) {
                    next = edge.child
                } else {
                    next = building.count
                    building[index].literals.append(Edge(label: label, child: next))
                    building.append(BuildingNode())
                }
            case .named(let name):
                names.append(name)
                if let child = building[index].named {
                    next = child
                } else {
                    next = building.count
                    building[index].named = next
                    building.append(BuildingNode())
                }
            }
            index = next
        }
        let end = building[index].endpoint ?? endpoints.count
        if end == endpoints.count {
            endpoints.append(Endpoint(entries: Array(repeating: nil, count: Method.allCases.count)))
            building[index].endpoint = end
        }
        guard endpoints[end].entries[Int(route.method.rawValue)] == nil else {
            throw HTTPError(
                .configuration, "route \(route.method.name) \(route.pattern) is there twice")
        }
        endpoints[end].entries[Int(route.method.rawValue)] = Entry(id: route.id, names: names)
        // `literals` has raw paths. A % in a pattern is a plain character, in a raw path it is an
        // escape, so such a pattern is found by the tree only.
        if names.isEmpty, !route.pattern.utf8.contains(UInt8(ascii: "%")) {
            literals[Array(route.pattern.utf8)] = end
        }
    }

    private enum Segment {
        case literal([UInt8])
        case named(String)
    }

    private static func segments(of route: Route) throws(HTTPError) -> [Segment] {
        func fail(_ reason: String) -> HTTPError {
            HTTPError(.configuration, "route \(route.pattern): \(reason)")
        }
        guard route.method != .other else { throw fail("has no method") }
        guard route.pattern.utf8.first == UInt8(ascii: "/") else { throw fail("must begin with /") }
        let parts = route.pattern.utf8.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= maximumSegments else { throw fail("has too many segments") }
        if parts.count == 1, parts[0].isEmpty { return [.literal([])] }
        var names: [String] = []
        var segments: [Segment] = []
        for part in parts {
            guard !part.isEmpty else { throw fail("has an empty segment") }
            let isNamed = part.first == UInt8(ascii: "{") && part.last == UInt8(ascii: "}")
            let inside = isNamed ? part.dropFirst().dropLast() : part
            guard !inside.isEmpty,
                inside.allSatisfy({ $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "}") })
            else { throw fail("has a broken segment '\(part)'") }
            guard isNamed else {
                segments.append(.literal(Array(inside)))
                continue
            }
            let name = String(decoding: inside, as: UTF8.self)
            guard !names.contains(name) else { throw fail("names {\(name)} twice") }
            names.append(name)
            segments.append(.named(name))
        }
        return segments
    }
}
