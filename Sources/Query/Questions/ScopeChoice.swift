internal import Metering

/// Which of a meter's sets of cells answer a question, and where its dimensions are in them.
struct ScopeChoice {
    /// One set of cells: the values that are part of its keys' names.
    struct Part {
        let scope: CellScope
        /// The values of the asked dimensions that are in the key; nil: in the member.
        let values: [[UInt8]?]
    }
    /// A condition for one value of the members.
    struct MemberFilter {
        let position: Int
        let allowed: Set<[UInt8]>?
        let excluded: Set<[UInt8]>
        let tests: [TextTest]

        func admits(_ value: [UInt8]) -> Bool {
            (allowed?.contains(value) ?? true) && !excluded.contains(value)
                && tests.allSatisfy { $0.admits(value) }
        }
    }

    /// Sets of cells to read.
    let parts: [Part]
    /// For each asked dimension its place in the members; nil: it is in the keys.
    let positions: [Int?]
    let filters: [MemberFilter]
    /// Whether members are told apart at all.
    var readsMembers: Bool { !filters.isEmpty || positions.contains { $0 != nil } }

    /// The most sets of cells for one question.
    static let mostParts = 1_000

    /// The cheapest choice: the fewest sets, among those the smallest.
    init(_ meter: MeterDeclaration, _ ask: MeterAsk) throws(QuestionError) {
        let filtered = Filters(ask.filters)
        let known = Set(meter.scopes.joined()).union(meter.by)
        let asked = ask.by + filtered.names.filter { !ask.by.contains($0) }
        for name in asked where !known.contains(name) {
            let list =
                known.isEmpty ? "it has none" : "they are \(known.sorted().joined(separator: ", "))"
            throw QuestionError(
                "\(meter.name) has no dimension \(name) (\(list)): add it to the meter's by or per "
                    + "in the catalog")
        }
        guard Set(ask.by).count == ask.by.count else {
            throw QuestionError("by names a dimension twice")
        }
        var best: (scope: [String], count: Int)?
        for scope in meter.scopes {
            let covers = asked.allSatisfy { scope.contains($0) || meter.by.contains($0) }
            guard covers, let count = filtered.count(scope) else { continue }
            let isBetter = best.map { best in
                count < best.count || count == best.count && scope.count > best.scope.count
            }
            if isBetter ?? true { best = (scope, count) }
        }
        guard let best else { throw ScopeChoice.refusal(meter, asked, filtered) }
        guard best.count <= ScopeChoice.mostParts else {
            throw QuestionError(
                "the filters choose \(best.count) sets of cells of \(meter.name); at most "
                    + "\(ScopeChoice.mostParts) are read")
        }
        positions = ask.by.map { name in
            best.scope.contains(name) ? nil : meter.by.firstIndex(of: name)
        }
        parts = filtered.tuples(best.scope).map { values in
            Part(
                scope: CellScope(zip(best.scope, values).map { (name: $0, value: $1) }),
                values: ask.by.map { name in
                    best.scope.firstIndex(of: name).map { values[$0] }
                })
        }
        filters = filtered.names.compactMap { name in
            guard !best.scope.contains(name), let position = meter.by.firstIndex(of: name) else {
                return nil
            }
            return MemberFilter(
                position: position, allowed: filtered.allowed(name).map { Set($0) },
                excluded: filtered.excluded(name), tests: filtered.tests(name))
        }
    }

    private static func refusal(
        _ meter: MeterDeclaration, _ asked: [String], _ filters: Filters
    ) -> QuestionError {
        let covering = meter.scopes.filter { scope in
            asked.allSatisfy { scope.contains($0) || meter.by.contains($0) }
        }
        let sets = meter.scopes.map {
            $0.isEmpty ? "the organization" : $0.joined(separator: " and ")
        }
        let kept = "\(meter.name) keeps cells per \(sets.joined(separator: "; per "))"
        guard let nearest = covering.min(by: { $0.count < $1.count }) else {
            let names = asked.joined(separator: " and ")
            return QuestionError(
                "\(kept)\(meter.by.isEmpty ? "" : ", by \(meter.by.joined(separator: ", "))"), none "
                    + "of them with \(names): add [\(asked.joined(separator: ", "))] to the "
                    + "meter's per in the catalog")
        }
        let missing = nearest.filter { filters.allowed($0) == nil }
        return QuestionError(
            "\(kept): give a filter with the values of \(missing.joined(separator: " and ")), "
                + "or add it to the meter's by in the catalog")
    }
}

/// The filters of a question by dimension.
private struct Filters {
    /// The dimensions, each once, in the order of the question.
    let names: [String]
    private var chosen: [String: [[UInt8]]] = [:]
    private var left: [String: Set<[UInt8]>] = [:]
    private var tested: [String: [TextTest]] = [:]

    init(_ filters: [DimensionFilter]) {
        var names: [String] = []
        for filter in filters {
            if !names.contains(filter.dimension) { names.append(filter.dimension) }
            if let test = filter.test {
                tested[filter.dimension, default: []].append(test)
                continue
            }
            if filter.isExcluding {
                left[filter.dimension, default: []].formUnion(filter.values)
                continue
            }
            // Each value once, in the order given.
            var seen: Set<[UInt8]> = []
            let values = filter.values.filter { seen.insert($0).inserted }
            let before = chosen[filter.dimension]
            chosen[filter.dimension] = before?.filter { seen.contains($0) } ?? values
        }
        self.names = names
    }

    /// The values that are chosen; nil where only some are left out.
    func allowed(_ name: String) -> [[UInt8]]? {
        let out = excluded(name)
        let tests = tests(name)
        return chosen[name].map { values in
            values.filter { value in
                !out.contains(value) && tests.allSatisfy { $0.admits(value) }
            }
        }
    }

    func tests(_ name: String) -> [TextTest] { tested[name] ?? [] }

    func excluded(_ name: String) -> Set<[UInt8]> { left[name] ?? [] }

    /// How many sets of cells a scope has for these filters; nil where one of its dimensions is
    /// open.
    func count(_ scope: [String]) -> Int? {
        var count = 1
        for name in scope {
            guard let values = allowed(name) else { return nil }
            count = min(count * values.count, 1_000_000)
        }
        return count
    }

    /// Every combination of values.
    func tuples(_ scope: [String]) -> [[[UInt8]]] {
        scope.reduce([[]]) { tuples, name in
            let values = allowed(name) ?? []
            return tuples.flatMap { tuple in values.map { tuple + [$0] } }
        }
    }
}
