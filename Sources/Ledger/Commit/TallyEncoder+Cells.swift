import Metering

/// The content of a key as a dump, and its cells one by one.
extension TallyEncoder {
    /// Whether a dump may hold these cells: each member once, and no sum of 0.
    ///
    /// A tally has two cells of one member only after one of them was full.
    private func fitsDump(_ cells: Range<Int>, _ tally: borrowing Tally) -> Bool {
        for position in cells {
            let cell = tally[Int(sortedCells[position].index)]
            if cell.amount == 0, sets[Int(cell.cellSet)].operation == .add { return false }
            guard position > cells.lowerBound else { continue }
            let before = sortedCells[position - 1]
            // The dump of a key has one limit for all members.
            if UInt8(truncatingIfNeeded: before.group ^ sortedCells[position].group)
                & SetKind.limited != 0
            {
                return false
            }
            if before.group == sortedCells[position].group,
                before.member == sortedCells[position].member
            {
                return false
            }
        }
        return true
    }

    /// Fills the dump with the scores of a key where they may be added by a union: several members,
    /// all scores small.
    mutating func fillScores(
        _ cells: Range<Int>, _ tally: borrowing Tally, inOrder: Bool
    ) -> Bool {
        // A single score is cheaper alone where its key exists.
        guard cells.count > 1, fitsDump(cells, tally) else { return false }
        for position in cells {
            let amount = tally[Int(sortedCells[position].index)].amount
            guard CommitArguments.smallScores.contains(amount) else { return false }
        }
        if inOrder { sortByScore(cells, tally) }
        dump.begin()
        for position in cells {
            let cell = tally[Int(sortedCells[position].index)]
            dump.append(tally.bytes(cell.member), number: cell.amount)
        }
        return true
    }

    /// Puts the cells of one sorted set into its order: by score, then by the members' bytes.
    private mutating func sortByScore(_ cells: Range<Int>, _ tally: borrowing Tally) {
        sortedCells.withUnsafeMutableBufferPointer { all in
            var own = UnsafeMutableBufferPointer(rebasing: all[cells])
            own.sort { left, right in
                let (left, right) = (tally[Int(left.index)], tally[Int(right.index)])
                if left.amount != right.amount { return left.amount < right.amount }
                return tally.bytes(left.member).lexicographicallyPrecedes(tally.bytes(right.member))
            }
        }
    }

    /// Adds the cells of a key that is probably new as the dump of its hash, if they fit one.
    mutating func addHash(
        _ cells: Range<Int>, _ tally: borrowing Tally, _ expirySecond: Int64?,
        _ limits: UnsafeRawBufferPointer, _ arguments: inout CommitArguments
    ) -> Bool {
        guard fitsDump(cells, tally) else { return false }
        dump.begin()
        var keptCount = 0
        for position in cells {
            let cell = tally[Int(sortedCells[position].index)]
            if appendToDump(cell, tally) { keptCount += 1 }
        }
        key.withUnsafeBytes {
            arguments.addHash(
                key: $0, expirySecond: expirySecond, limits: limits, &dump, keptCount: keptCount)
        }
        guard keptCount > 0 else { return true }
        for position in cells {
            let cell = tally[Int(sortedCells[position].index)]
            let set = sets[Int(cell.cellSet)]
            guard set.operation != .add else { continue }
            writeMember(of: cell, set, tally)
            member.withUnsafeBytes { arguments.addKept(set.operation.argumentKind, member: $0) }
        }
        return true
    }

    /// Fills the sketch with the values of a HyperLogLog; whether it can hold them.
    mutating func fillSketch(_ cells: Range<Int>, _ tally: borrowing Tally) -> Bool {
        guard cells.count <= SketchDump.mostValues else { return false }
        sketch.begin()
        for position in cells {
            let value = tally[Int(sortedCells[position].index)].member
            guard sketch.insert(tally.bytes(value)) else { return false }
        }
        return true
    }

    /// Adds a cell of a hash to the dump; whether it keeps one of the values that it is given.
    private mutating func appendToDump(_ cell: TallyCell, _ tally: borrowing Tally) -> Bool {
        let set = sets[Int(cell.cellSet)]
        writeMember(of: cell, set, tally)
        guard set.operation.keepsValue else {
            member.withUnsafeBytes { dump.append($0, number: cell.amount) }
            return false
        }
        writeValue(of: cell, set, tally)
        member.withUnsafeBytes { member in
            value.withUnsafeBytes { dump.append(member, value: $0) }
        }
        return true
    }

    mutating func addEntry(
        _ cell: TallyCell, _ tally: borrowing Tally, _ arguments: inout CommitArguments
    ) {
        let set = sets[Int(cell.cellSet)]
        if set.operation == .distinct {
            arguments.addDistinct(tally.bytes(cell.member))
            return
        }
        if set.operation.isAddition, !set.isFamily, set.shape == .table || set.shape == .ranking {
            arguments.addEntry(member: tally.bytes(cell.member), delta: cell.amount)
            return
        }
        writeMember(of: cell, set, tally)
        guard set.operation.keepsValue else {
            member.withUnsafeBytes { arguments.addEntry(member: $0, delta: cell.amount) }
            return
        }
        writeValue(of: cell, set, tally)
        member.withUnsafeBytes { member in
            value.withUnsafeBytes { arguments.addEntry(member: member, value: $0) }
        }
    }

    /// Writes the cell's name within its key to `member`.
    private mutating func writeMember(of cell: TallyCell, _ set: SetKind, _ tally: borrowing Tally)
    {
        member.removeAll(keepingCapacity: true)
        let isTotal = set.shape == .series && cell.window == .all
        if set.isFamily, !isTotal { member.append(contentsOf: texts[set.head]) }
        switch set.shape {
        case .table, .ranking, .distinct: member.append(contentsOf: tally.bytes(cell.member))
        case .grid: KeyLayout.appendTwoDigits(cell.number % 24, to: &member)
        case .histogram: appendDecimal(cell.member)
        case .series:
            KeyLayout.appendSeriesMember(
                meter: meters[Int(cell.cellSet)], window: cell.window, number: cell.number,
                to: &member)
        }
    }

    /// Writes to `value` what the cell keeps: the 20 digits of a least or greatest number,
    /// `TIME20:VALUE` of a first or last.
    private mutating func writeValue(of cell: TallyCell, _ set: SetKind, _ tally: borrowing Tally) {
        SortableNumber.write(cell.amount, to: number)
        value.removeAll(keepingCapacity: true)
        value.append(
            contentsOf: UnsafeRawBufferPointer(start: number, count: SortableNumber.digits))
        if set.operation == .first || set.operation == .last {
            value.append(UInt8(ascii: ":"))
            value.append(contentsOf: tally.bytes(cell.payload))
        }
    }

    private mutating func appendDecimal(_ value: UInt32) {
        var divisor: UInt32 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            member.append(48 + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
