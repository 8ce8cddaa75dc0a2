internal import Glibc
internal import Ledger

/// Members of a ranking with two numbers each, in little memory: 1,000,000 of 36 bytes take about 90 MB.
///
/// Changed by the one thread that makes it; once others see it, nobody changes it any more.
final class RankingTotals: @unchecked Sendable {
    // @unchecked: see above; whoever publishes one gives it away under a lock.
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []
    private var firsts: [Int64] = []
    private var seconds: [Int64] = []
    /// Places of members, open addressing; -1 = free.
    private var slots: [Int32] = []

    /// How many members there are.
    var count: Int { ends.count }
    /// Bytes that it takes.
    var byteCount: Int {
        bytes.capacity + 4 * ends.capacity + 16 * firsts.capacity + 4 * slots.count
    }

    /// Adds to a member's numbers.
    func add(_ member: UnsafeRawBufferPointer, _ first: Int64, _ second: Int64) {
        let place = placeToChange(member)
        firsts[place] = CellText.add(firsts[place], first)
        seconds[place] = CellText.add(seconds[place], second)
    }

    /// Sets a member's first number.
    func set(_ member: UnsafeRawBufferPointer, _ first: Int64) {
        firsts[placeToChange(member)] = first
    }

    /// Adds the first numbers of another one to the first or the second numbers here.
    func add(firstsOf other: RankingTotals, isFirst: Bool) {
        for place in 0..<other.count {
            other.withMember(place) {
                add($0, isFirst ? other.firsts[place] : 0, isFirst ? 0 : other.firsts[place])
            }
        }
    }

    private func placeToChange(_ member: UnsafeRawBufferPointer) -> Int {
        if 2 * (count + 1) > slots.count { grow() }
        var slot = RankingTotals.hash(member) & (slots.count - 1)
        while slots[slot] >= 0 {
            let place = Int(slots[slot])
            if isMember(place, member) { return place }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = Int32(count)
        bytes.append(contentsOf: member)
        ends.append(UInt32(bytes.count))
        firsts.append(0)
        seconds.append(0)
        return count - 1
    }

    private func place(_ member: UnsafeRawBufferPointer) -> Int? {
        guard !slots.isEmpty else { return nil }
        var slot = RankingTotals.hash(member) & (slots.count - 1)
        while slots[slot] >= 0 {
            let place = Int(slots[slot])
            if isMember(place, member) { return place }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func grow() {
        slots = Array(repeating: -1, count: max(1_024, 2 * slots.count))
        for place in 0..<count {
            var slot = withMember(place) { RankingTotals.hash($0) } & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(place)
        }
    }

    private static func hash(_ member: UnsafeRawBufferPointer) -> Int {
        Int(truncatingIfNeeded: PlaceTable.hash(member) >> 1)
    }

    private func start(_ place: Int) -> Int { place == 0 ? 0 : Int(ends[place - 1]) }

    private func isMember(_ place: Int, _ member: UnsafeRawBufferPointer) -> Bool {
        guard Int(ends[place]) - start(place) == member.count else { return false }
        return withMember(place) { CellText.isSame($0, member) }
    }

    private func withMember<Result>(
        _ place: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        bytes.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[start(place)..<Int(ends[place])]))
        }
    }

    // MARK: The first ones

    /// One member with its numbers.
    struct Member {
        var name: [UInt8]
        var first: Int64
        var second: Int64
    }

    /// The first members by the sum of both numbers, then the first number, then the name, of this
    /// and another one together.
    func top(_ limit: Int, with other: RankingTotals) -> [Member] {
        var best = BestMembers(limit: limit)
        var isTaken = [Bool](repeating: false, count: count)
        for place in 0..<other.count {
            var (first, second) = (other.firsts[place], other.seconds[place])
            if let mine = other.withMember(place, { self.place($0) }) {
                isTaken[mine] = true
                first = CellText.add(first, firsts[mine])
                second = CellText.add(second, seconds[mine])
            }
            if best.isWanted(first, second) {
                other.withMember(place) { best.offer($0, first, second) }
            }
        }
        for place in 0..<count where !isTaken[place] && best.isWanted(firsts[place], seconds[place])
        {
            withMember(place) { best.offer($0, firsts[place], seconds[place]) }
        }
        return best.members
    }
}

/// The first ones of many members, in order.
private struct BestMembers {
    let limit: Int
    private(set) var members: [RankingTotals.Member] = []
    /// The members' names without escapes, which change their order.
    private var names: [[UInt8]] = []

    init(limit: Int) { self.limit = limit }

    /// Whether a member with these numbers may be one of them, by its name at the latest.
    func isWanted(_ first: Int64, _ second: Int64) -> Bool {
        let sum = CellText.add(first, second)
        guard members.count == limit, let last = members.last else { return sum > 0 }
        let least = CellText.add(last.first, last.second)
        return sum > least || sum == least && first >= last.first
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
        func precedes(_ place: Int) -> Bool {
            let other = members[place]
            let sums = (CellText.add(first, second), CellText.add(other.first, other.second))
            if sums.0 != sums.1 { return sums.0 > sums.1 }
            if first != other.first { return first > other.first }
            return names[place].withUnsafeBytes { CellText.precedes(name, $0) }
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
