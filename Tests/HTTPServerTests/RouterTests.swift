import HTTPServer
import Testing

@Suite struct RouterTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func router(_ routes: (Method, String)...) throws -> Router {
        try Router(routes.enumerated().map { Route($1.0, $1.1, id: $0) })
    }

    private func id(_ match: Router.Match) -> Int? {
        guard case .found(let id, _) = match else { return nil }
        return id
    }

    @Test func literalsWinNamesCatchTheRestAndTheSearchGoesBack() throws {
        let router = try router(
            (.get, "/"), (.get, "/a/b/d"), (.get, "/a/{x}/c"), (.get, "/{y}"),
            (.get, "/{y}/{z}/{w}"))
        #expect(id(router.match(.get, bytes("/"))) == 0)
        #expect(id(router.match(.get, bytes("/a/b/d"))) == 1)
        #expect(id(router.match(.get, bytes("/a/b/c"))) == 2)
        #expect(id(router.match(.get, bytes("/a"))) == 3)
        #expect(id(router.match(.get, bytes("/a/b/e"))) == 4)
        guard case .found(_, let parameters) = router.match(.get, bytes("/a/b/e")) else { return }
        #expect(parameters["y"] == bytes("a"))
        #expect(parameters["z"] == bytes("b"))
        #expect(parameters["w"] == bytes("e"))
        #expect(parameters["x"] == nil)
        for path in ["", "a", "//", "/a/", "/a//c", "/a/b", "/a/b/c/", "/a/b/c/d"] {
            #expect(router.match(.get, bytes(path)) == .notFound, "\(path)")
        }
    }

    @Test func segmentsAreDecodedAfterThePathIsSplit() throws {
        let router = try router((.get, "/a b/{x}"), (.get, "/a b/{x}/c"))
        guard case .found(let id, let parameters) = router.match(.get, bytes("/a%20b/x%2Fc")) else {
            Issue.record("no match")
            return
        }
        #expect(id == 0)
        #expect(parameters["x"] == bytes("x/c"))
        #expect(router.match(.get, bytes("/a+b/x")) == .notFound)
        #expect(router.match(.get, bytes("/a%20b/%")) == .notFound)
        #expect(router.match(.get, bytes("/a%20b/..%2F..")) != .notFound)
    }

    @Test func theWrongMethodNamesTheRightOnes() throws {
        let router = try router((.get, "/a"), (.post, "/a"), (.delete, "/{x}"), (.put, "/b"))
        #expect(router.match(.put, bytes("/a")) == .methodNotAllowed(allow: "GET, HEAD, POST"))
        #expect(router.match(.options, bytes("/a")) == .methodNotAllowed(allow: "GET, HEAD, POST"))
        #expect(router.match(.other, bytes("/c")) == .methodNotAllowed(allow: "DELETE"))
        #expect(router.match(.head, bytes("/b")) == .methodNotAllowed(allow: "PUT"))
        #expect(id(router.match(.head, bytes("/a"))) == 0)
        #expect(id(router.match(.delete, bytes("/c"))) == 2)
    }

    @Test(arguments: [
        ["a"], [""], ["/a/"], ["/a//b"], ["/{}"], ["/{a"], ["/a}"], ["/x{a}"], ["/{a}/{a}"],
        ["/a", "/a"], ["/{a}", "/{b}"], [String(repeating: "/a", count: 33)],
    ]) func brokenPatternsAreRefused(patterns: [String]) {
        let error = #expect(throws: HTTPError.self) {
            try Router(patterns.map { Route(.get, $0, id: 0) })
        }
        #expect(error?.code == .configuration)
    }

    /// Every set of at most three routes over a small alphabet, against every path.
    @Test func theTreeAgreesWithAPlainSearch() throws {
        let parts = ["a", "b", "{x}", "{y}"]
        var patterns = parts.map { "/\($0)" }
        for first in parts {
            for second in parts where first != second || first.count == 1 {
                patterns.append("/\(first)/\(second)")
            }
        }
        let words = ["a", "b", "c", ""]
        var paths = words.map { "/\($0)" }
        for first in words { for second in words { paths.append("/\(first)/\(second)") } }
        var count = 0
        for first in patterns.indices {
            for second in first..<patterns.count {
                for third in second..<patterns.count {
                    let chosen = Set([first, second, third]).sorted().map { patterns[$0] }
                    let shapes = chosen.map { $0.replacing("{y}", with: "{x}") }
                    let routes = chosen.enumerated().map { Route(.get, $1, id: $0) }
                    guard Set(shapes).count == shapes.count else {
                        #expect(throws: HTTPError.self) { try Router(routes) }
                        continue
                    }
                    let router = try Router(routes)
                    for path in paths {
                        count += 1
                        let found = id(router.match(.get, Array(path.utf8)))
                        if found != reference(routes, path) {
                            Issue.record("\(chosen) \(path): \(String(describing: found))")
                        }
                    }
                }
            }
        }
        #expect(count > 10_000)
    }

    /// The matching route with the most literals, counted from the left.
    private func reference(_ routes: [Route], _ path: String) -> Int? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let matching = routes.compactMap { route -> (shape: String, id: Int)? in
            let parts = route.pattern.split(separator: "/")
            guard parts.count == segments.count else { return nil }
            var shape = ""
            for (part, segment) in zip(parts, segments) {
                let isNamed = part.hasPrefix("{")
                guard isNamed ? !segment.isEmpty : part == segment else { return nil }
                shape += isNamed ? "1" : "0"
            }
            return (shape, route.id)
        }
        return matching.min { $0.shape < $1.shape }?.id
    }
}
