import Ledger
import Workload

@testable import Metering

/// Reads a tally as the cells that it changes in Redis.
enum TallyText {
    static func add(
        _ tally: borrowing Tally, shard: Int, _ sets: [CellSet],
        to keys: inout [[UInt8]: KeyContent], _ note: (String) -> Void
    ) {
        for index in 0..<tally.count {
            let cell = tally[index]
            let set = sets[Int(cell.cellSet)]
            let isGrid = set.shape == .grid
            var key = Array("odo:1:{\(shard)}:".utf8) + Array(tally.bytes(cell.organization))
            if cell.scope != 0 { key += [58] + Array(tally.bytes(cell.scope)) }
            KeyLayout.appendCellKeySuffix(
                meter: Array((set.family ?? set.meter).utf8), isFamily: set.family != nil,
                shape: set.shape, window: cell.window,
                number: isGrid ? cell.number / 24 : cell.number, to: &key)
            let last =
                set.shape == .series
                ? KeyLayout.seriesBucket(
                    cell.window, cell.number, isFamily: set.family != nil
                ).upperBound : cell.number
            let retention = set.retentionSeconds[Int(cell.window.rawValue)]
            let expiry = retention < 0 ? nil : cell.window.end(of: last) + retention
            let shape: ExpectedShape =
                set.shape == .ranking ? .sortedSet : set.shape == .distinct ? .distinct : .hash
            var content = keys[key] ?? KeyContent(shape: shape, expiry: expiry)
            if content.shape != shape || content.expiry != expiry {
                note("a key of two kinds: \(String(decoding: key, as: UTF8.self))")
            }
            let field = field(of: cell, tally, set)
            content.cells[field] = merged(cell, tally, set, content.cells[field])
            keys[key] = content
        }
    }

    private static func field(
        of cell: TallyCell, _ tally: borrowing Tally, _ set: CellSet
    ) -> [UInt8] {
        var field: [UInt8] = []
        let isTotal = set.shape == .series && cell.window == .all
        if set.family != nil, !isTotal { field = Array("\(set.meter):".utf8) }
        switch set.shape {
        case .table, .ranking, .distinct: field += Array(tally.bytes(cell.member))
        case .grid: KeyLayout.appendTwoDigits(cell.number % 24, to: &field)
        case .histogram: field += Array("\(cell.member)".utf8)
        case .series:
            KeyLayout.appendSeriesMember(
                meter: Array(set.meter.utf8), window: cell.window, number: cell.number, to: &field)
        }
        return field
    }

    private static func merged(
        _ cell: TallyCell, _ tally: borrowing Tally, _ set: CellSet, _ old: ExpectedValue?
    ) -> ExpectedValue {
        let digits = twentyDigits(cell.amount)
        switch (set.operation, old) {
        case (.add, .integer(let sum)), (.addScore, .integer(let sum)):
            return .integer(sum + cell.amount)
        case (.add, _), (.addScore, _): return .integer(cell.amount)
        case (.distinct, _): return .integer(1)
        case (.minimum, .text(let known)):
            return .text(digits.lexicographicallyPrecedes(known) ? digits : known)
        case (.maximum, .text(let known)):
            return .text(known.lexicographicallyPrecedes(digits) ? digits : known)
        case (.minimum, _), (.maximum, _): return .text(digits)
        case (.first, _), (.last, _):
            let new = digits + [58] + Array(tally.bytes(cell.payload))
            guard case .text(let known) = old else { return .text(new) }
            let isGreater = known.lexicographicallyPrecedes(new)
            if set.operation == .last || known.prefix(20).elementsEqual(digits) {
                return .text(isGreater ? new : known)
            }
            return .text(isGreater ? known : new)
        }
    }

    static func twentyDigits(_ number: Int64) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: SortableNumber.digits, alignment: 8) { room in
            guard let base = room.baseAddress else { return [] }
            SortableNumber.write(number, to: base)
            return Array(room)
        }
    }
}
