import Redis

/// Adds to the answers what is parked of their cells: the right value of a cell is its own plus
/// what is parked.
///
/// Only where the marks say that the shard has parked cells, because it costs a round trip of its
/// own.
struct ParkedReading {
    /// Number of cells in the answers of which something is parked.
    private(set) var count = 0
    private let cells: [[UInt8]: [ParkedCell]]

    /// The parked cells of these keys.
    init(_ members: [[UInt8]: [UInt8]], of keys: Set<[UInt8]>) {
        var cells: [[UInt8]: [ParkedCell]] = [:]
        for (name, value) in members {
            guard let cell = ParkedCell(name: name, value: value), keys.contains(cell.key) else {
                continue
            }
            cells[cell.key, default: []].append(cell)
        }
        self.cells = cells
    }

    /// All keys that the queries read.
    static func keys(_ queries: [CellQuery]) -> Set<[UInt8]> {
        var keys: Set<[UInt8]> = []
        for query in queries {
            switch query {
            case .hash(let key), .bucket(let key, _), .members(let key, _), .size(let key),
                .ranking(let key):
                keys.insert(key)
            case .rankingSum(let all), .distinct(let all), .sketch(let all): keys.formUnion(all)
            }
        }
        return keys
    }

    /// HyperLogLogs that a distinct count must take in too; empty when none of its values is
    /// parked.
    mutating func companions(of keys: [[UInt8]]) -> [[UInt8]] {
        let parked = keys.filter { cells[$0]?.contains { $0.kind == .distinct } ?? false }
        count += parked.count
        return parked.map { $0 + KeyLayout.parkedSuffix }
    }

    /// The entry of a hash or sorted set with what is parked; nil when nothing is.
    mutating func merged(
        _ pairs: [[UInt8]: [UInt8]], of keys: [[UInt8]]
    ) -> [[UInt8]: [UInt8]]? {
        let parked = keys.flatMap { cells[$0] ?? [] }
        guard !parked.isEmpty else { return nil }
        var pairs = pairs
        count += Set(parked.map { $0.key + [0] + $0.member }).count
        for cell in parked { pairs[cell.member] = Self.value(cell, pairs[cell.member]) }
        return pairs
    }

    /// The members that were asked for with what is parked; nil when nothing of them is.
    mutating func merged(
        _ values: [[UInt8]?], _ members: [[UInt8]], of key: [UInt8]
    ) -> [[UInt8]?]? {
        var values = values
        var touched: Set<Int> = []
        for cell in cells[key] ?? [] {
            guard let index = members.firstIndex(of: cell.member), index < values.count else {
                continue
            }
            values[index] = Self.value(cell, values[index])
            touched.insert(index)
        }
        count += touched.count
        return touched.isEmpty ? nil : values
    }

    /// How many cells of a hash are parked, for its size alone.
    mutating func note(_ key: [UInt8]) {
        count += Set((cells[key] ?? []).map(\.member)).count
    }

    /// Cell + parked where that is a number of 64 bits or of its form, else the cell; nil for 0.
    private static func value(_ cell: ParkedCell, _ known: [UInt8]?) -> [UInt8]? {
        switch cell.kind {
        case .add, .score:
            guard let before = integer(known ?? [0x30]), let delta = integer(cell.value) else {
                return known
            }
            let (sum, isBeyond) = before.addingReportingOverflow(delta)
            if isBeyond { return known }
            return sum == 0 ? nil : Array(String(sum).utf8)
        case .distinct: return known
        case .minimum, .maximum, .first, .last:
            guard let known else { return cell.value }
            return wins(cell, known) ? cell.value : known
        }
    }

    private static func integer(_ text: [UInt8]) -> Int64? {
        text.withUnsafeBytes { IntegerText.value($0) }
    }

    /// Whether the parked value of an extreme is kept rather than the cell's.
    private static func wins(_ cell: ParkedCell, _ known: [UInt8]) -> Bool {
        let isGreater = known.lexicographicallyPrecedes(cell.value)
        switch cell.kind {
        case .minimum: return cell.value.lexicographicallyPrecedes(known)
        case .first where !known.prefix(20).elementsEqual(cell.value.prefix(20)):
            return cell.value.lexicographicallyPrecedes(known)
        default: return isGreater
        }
    }
}

/// The parked hash of one shard as it was read last: where it is large, not every answer reads it.
///
/// It is right as long as the shard's marks show the same commit. One thread.
final class ParkedMemory {
    private var key: [UInt8] = []
    private var stamp: [UInt8] = []
    private var members: [[UInt8]: [UInt8]] = [:]

    /// What is known of a parked hash at this stamp; nil when it must be read.
    func members(of key: [UInt8], _ stamp: [UInt8]) -> [[UInt8]: [UInt8]]? {
        key == self.key && stamp == self.stamp ? members : nil
    }

    /// For a new connection: its server may have lost its last seconds.
    func forget() { stamp = [] }

    func keep(_ members: [[UInt8]: [UInt8]], of key: [UInt8], _ stamp: [UInt8]) {
        self.key = key
        self.stamp = stamp
        self.members = members
    }
}
