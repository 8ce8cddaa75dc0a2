internal import Ledger

/// Finds the first members of a ranking whose past days are in memory.
///
/// Only the parts that still change are read from Redis.
struct HeldRanking {
    /// The most members whose scores are looked up; where it would be more, all parts are read.
    private static let mostLookups = 8_000
    /// How many members of each part are read from the top: the second number where the first was
    /// not enough.
    private static let leaderCounts = [500, CellReader.largestStep]

    let source: RankingSource
    let base: RankingMemory.Base
    let limit: Int
    let cells: CellReader
    let deadline: ContinuousClock.Instant

    private var changing: [RankingSource.Part] {
        zip(source.parts, base.isHeld).filter { !$1 }.map(\.0)
    }

    /// The first members with their exact numbers.
    ///
    /// `isScan`: reads by `ZSCAN`, which misses no member that is there all the time; for rankings
    /// that keep changing. Reading by rank is faster, and right where nothing changes during it.
    func members(isScan: Bool) throws(CellReadError) -> [RankingTotals.Member] {
        if !isScan {
            for count in HeldRanking.leaderCounts {
                if let recent = try leaders(count) { return base.totals.top(limit, with: recent) }
            }
        }
        return base.totals.top(limit, with: try whole(isScan: isScan))
    }

    /// Those numbers of changing parts that can matter; nil where too many could.
    ///
    /// A member that is not among the first `count` of a changing part has at most the score of the
    /// last of these there. To be among the wanted members, its sum in memory plus the most that it
    /// can have in the parts must reach the sum in memory of the last wanted member. Members for
    /// which that is possible are looked up; no other can be among the wanted.
    private func leaders(_ count: Int) throws(CellReadError) -> RankingTotals? {
        let parts = changing
        let needed = base.totals.sum(atRank: limit)
        // The most that a member can have in the parts where it is not among the first ones.
        var most: Int64 = 0
        // By member: how much more than `most` it can have.
        var more: [[UInt8]: Int64] = [:]
        for part in parts {
            var found: [(name: [UInt8], score: Int64)] = []
            let read = try cells.members(
                of: part.key, from: 0, most: count, isDescending: true, deadline: deadline
            ) { found.append(([UInt8]($0), $1)) }
            let least = read == count ? max(0, found.last?.score ?? 0) : 0
            most = CellText.add(most, least)
            for (name, score) in found {
                more[name] = CellText.add(more[name] ?? 0, CellText.subtract(score, least))
            }
        }
        guard needed > most,
            let held = base.totals.remembered(from: CellText.subtract(needed, most))
        else { return nil }
        var names = Set(held)
        for (name, score) in more {
            let sum = name.withUnsafeBytes { base.totals.sum($0) }
            if CellText.add(sum, CellText.add(most, score)) >= needed { names.insert(name) }
        }
        guard names.count * parts.count <= HeldRanking.mostLookups else { return nil }
        let recent = RankingTotals()
        let list = Array(names)
        let scores = try cells.scores(of: list, in: parts.map(\.key), deadline: deadline)
        for (part, scores) in zip(parts, scores) {
            for (name, score) in zip(list, scores) {
                name.withUnsafeBytes {
                    recent.add($0, part.isFirst ? score : 0, part.isFirst ? 0 : score)
                }
            }
        }
        return recent
    }

    /// All of the changing parts.
    private func whole(isScan: Bool) throws(CellReadError) -> RankingTotals {
        let totals = RankingTotals()
        for part in changing {
            guard isScan else {
                var rank = 0
                var count = CellReader.largestStep
                while count == CellReader.largestStep {
                    count = try cells.members(
                        of: part.key, from: rank, most: count, isDescending: false,
                        deadline: deadline
                    ) { totals.add($0, part.isFirst ? $1 : 0, part.isFirst ? 0 : $1) }
                    rank += count
                }
                continue
            }
            // A scan may give a member twice, so the set's scores are stored before they are added.
            let scores = RankingTotals()
            try cells.scan(part.key, deadline: deadline) { scores.set($0, $1) }
            totals.add(firstsOf: scores, isFirst: part.isFirst)
        }
        return totals
    }
}
