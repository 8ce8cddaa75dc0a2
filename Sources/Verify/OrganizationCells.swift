import Workload

/// The expected cells of one organization from which its routes' answers are computed.
///
/// Ranges are read day by day; the product may use longer windows, which must give the same
/// numbers.
struct OrganizationCells {
    typealias Cell = (member: [UInt8], value: ExpectedValue)

    private enum Content {
        case cells([Cell])
        case values([[UInt8]])
    }

    let organization: String
    /// From the first to the last day, since 1970, that has a cell; nil when there is none.
    private(set) var days: ClosedRange<Int64>?
    /// The values of the dimension `project` in scopes, in the order of their bytes.
    private(set) var projects: [[UInt8]] = []
    /// By the part of a key's name after the organization.
    private var contents: [[UInt8]: Content] = [:]

    /// Copies the cells of these meters; those of a family as if each meter had keys of its own.
    init(
        _ organization: String, meters: Set<[UInt8]>, families: Set<[UInt8]>, prefix: String,
        shards: Int, _ cells: borrowing ExpectedCells
    ) {
        self.organization = organization
        let id = Array(organization.utf8)
        let shard = id.withUnsafeBytes { oracleShard(of: $0, shards: shards) }
        let keyStart = oracleKeyStart(prefix, shard: shard, shards: shards)
        let start = Array(keyStart.utf8) + Escaping.escaped(id) + [0x3A]
        var projects: Set<[UInt8]> = []
        for key in 0..<cells.keyCount {
            let name = cells.name(key)
            guard name.starts(with: start) else { continue }
            let rest = Array(name[start.count...])
            let parts = rest.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard let place = Self.meterPlace(parts) else { continue }
            let meter = place < parts.count ? Array(parts[place]) : nil
            if let meter, families.contains(meter) {
                let found = cells.cells(key)
                take(parts, familyAt: place, meters, found)
                meet(parts, found.map { $0.member.split(separator: 0x3A).last ?? [] })
            } else if let meter, !meters.contains(meter) {
                continue
            } else if cells.shape(key) == .distinct {
                contents[rest] = .values(cells.values(key))
                meet(parts, [])
            } else {
                let found = cells.cells(key)
                contents[rest] = .cells(found)
                meet(parts, found.map { $0.member[...] })
            }
            if let first = parts.first, first.starts(with: "project=".utf8) {
                projects.insert(LedgerKey.unescaped(first.dropFirst(8)))
            }
        }
        self.projects = projects.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Where a key's name has the meter or family; behind the last part for totals, nil for windows
    /// that no answer is computed from.
    private static func meterPlace(_ parts: [ArraySlice<UInt8>]) -> Int? {
        guard let last = parts.last else { return nil }
        if last.elementsEqual("totals".utf8) { return parts.count }
        if last.elementsEqual("all".utf8), parts.count > 1 { return parts.count - 2 }
        guard parts.count > 2 else { return nil }
        let window = parts[parts.count - 2]
        return ["day", "month", "grid"].contains { window.elementsEqual($0.utf8) }
            ? parts.count - 3 : nil
    }

    /// Takes the cells of a family's key.
    private mutating func take(
        _ parts: [ArraySlice<UInt8>], familyAt place: Int, _ meters: Set<[UInt8]>, _ cells: [Cell]
    ) {
        var parts = parts
        let members = Dictionary(grouping: cells) { Array($0.member.prefix { $0 != 0x3A }) }
        for (meter, cells) in members where meters.contains(meter) {
            parts[place] = meter[...]
            contents[Array(parts.joined(separator: [0x3A]))] = .cells(
                cells.map { (Array($0.member.dropFirst(meter.count + 1)), $0.value) })
        }
    }

    /// Extends `days` by those of a key.
    private mutating func meet(_ parts: [ArraySlice<UInt8>], _ members: [ArraySlice<UInt8>]) {
        guard parts.count > 2, parts[parts.count - 2].elementsEqual("day".utf8),
            let label = parts.last, let start = oracleLabelStartMilliseconds(label)
        else { return }
        let first = start / 86_400_000
        var found: [Int64] = [first]
        if label.count == 7 {
            // In a series the members are the days of a month.
            found = members.compactMap {
                Int64(String(decoding: $0, as: UTF8.self)).map { first + $0 - 1 }
            }
        }
        for day in found {
            days = min(days?.lowerBound ?? day, day)...max(days?.upperBound ?? day, day)
        }
    }

    // MARK: Names

    /// A scope of these dimensions as a key's name has it.
    static func scope(_ dimensions: [(name: String, value: [UInt8])]) -> [UInt8] {
        dimensions.flatMap { Array("\($0.name)=".utf8) + Escaping.escaped($0.value) + [0x3A] }
    }

    private func cells(_ scope: [UInt8], _ rest: String) -> [Cell] {
        guard case .cells(let cells) = contents[scope + Array(rest.utf8)] else { return [] }
        return cells
    }

    /// How the names of the keys of a range's days end; without a range, the key of all time.
    private static func ends(_ meter: String, _ days: Range<Int64>?) -> [String] {
        guard let days else { return ["\(meter):all"] }
        return days.map { "\(meter):day:\(oracleDate(ofDay: $0))" }
    }

    // MARK: Series

    private func series(_ scope: [UInt8], _ meter: String, day: Int64) -> ExpectedValue? {
        let date = oracleDate(ofDay: day)
        let member = Array(date.utf8.suffix(2))
        return cells(scope, "\(meter):day:\(date.prefix(7))").first { $0.member == member }?.value
    }

    private func total(_ scope: [UInt8], _ meter: String) -> ExpectedValue? {
        cells(scope, "totals").first { $0.member.elementsEqual(meter.utf8) }?.value
    }

    /// The total of all time.
    func total(_ meter: String, scopes: [[UInt8]] = [[]]) -> Int64 {
        scopes.reduce(0) { $0 &+ Self.integer(total($1, meter)) }
    }

    /// The level now, never below 0.
    func level(_ meter: String) -> Int64 { max(0, total(meter)) }

    /// One number a day.
    func series(
        _ meter: String, _ days: Range<Int64>, scopes: [[UInt8]] = [[]]
    ) -> [Int64] {
        days.map { day in
            scopes.reduce(0) { $0 &+ Self.integer(series($1, meter, day: day)) }
        }
    }

    /// The sum over days.
    func sum(_ meter: String, _ days: Range<Int64>, scopes: [[UInt8]] = [[]]) -> Int64 {
        series(meter, days, scopes: scopes).reduce(0, &+)
    }

    /// The greatest or least value of all time.
    func extreme(_ meter: String) -> Int64? { Self.shifted(total([], meter)) }

    /// The extreme of each day and scope.
    func extremes(_ meter: String, _ days: Range<Int64>, scopes: [[UInt8]]) -> [Int64] {
        days.flatMap { day in scopes.compactMap { Self.shifted(series($0, meter, day: day)) } }
    }

    // MARK: Tables

    /// Sums by the values of `by`; sums of 0 are left out.
    func table(
        _ meter: String, _ days: Range<Int64>?, scopes: [[UInt8]] = [[]]
    ) -> [[[UInt8]]: Int64] {
        var sums: [[UInt8]: Int64] = [:]
        for end in Self.ends(meter, days) {
            for scope in scopes {
                for cell in cells(scope, end) {
                    sums[cell.member, default: 0] &+= Self.integer(cell.value)
                }
            }
        }
        return Self.tuples(sums.filter { $0.value != 0 })
    }

    /// The same for a level: values below 0 are left out, too.
    func levels(
        _ meter: String, _ days: Range<Int64>?, scopes: [[UInt8]] = [[]]
    ) -> [[[UInt8]]: Int64] {
        table(meter, days, scopes: scopes).filter { $0.value > 0 }
    }

    /// The least or greatest values by the values of `by`.
    func extremeTable(
        _ meter: String, _ days: Range<Int64>?, _ better: (Int64, Int64) -> Int64
    ) -> [[[UInt8]]: Int64] {
        var found: [[UInt8]: Int64] = [:]
        for end in Self.ends(meter, days) {
            for cell in cells([], end) {
                guard let value = Self.shifted(cell.value) else { continue }
                found[cell.member] = found[cell.member].map { better($0, value) } ?? value
            }
        }
        return Self.tuples(found)
    }

    /// The different values of a distinct count.
    func values(
        _ meter: String, _ days: Range<Int64>?, scopes: [[UInt8]]
    ) -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        for end in Self.ends(meter, days) {
            for scope in scopes {
                guard case .values(let values) = contents[scope + Array(end.utf8)] else { continue }
                found.formUnion(values)
            }
        }
        return found
    }

