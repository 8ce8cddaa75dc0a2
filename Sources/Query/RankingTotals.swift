internal import Glibc
internal import Ledger

/// Members of a ranking with two numbers each, in little memory.
///
/// 1,000,000 members of 36 bytes take about 90 MB. Only the thread that makes it changes it, and
/// not any more once other threads can see it.
final class RankingTotals: @unchecked Sendable {
    // @unchecked: see above; the thread that makes it passes it to others under a lock.
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []
    private var firsts: [Int64] = []
    private var seconds: [Int64] = []
    /// Indices of members, by open addressing; -1: free.
    private var slots: [Int32] = []

    /// How many members there are.
    var count: Int { ends.count }
    /// Bytes of memory that it takes.
    var byteCount: Int {
        bytes.capacity + 4 * ends.capacity + 16 * firsts.capacity + 4 * slots.count
    }

    /// Adds to a member's numbers.
    func add(_ member: UnsafeRawBufferPointer, _ first: Int64, _ second: Int64) {
        let index = indexToChange(member)
        firsts[index] = CellText.add(firsts[index], first)
        seconds[index] = CellText.add(seconds[index], second)
    }

    /// Sets a member's first number.
    func set(_ member: UnsafeRawBufferPointer, _ first: Int64) {
        firsts[indexToChange(member)] = first
    }

    /// Adds the first numbers of `other` to the first numbers here, or to the second ones.
    func add(firstsOf other: RankingTotals, isFirst: Bool) {
        for index in 0..<other.count {
            other.withMember(index) {
                add($0, isFirst ? other.firsts[index] : 0, isFirst ? 0 : other.firsts[index])
            }
        }
    }

    private func indexToChange(_ member: UnsafeRawBufferPointer) -> Int {
        if 2 * (count + 1) > slots.count { grow() }
        var slot = RankingTotals.hash(member) & (slots.count - 1)
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            if isMember(index, member) { return index }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = Int32(count)
        bytes.append(contentsOf: member)
        ends.append(UInt32(bytes.count))
        firsts.append(0)
        seconds.append(0)
        return count - 1
    }

