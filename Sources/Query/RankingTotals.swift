internal import Glibc
internal import Ledger

/// Members of a ranking with two numbers each, in little memory: 1,000,000 of 36 bytes take about 90 MB.
///
/// Changed by the one thread that makes it; once others see it, nobody changes it any more.
final class RankingTotals: @unchecked Sendable {
    // @unchecked: see above; the thread that publishes one gives it away under a lock.
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

        var numbers: RankingOrder.Numbers { .init(first: first, second: second) }
    }

    /// The first of all members, at most so many; made once, when all have been added.
    private var first: (names: [[UInt8]], isAll: Bool)?
    /// How many are remembered: more than an answer has, because some of them will have changed since.
    private static let mostRemembered = 8_000

    /// Finds the first members, so that `top` need not look at all of them.
    func rememberFirst() {
        var best = BestMembers(limit: RankingTotals.mostRemembered)
        offerAll(&best) { _ in true }
        first = (best.members.map(\.name), best.members.count < RankingTotals.mostRemembered)
    }

    /// Those of the first members that have at least this sum; nil where not all such members are remembered.
    func remembered(from least: Int64) -> [[UInt8]]? {
        guard let first else { return nil }
        let sums = first.names.map { $0.withUnsafeBytes { sum($0) } }
        guard first.isAll || (sums.last ?? 0) < least else { return nil }
        return zip(first.names, sums).filter { $1 >= least }.map(\.0)
    }

    /// The sum that stands at this place, from 1 on; 0 where there are less members.
    func sum(atPlace place: Int) -> Int64 {
        guard let names = first?.names, place <= names.count else { return 0 }
        return names[place - 1].withUnsafeBytes { sum($0) }
    }

    /// The sum of a member; 0 where it is none.
    func sum(_ name: UnsafeRawBufferPointer) -> Int64 {
        place(name).map { CellText.add(firsts[$0], seconds[$0]) } ?? 0
    }

    /// The first members, in the order of rankings, of this and another one together.
    func top(_ limit: Int, with other: RankingTotals) -> [Member] {
        var best = BestMembers(limit: limit)
        for place in 0..<other.count {
            other.withMember(place) { name in
                var (first, second) = (other.firsts[place], other.seconds[place])
                if let mine = self.place(name) {
                    first = CellText.add(first, firsts[mine])
                    second = CellText.add(second, seconds[mine])
                }
                if best.isWanted(first, second) { best.offer(name, first, second) }
            }
        }
        var left = 0
        for name in first?.names ?? [] where left < limit {
            name.withUnsafeBytes { name in
                guard let place = place(name), other.place(name) == nil else { return }
                left += 1
                best.offer(name, firsts[place], seconds[place])
            }
        }
        // Where too many of them have changed, others may follow.
        if left < limit, first?.isAll != true {
            best = BestMembers(
                limit: limit,
                best.members.filter { member in
                    member.name.withUnsafeBytes { other.place($0) != nil }
                })
            offerAll(&best) { other.place($0) == nil }
        }
        return best.members
    }

    private func offerAll(
        _ best: inout BestMembers, where isMeant: (UnsafeRawBufferPointer) -> Bool
    ) {
        for place in 0..<count where best.isWanted(firsts[place], seconds[place]) {
            withMember(place) {
                if isMeant($0) { best.offer($0, firsts[place], seconds[place]) }
            }
        }
    }
}

/// The first ones of many members, in order.
private struct BestMembers {
    let limit: Int
    private(set) var members: [RankingTotals.Member] = []
    /// The members' names without escapes, which change their order.
    private var names: [[UInt8]] = []

    init(limit: Int, _ members: [RankingTotals.Member] = []) {
        self.limit = limit
        for member in members {
            member.name.withUnsafeBytes { offer($0, member.first, member.second) }
        }
    }

    /// Whether a member with these numbers may be one of them, by its name at the latest.
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
        func precedes(_ place: Int) -> Bool {
            let other = members[place]
            return RankingOrder.precedes(numbers, other.numbers) {
                names[place].withUnsafeBytes { RankingOrder.precedes(name, $0) }
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