    /// A month's sums by the values of `by`.
    func ranking(_ meter: String, month: String) -> [[[UInt8]]: Int64] {
        var sums: [[UInt8]: Int64] = [:]
        for cell in cells([], "\(meter):month:\(month)") {
            sums[cell.member] = Self.integer(cell.value)
        }
        return Self.tuples(sums)
    }

    /// The count of one hour of the day, on one day of the week (0: Sunday).
    func grid(_ meter: String, weekday: Int, hour: Int) -> Int64 {
        let member = Array((hour < 10 ? "0\(hour)" : "\(hour)").utf8)
        return Self.integer(
            cells([], "\(meter):grid:\(weekday)").first { $0.member == member }?.value)
    }

    // MARK: Values

    private static func tuples(_ table: [[UInt8]: Int64]) -> [[[UInt8]]: Int64] {
        var tuples: [[[UInt8]]: Int64] = [:]
        for (member, value) in table {
            let parts = member.split(separator: 0x3A, omittingEmptySubsequences: false)
            tuples[parts.map { LedgerKey.unescaped($0) }] = value
        }
        return tuples
    }

    private static func integer(_ value: ExpectedValue?) -> Int64 {
        guard case .integer(let number) = value else { return 0 }
        return number
    }

    /// The number that a cell holds as 20 digits of number + 2^63.
    private static func shifted(_ value: ExpectedValue?) -> Int64? {
        guard case .text(let digits) = value,
            let number = UInt64(String(decoding: digits, as: UTF8.self))
        else { return nil }
        return Int64(bitPattern: number ^ (1 << 63))
    }
}
