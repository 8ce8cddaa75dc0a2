import Redis

/// Adds to what was read what is parked of it: the right value of a cell is what stands in it plus
/// what is parked.
///
/// Only where the marks say that the shard has parked cells, for it costs a round trip of its own.
struct ParkedReading {
    /// Cells of the reads that are parked.
    private(set) var count = 0
    private let cells: [[UInt8]: [ParkedCell]]

    /// The parked cells of these keys.
    init(_ fields: [[UInt8]: [UInt8]], of keys: Set<[UInt8]>) {
        var cells: [[UInt8]: [ParkedCell]] = [:]
        for (name, value) in fields {
            guard let cell = ParkedCell(name: name, value: value), keys.contains(cell.key) else {
                continue
            }
            cells[cell.key, default: []].append(cell)
        }
        self.cells = cells
    }

    /// All keys that reads look at.
    static func keys(_ reads: [CellRead]) -> Set<[UInt8]> {
        var keys: Set<[UInt8]> = []
        for read in reads {
            switch read {
            case .hash(let key), .bucket(let key, _), .fields(let key, _), .size(let key),
                .ranking(let key):
                keys.insert(key)
            case .rankingSum(let all), .distinct(let all): keys.formUnion(all)
            }
        }
        return keys
    }

    /// HyperLogLogs that a distinct count must take in too; empty = none of its members is parked.
    mutating func companions(of keys: [[UInt8]]) -> [[UInt8]] {
        let parked = keys.filter { cells[$0]?.contains { $0.kind == .distinct } ?? false }
        count += parked.count
        return parked.map { $0 + KeyLayout.parkedSuffix }
    }

    /// The entry of a hash or sorted set with what is parked; nil = nothing is.
    mutating func merged(
        _ pairs: [[UInt8]: [UInt8]], of keys: [[UInt8]]
    ) -> [[UInt8]: [UInt8]]? {
        let parked = keys.flatMap { cells[$0] ?? [] }
        guard !parked.isEmpty else { return nil }
        var pairs = pairs
        count += Set(parked.map { $0.key + [0] + $0.field }).count
        for cell in parked { pairs[cell.field] = Self.value(cell, pairs[cell.field]) }
        return pairs
    }

    /// The fields that were asked for with what is parked; nil = nothing of them is.
    mutating func merged(
        _ values: [[UInt8]?], _ fields: [[UInt8]], of key: [UInt8]
    ) -> [[UInt8]?]? {
        var values = values
        var touched: Set<Int> = []
        for cell in cells[key] ?? [] {
            guard let place = fields.firstIndex(of: cell.field), place < values.count else {
                continue
            }
            values[place] = Self.value(cell, values[place])
            touched.insert(place)
        }
        count += touched.count
        return touched.isEmpty ? nil : values
    }

    /// How many cells of a hash are parked, for its size alone.
    mutating func note(_ key: [UInt8]) {
        count += Set((cells[key] ?? []).map(\.field)).count
    }

    /// Cell + parked where that is a number of 64 bits or of its form, else the cell; nil = 0.
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
        text.withUnsafeBytes { Decimal.integer($0) }
    }

    /// Whether what is parked of an extreme is kept rather than what stands there.
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
    private var fields: [[UInt8]: [UInt8]] = [:]

    /// What is known of a parked hash at this stamp; nil = it must be read.
    func fields(of key: [UInt8], _ stamp: [UInt8]) -> [[UInt8]: [UInt8]]? {
        key == self.key && stamp == self.stamp ? fields : nil
    }

    /// After a new connection, perhaps to a server that went back.
    func forget() { stamp = [] }

    func keep(_ fields: [[UInt8]: [UInt8]], of key: [UInt8], _ stamp: [UInt8]) {
        self.key = key
        self.stamp = stamp
        self.fields = fields
    }
}

/// Values of fields that were asked for, in one block of memory.
final class FieldMemory {
    private let base: UnsafeMutableRawBufferPointer
    private var places: [Range<Int>?] = []

    init(_ values: [[UInt8]?]) {
        base = .allocate(
            byteCount: max(1, values.reduce(0) { $0 + ($1?.count ?? 0) }), alignment: 8)
        var end = 0
        for value in values {
            guard let value else {
                places.append(nil)
                continue
            }
            UnsafeMutableRawBufferPointer(rebasing: base[end...]).copyBytes(from: value)
            places.append(end..<end + value.count)
            end += value.count
        }
    }

    deinit { base.deallocate() }

    /// Valid while this object lives.
    func value(_ position: Int) -> UnsafeRawBufferPointer? {
        guard position < places.count, let place = places[position] else { return nil }
        return UnsafeRawBufferPointer(rebasing: base[place])
    }
}