    private func index(_ member: UnsafeRawBufferPointer) -> Int? {
        guard !slots.isEmpty else { return nil }
        var slot = RankingTotals.hash(member) & (slots.count - 1)
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            if isMember(index, member) { return index }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func grow() {
        slots = Array(repeating: -1, count: max(1_024, 2 * slots.count))
        for index in 0..<count {
            var slot = withMember(index) { RankingTotals.hash($0) } & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(index)
        }
    }

    private static func hash(_ member: UnsafeRawBufferPointer) -> Int {
        Int(truncatingIfNeeded: IndexTable.hash(member) >> 1)
    }

    private func start(_ index: Int) -> Int { index == 0 ? 0 : Int(ends[index - 1]) }

    private func isMember(_ index: Int, _ member: UnsafeRawBufferPointer) -> Bool {
        guard Int(ends[index]) - start(index) == member.count else { return false }
        return withMember(index) { CellText.isSame($0, member) }
    }

    private func withMember<Result>(
        _ index: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        bytes.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[start(index)..<Int(ends[index])]))
        }
    }

    // MARK: The first members

    /// One member with its numbers.
    struct Member {
        var name: [UInt8]
        var first: Int64
        var second: Int64

        var numbers: RankingOrder.Numbers { .init(first: first, second: second) }
    }

    /// The first members in order; made once, when all members have been added.
    private var first: (names: [[UInt8]], isAll: Bool)?
    /// How many are remembered.
    ///
    /// More than an answer has, because some of them will have changed by then.
    private static let mostRemembered = 8_000

    /// Finds the first members, so that `top` need not look at all of them.
    func rememberFirst() {
        var best = BestMembers(limit: RankingTotals.mostRemembered)
        offerAll(&best) { _ in true }
        first = (best.members.map(\.name), best.members.count < RankingTotals.mostRemembered)
    }

    /// The members with at least this sum; nil where not all of them are remembered.
    func remembered(from least: Int64) -> [[UInt8]]? {
        guard let first else { return nil }
        let sums = first.names.map { $0.withUnsafeBytes { sum($0) } }
        guard first.isAll || (sums.last ?? 0) < least else { return nil }
        return zip(first.names, sums).filter { $1 >= least }.map(\.0)
    }

    /// The sum of the member at this rank, from 1 on; 0 where there are fewer members.
    func sum(atRank rank: Int) -> Int64 {
        guard let names = first?.names, rank <= names.count else { return 0 }
        return names[rank - 1].withUnsafeBytes { sum($0) }
    }

    /// The sum of a member; 0 where it is unknown.
    func sum(_ name: UnsafeRawBufferPointer) -> Int64 {
        index(name).map { CellText.add(firsts[$0], seconds[$0]) } ?? 0
    }

    /// The first members of these totals and of `other` added up, in the order of rankings.
    func top(_ limit: Int, with other: RankingTotals) -> [Member] {
        var best = BestMembers(limit: limit)
        for index in 0..<other.count {
            other.withMember(index) { name in
                var (first, second) = (other.firsts[index], other.seconds[index])
                if let ownIndex = self.index(name) {
                    first = CellText.add(first, firsts[ownIndex])
                    second = CellText.add(second, seconds[ownIndex])
                }
                if best.isWanted(first, second) { best.offer(name, first, second) }
            }
        }
        var left = 0
        for name in first?.names ?? [] where left < limit {
            name.withUnsafeBytes { name in
                guard let index = index(name), other.index(name) == nil else { return }
                left += 1
                best.offer(name, firsts[index], seconds[index])
            }
        }
        // Too many of the remembered members have changed: all other members must be looked at.
        if left < limit, first?.isAll != true {
            best = BestMembers(
                limit: limit,
                best.members.filter { member in
                    member.name.withUnsafeBytes { other.index($0) != nil }
                })
            offerAll(&best) { other.index($0) == nil }
        }
        return best.members
    }

    private func offerAll(
        _ best: inout BestMembers, where isMeant: (UnsafeRawBufferPointer) -> Bool
    ) {
        for index in 0..<count where best.isWanted(firsts[index], seconds[index]) {
            withMember(index) {
                if isMeant($0) { best.offer($0, firsts[index], seconds[index]) }
            }
        }
    }
}

/// The first `limit` of many members, in order.
private struct BestMembers {
    let limit: Int
    private(set) var members: [RankingTotals.Member] = []
    /// The members' names with escapes decoded: the order is by the decoded bytes.
    private var names: [[UInt8]] = []

    init(limit: Int, _ members: [RankingTotals.Member] = []) {
        self.limit = limit
        for member in members {
            member.name.withUnsafeBytes { offer($0, member.first, member.second) }
        }
    }

    /// Whether a member with these numbers may be one of them; its name may still decide.
    func isWanted(_ first: Int64, _ second: Int64) -> Bool {
        let numbers = RankingOrder.Numbers(first: first, second: second)
        guard members.count == limit, let last = members.last else { return numbers.sum > 0 }
        return !RankingOrder.precedes(last.numbers, numbers) { false }
    }

    mutating func offer(_ member: UnsafeRawBufferPointer, _ first: Int64, _ second: Int64) {
        if member.contains(UInt8(ascii: "%")) {
            let name = KeyLayout.unescape(member) ?? [UInt8](member)
            name.withUnsafeBytes { offer(member, named: $0, first, second) }
        } else {
            offer(member, named: member, first, second)
        }
    }

    private mutating func offer(
        _ member: UnsafeRawBufferPointer, named name: UnsafeRawBufferPointer, _ first: Int64,
        _ second: Int64
    ) {
        let numbers = RankingOrder.Numbers(first: first, second: second)
        func precedes(_ index: Int) -> Bool {
            let other = members[index]
            return RankingOrder.precedes(numbers, other.numbers) {
                names[index].withUnsafeBytes { RankingOrder.precedes(name, $0) }
            }
        }
        if members.count == limit, !precedes(limit - 1) { return }
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if precedes(middle) { high = middle } else { low = middle + 1 }
        }
        members.insert(
            RankingTotals.Member(name: [UInt8](member), first: first, second: second), at: low)
        names.insert([UInt8](name), at: low)
        if members.count > limit {
            members.removeLast()
            names.removeLast()
        }
    }
}
