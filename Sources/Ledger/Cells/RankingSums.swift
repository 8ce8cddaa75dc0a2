import Redis

/// Scores by member, added up over several sorted sets as integers.
struct RankingSums {
    private var sums: [[UInt8]: Int64] = [:]

    /// Adds what a sorted set holds: members and scores in turn.
    mutating func add(_ ranking: ReplyView) {
        for index in stride(from: 0, to: ranking.count - 1, by: 2) {
            if let name = ranking[index].bytes, let score = ranking[index + 1].bytes {
                add([UInt8](name), CellSnapshot.score(score))
            }
        }
    }

    mutating func add(_ members: [[UInt8]: [UInt8]]) {
        for (name, score) in members {
            add(name, score.withUnsafeBytes { CellSnapshot.score($0) })
        }
    }

    private mutating func add(_ name: [UInt8], _ score: Int64) {
        let (sum, overflows) = sums[name, default: 0].addingReportingOverflow(score)
        sums[name] = overflows ? (score < 0 ? .min : .max) : sum
    }

    /// The sums as Redis would write them.
    var pairs: PairMemory { PairMemory(sums.mapValues { Array(String($0).utf8) }) }
}
