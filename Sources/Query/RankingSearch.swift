internal import Ledger

/// Finds the first members of a large ranking without reading all of it: the threshold algorithm.
///
/// All lists are read side by side from their greatest scores downwards, and each member that
/// appears is looked up in all parts. A member that has not appeared has at most the sum of the
/// lowest scores read so far, one of each list. Once that is below the sum of the last wanted
/// member, no other member can be among the wanted. The search is quick where few members have most
/// of the sum. Where all have about the same, it would read everything, so it gives up.
struct RankingSearch {
    /// The most members that are looked up, apart from eight for each wanted member.
    static let mostMembers = 500
    private static let other = Array("__other__".utf8)

    let source: RankingSource
    let limit: Int
    let cells: CellReader
    let deadline: ContinuousClock.Instant

    /// One list and how far it has been read.
    struct List {
        let key: [UInt8]
        var rank = 0
        /// The lowest score read so far; 0 where the list has been read to its end.
        var score = Int64.max
        var isDone = false
    }

    /// The members that were found, and where each list was left.
    struct Found {
        let lists: [List]
        var members: [[UInt8]: RankingTotals.Member]
    }

    /// The first members, and perhaps others; nil where the search gave up.
    ///
    /// Exact where nothing has changed during the search. Otherwise a member may be missing that
    /// rose past the position at which a list was being read; `complete` adds it.
    func run() throws(CellReadError) -> Found? {
        let keys = source.parts.map(\.key)
        var lists = try listKeys(keys).map { List(key: $0) }
        var found: [[UInt8]: RankingTotals.Member] = [:]
        let most = RankingSearch.mostMembers + 8 * limit
        var step = max(16, min(max(64, 2 * limit), most / max(1, lists.count)))
        while true {
            var fresh: [[UInt8]] = []
            for index in lists.indices where !lists[index].isDone {
                try read(&lists[index], step, &found, &fresh)
                if found.count > most { return nil }
            }
            try lookUp(fresh, &found)
            if isFinished(lists, found) { return Found(lists: lists, members: found) }
            step = min(2 * step, CellReader.largestStep)
        }
    }

    /// Adds the members that rose while the lists were read; false where they are too many.
    ///
    /// Each list is read once more, in one read, above the score at which the search left it.
    /// Scores only grow. So a member that appears in none of these reads was at or below that score
    /// in every list when the first of them began. The sum of those scores is below the sum of the
    /// last wanted member.
    func complete(_ found: inout Found) throws(CellReadError) -> Bool {
        var fresh: Set<[UInt8]> = []
        for list in found.lists {
            guard
                let names = try cells.members(of: list.key, above: list.score, deadline: deadline)
            else { return false }
            for name in names where found.members[name] == nil { fresh.insert(name) }
            if fresh.count > RankingSearch.mostMembers { return false }
        }
        try lookUp(Array(fresh), &found.members)
        return true
    }

    private func lookUp(
        _ names: [[UInt8]], _ found: inout [[UInt8]: RankingTotals.Member]
    ) throws(CellReadError) {
        let keys = source.parts.map(\.key)
        let scores = try cells.scores(of: names, in: keys, deadline: deadline)
        for (index, name) in names.enumerated() {
            var member = RankingTotals.Member(name: name, first: 0, second: 0)
            for (part, scores) in zip(source.parts, scores) {
                if part.isFirst {
                    member.first = CellText.add(member.first, scores[index])
                } else {
                    member.second = CellText.add(member.second, scores[index])
                }
            }
            found[name] = member
        }
    }

    /// The lists whose scores bound the sums.
    ///
    /// These are the parts themselves where a month counted some members as `__other__`.
    private func listKeys(_ keys: [[UInt8]]) throws(CellReadError) -> [[UInt8]] {
        guard source.bounds != keys else { return keys }
        let others = try cells.scores(
            of: [RankingSearch.other], in: source.bounds, deadline: deadline)
        return others.contains { $0 != [0] } ? keys : source.bounds
    }

    private func read(
        _ list: inout List, _ step: Int, _ found: inout [[UInt8]: RankingTotals.Member],
        _ fresh: inout [[UInt8]]
    ) throws(CellReadError) {
        var names: [[UInt8]] = []
        var least = list.score
        let count = try cells.members(
            of: list.key, from: list.rank, most: step, isDescending: true, deadline: deadline
        ) { name, score in
            names.append([UInt8](name))
            least = min(least, score)
        }
        for name in names where found[name] == nil {
            found[name] = RankingTotals.Member(name: name, first: 0, second: 0)
            fresh.append(name)
        }
        list.rank += count
        list.isDone = count < step
        list.score = list.isDone ? 0 : least
    }

    /// Whether no member that has not appeared can be among the first ones.
    ///
    /// The bound must be lower: between equal sums, `RankingOrder` compares other things.
    private func isFinished(_ lists: [List], _ found: [[UInt8]: RankingTotals.Member]) -> Bool {
        if lists.allSatisfy(\.isDone) { return true }
        guard found.count >= limit else { return false }
        let sums = found.values.map(\.numbers.sum).sorted(by: >)
        let bound = lists.reduce(Int64(0)) { CellText.add($0, max(0, $1.score)) }
        return bound < sums[limit - 1]
    }
}
