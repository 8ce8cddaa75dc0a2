import Redis

/// Single steps in large rankings; each holds Redis for at most 5 ms.
///
/// They say nothing about the shard's marks: a caller reads something about the same organization
/// by `read` before and after.
extension CellReader {
    /// Members that one step reads at most.
    public static let largestStep = 4_000

    /// Members of a sorted set by rank, from `rank` on, at most `most`; returns how many there
    /// were.
    public func members(
        of key: [UInt8], from rank: Int, most: Int, isDescending: Bool,
        deadline: ContinuousClock.Instant,
        _ body: (_ member: UnsafeRawBufferPointer, _ score: Int64) -> Void
    ) throws(CellReadError) -> Int {
        let ranks = Int64(rank)...Int64(rank + min(most, CellReader.largestStep) - 1)
        let replies = try step(deadline) {
            $0.add(ranks: ranks, of: key, isDescending: isDescending)
        }
        return replies[0].with { view in
            for index in stride(from: 0, to: view.count - 1, by: 2) {
                if let member = view[index].bytes, let score = view[index + 1].bytes {
                    body(member, CellSnapshot.score(score))
                }
            }
            return view.count / 2
        }
    }

    /// All members of a sorted set above a score, of one moment; nil where it has more than
    /// `largestStep`.
    public func members(
        of key: [UInt8], above score: Int64, deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> [[UInt8]]? {
        let most = CellReader.largestStep
        let replies = try step(deadline) {
            $0.add(above: score, in: key, most: Int64(most) + 1)
        }
        return replies[0].with { view in
            guard view.count / 2 <= most else { return nil }
            return stride(from: 0, to: view.count - 1, by: 2).map {
                view[$0].bytes.map { [UInt8]($0) } ?? []
            }
        }
    }

    /// All members of a sorted set that are there during the whole scan, some of them perhaps
    /// twice.
    public func scan(
        _ key: [UInt8], deadline: ContinuousClock.Instant,
        _ body: (_ member: UnsafeRawBufferPointer, _ score: Int64) -> Void
    ) throws(CellReadError) {
        var cursor = Array("0".utf8)
        repeat {
            let last = cursor
            let replies = try step(deadline) { $0.add(scan: "ZSCAN", key, cursor: last) }
            cursor = try CellReadRun.page(replies[0]) { body($0, CellSnapshot.score($1)) }
        } while !cursor.elementsEqual("0".utf8)
    }

    /// The score of each of these members in each of these sorted sets, a list for each set; 0
    /// where absent.
    public func scores(
        of members: [[UInt8]], in keys: [[UInt8]], deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> [[Int64]] {
        var scores = keys.map { _ in [Int64]() }
        guard !keys.isEmpty else { return scores }
        let most = max(1, Int(ReadCost.budget / (ReadCost.lookup * Double(keys.count))))
        for start in stride(from: 0, to: members.count, by: most) {
            let some = members[start..<min(start + most, members.count)]
            let replies = try step(deadline) { commands in
                for key in keys { commands.add(scoresOf: some, in: key) }
            }
            for (keyIndex, reply) in replies.enumerated() {
                reply.with { view in
                    for index in 0..<view.count {
                        scores[keyIndex].append(
                            view[index].bytes.map { CellSnapshot.score($0) } ?? 0)
                    }
                }
            }
        }
        return scores
    }

    private func step(
        _ deadline: ContinuousClock.Instant, _ fill: (inout ReadCommands) -> Void
    ) throws(CellReadError) -> [HeldReply] {
        try withConnection(deadline) {
            (connection: inout Connection) throws(CellReadError) -> [HeldReply] in
            var commands = ReadCommands()
            fill(&commands)
            return try CellReadRun.pipeline(commands, &connection, deadline)
        }
    }
}
