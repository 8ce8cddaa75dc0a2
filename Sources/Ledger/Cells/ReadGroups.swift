/// Which queries one transaction reads.
extension CellReadRun {
    /// Microseconds that a query costs Redis, and whether it may be read in one piece.
    static func cost(of query: CellQuery, sizes: [Int64]) -> (Double, Bool) {
        switch query {
        case .members(_, let members): return (ReadCost.members(members.count), true)
        case .bucket(_, let most): return (ReadCost.members(most), true)
        case .size: return (0.3, true)
        case .hash, .ranking:
            let size = Int(clamping: sizes.first ?? 0)
            return (ReadCost.members(size), size <= ReadCost.largestWhole)
        case .rankingSum(let keys):
            let members = sizes.reduce(0) { $0 + Int(clamping: $1) }
            let cost = ReadCost.sum(sets: keys.count, members: members)
            return (cost, cost <= ReadCost.budget)
        case .distinct(let keys):
            return (ReadCost.union(keys.count), keys.count <= ReadCost.mostMerged)
        case .sketch(let keys):
            let cost = 1 + ReadCost.denseTransfer * Double(keys.count)
            return (cost, keys.count <= ReadCost.mostMerged)
        }
    }

    /// Cuts queries of these costs into groups, each within `ReadCost.budget`; at least one group,
    /// perhaps empty.
    static func groups(_ costs: [(index: Int, cost: Double)]) -> [[Int]] {
        var groups: [[Int]] = [[]]
        var total = 0.0
        for (index, cost) in costs {
            if total + cost > ReadCost.budget, !groups[groups.count - 1].isEmpty {
                groups.append([])
                total = 0
            }
            groups[groups.count - 1].append(index)
            total += cost
        }
        return groups
    }
}
