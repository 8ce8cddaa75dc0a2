import CEventScan

/// The loop: records to tallies. One call a batch; no allocation per event.
extension Program {
    /// Folds records from index `first` on, until all are taken or a shard's tally is full.
    ///
    /// - Parameters:
    ///   - cursors: one a partition slot.
    ///   - tallies: one a shard: the folding ones.
    /// - Returns: where it stopped; `rejected` holds what must go to the dead letters.
    public mutating func run(
        _ records: UnsafeBufferPointer<FoldRecord>, from first: Int,
        attributes: UnsafePointer<BinaryAttributes>?,
        cursors: UnsafeMutablePointer<PartitionCursor>, tallies: UnsafeMutablePointer<Tally>
    ) -> FoldStop {
        rejected.removeAll(keepingCapacity: true)
        var index = first
        while index < records.count {
            let shard = fold(records[index], index, attributes, cursors, tallies)
            index += 1
            if shard >= 0, tallies[shard].isFull { return FoldStop(next: index, fullShard: shard) }
        }
        return FoldStop(next: index, fullShard: nil)
    }

    /// Takes one record; returns the shard whose tally changed, or -1.
    @inline(__always)
    private mutating func fold(
        _ record: FoldRecord, _ index: Int, _ attributes: UnsafePointer<BinaryAttributes>?,
        _ cursors: UnsafeMutablePointer<PartitionCursor>, _ tallies: UnsafeMutablePointer<Tally>
    ) -> Int {
        let slot = Int(record.partitionSlot)
        guard record.offset >= cursors[slot].position else {
            counters.stale += 1
            return -1
        }
        cursors[slot].arrive(at: record.offset)
        var outcome = examine(record, attributes)
        let shard =
            outcome == .malformed
            ? slotShard(record) : Int(Hashing.fnv1a32(scratch.subject) % shardCount)
        if outcome == .accepted, cursors[slot].seen.span > 0,
            cursors[slot].seen.insert(identity(), at: record.offset)
        {
            outcome = .duplicate
        }
        guard !cursors[slot].isFolded(record.offset, shard: shard) else {
            counters.reread += 1
            cursors[slot].take()
            return -1
        }
        cursors[slot].take()
        counters.outcomes[Int(outcome.rawValue)] += 1
        tallies[shard].count(outcome, partitionSlot: slot)
        if outcome == .accepted {
            apply(record, &tallies[shard])
        } else if outcome.isRejected {
            rejected.append(
                RejectedRecord(index: index, outcome: outcome, rejection: scratch.rejection))
        }
        return shard
    }

    /// A malformed record belongs to the shard with its partition's number, modulo V.
    private func slotShard(_ record: FoldRecord) -> Int {
        Int(UInt32(bitPattern: partitionNumbers[Int(record.partitionSlot)]) % shardCount)
    }

    /// Keyed hash of the length-prefixed subject, source and id.
    @inline(__always)
    private func identity() -> (UInt64, UInt64) {
        var end = append(scratch.subject, at: 0)
        end = append(scratch.source, at: end)
        end = append(scratch.id, at: end)
        return hash(scratch.written(end))
    }

    @inline(__always)
    private func append(_ part: UnsafeRawBufferPointer, at offset: Int) -> Int {
        scratch.text.storeBytes(
            of: UInt32(truncatingIfNeeded: part.count), toByteOffset: offset, as: UInt32.self)
        if let base = part.baseAddress {
            (scratch.text + offset + 4).copyMemory(from: base, byteCount: part.count)
        }
        return offset + 4 + part.count
    }

    // MARK: Cells

    private mutating func apply(_ record: FoldRecord, _ tally: inout Tally) {
        tally.eventCount += 1
        if record.timestamp >= 0 {
            tally.oldestTimestamp = min(tally.oldestTimestamp, record.timestamp)
        }
        observe(record)
        let event = events[scratch.event]
        guard event.instructionCount > 0 else { return }
        let organization = symbol(scratch.subject, &tally)
        for index in 0..<event.tupleCount {
            let rule = tuples[event.firstTuple + index]
            if parts[rule.first].source == .field || !hasEntries(rule) {
                scratch.tuples[Int(index)] = tuple(rule, event, entry: -1, &tally)
            }
        }
        for index in event.firstInstruction..<(event.firstInstruction + event.instructionCount) {
            let one = instructions[index]
            guard takes(one, event) else { continue }
            if one.fanOut < 0 {
                write(one, event, organization, entry: -1, record.timestamp, &tally)
                continue
            }
            let count = Int(fans[Int(fields[one.fanOut].fanOut)].count)
            for entry in 0..<count {
                write(one, event, organization, entry: entry, record.timestamp, &tally)
            }
        }
    }

    /// Whether a tuple takes part of a fan-out's entries.
    @inline(__always)
    private func hasEntries(_ rule: TupleRule) -> Bool {
        for part in rule.first..<(rule.first + rule.count) where parts[part].source != .field {
            return true
        }
        return false
    }

    private mutating func observe(_ record: FoldRecord) {
        if !scratch.hasOwnTime { counters.untimed += 1 }
        let key = UnsafeRawBufferPointer(start: record.key, count: record.keyCount)
        if record.key == nil || !key.elementsEqual(scratch.subject) { counters.unkeyed += 1 }
        guard record.timestamp >= 0 else { return }
        let late = max(0, record.timestamp / 1_000 - floorDivide(scratch.time, 1_000_000_000))
        var bucket = 0
        while bucket < FoldCounters.latenessBounds.count, late > FoldCounters.latenessBounds[bucket]
        {
            bucket += 1
        }
        counters.lateness[bucket] += 1
        counters.latenessSum += Double(late)
    }

    @inline(__always)
    private func symbol(_ bytes: UnsafeRawBufferPointer, _ tally: inout Tally) -> UInt32 {
        if NameEscape.isPlain(bytes) { return tally.symbols.intern(bytes) }
        return tally.symbols.intern(scratch.written(scratch.escape(bytes, at: 0)))
    }

    /// Symbol of the joined, escaped values of a tuple.
    @inline(__always)
    private func tuple(
        _ rule: TupleRule, _ event: EventRule, entry: Int, _ tally: inout Tally
    ) -> UInt32 {
        if rule.count == 1, parts[rule.first].label.count == 0 {
            return symbol(value(parts[rule.first], event, entry), &tally)
        }
        var end = 0
        for index in rule.first..<(rule.first + rule.count) {
            let part = parts[index]
            if index > rule.first {
                scratch.text.storeBytes(of: 58, toByteOffset: end, as: UInt8.self)
                end += 1
            }
            if let label = part.label.pointer {
                (scratch.text + end).copyMemory(from: label, byteCount: Int(part.label.count))
                end += Int(part.label.count)
            }
            end = scratch.escape(value(part, event, entry), at: end)
        }
        return tally.symbols.intern(scratch.written(end))
    }

    @inline(__always)
    private func value(
        _ part: TuplePart, _ event: EventRule, _ entry: Int
    ) -> UnsafeRawBufferPointer {
        if part.source == .field {
            let value = scratch.fields[Int(part.field - event.firstField)]
            return UnsafeRawBufferPointer(start: value.pointer, count: Int(value.count))
        }
        let rule = fields[part.field]
        let one = self.entry(of: rule.fanOut, entry)
        let value = part.source == .entryKey ? one.key : one.value
        // The entries of an array have no key: they count as unknown there.
        guard value.kind == ES_TEXT.rawValue else { return rule.defaultText.bytes }
        return UnsafeRawBufferPointer(start: value.pointer, count: Int(value.length))
    }

    /// Adds one clause's entry to the cell of each of its windows.
    @inline(__always)
    private mutating func write(
        _ one: Instruction, _ event: EventRule, _ organization: UInt32, entry: Int,
        _ timestamp: Int64, _ tally: inout Tally
    ) {
        var cell = TallyCell(
            set: one.set, window: .all, number: 0, organization: organization, scope: 0, field: 0,
            amount: one.amount)
        if one.amountField >= 0 {
            let amount = scratch.fields[Int(one.amountField - event.firstField)].integer
            cell.amount = one.isNegated ? -amount : amount
        }
        let isNothing = one.operation.isAddition && cell.amount == 0
        if one.scopeTuple >= 0 {
            cell.scope = scratch.tuples[Int(one.scopeTuple - event.firstTuple)]
        }
        let second = windowSecond(of: one, event)
        identify(&cell, one, event, entry, second, &tally)
        for place in one.firstWindow..<(one.firstWindow + one.windowCount) {
            let rule = windows[place]
            cell.window = rule.window
            if one.field != .hour { cell.number = scratch.number(rule.window, ofSecond: second) }
            if isExpired(rule, cell.number, timestamp) {
                // Once a clause: neither each scope nor each entry of a list is one more.
                if one.isFirstScope, entry <= 0 { counters.expiredWindows += 1 }
                continue
            }
            if !isNothing { tally.add(cell, one.operation) }
        }
    }

    /// Fills in what identifies the cell beside window and scope, and an extreme's value.
    @inline(__always)
    private func identify(
        _ cell: inout TallyCell, _ one: Instruction, _ event: EventRule, _ entry: Int,
        _ second: Int64, _ tally: inout Tally
    ) {
        let value: FieldValue? =
            one.valueField >= 0 ? scratch.fields[Int(one.valueField - event.firstField)] : nil
        switch one.field {
        case .none: break
        case .tuple:
            cell.field =
                entry < 0
                ? scratch.tuples[Int(one.fieldTuple - event.firstTuple)]
                : tuple(tuples[one.fieldTuple], event, entry: entry, &tally)
        case .value:
            if let value {
                cell.field = tally.symbols.intern(
                    UnsafeRawBufferPointer(start: value.pointer, count: Int(value.count)))
            }
        case .step: cell.field = UInt32(HistogramStep.index(of: value?.integer ?? 0))
        case .hour:
            let day = Int32(truncatingIfNeeded: floorDivide(second, 86_400))
            let hour = Int32(truncatingIfNeeded: (second - Int64(day) * 86_400) / 3_600)
            cell.number = CivilDate.weekday(day: day) * 24 + hour
        }
        guard one.operation.rawValue >= CellOperation.minimum.rawValue, one.operation != .distinct
        else { return }
        let number = one.value == .eventTime ? scratch.time : value?.integer ?? 0
        if one.operation == .minimum || one.operation == .maximum {
            cell.amount = number
        } else {
            cell.amount = scratch.time
            cell.payload = payload(one, value, number, &tally)
        }
    }

    /// Symbol of the value that a first or last keeps: a text as it is, else 20 digits.
    private func payload(
        _ one: Instruction, _ value: FieldValue?, _ number: Int64, _ tally: inout Tally
    ) -> UInt32 {
        if one.value == .text, let value {
            return tally.symbols.intern(
                UnsafeRawBufferPointer(start: value.pointer, count: Int(value.count)))
        }
        SortableNumber.write(number, to: scratch.text)
        return tally.symbols.intern(scratch.written(SortableNumber.digits))
    }
}

/// Numbers as 20 decimal digits of value + 2^63: as strings they compare like numbers.
public enum SortableNumber {
    /// How many digits.
    public static var digits: Int { 20 }

    /// Writes the 20 digits of a number.
    public static func write(_ number: Int64, to place: UnsafeMutableRawPointer) {
        var rest = UInt64(bitPattern: number) ^ (1 << 63)
        for index in stride(from: digits - 1, through: 0, by: -1) {
            place.storeBytes(of: UInt8(48 + rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
    }

    /// The number that 20 digits stand for, or nil.
    public static func read(_ bytes: some Collection<UInt8>) -> Int64? {
        guard bytes.count == digits else { return nil }
        var value: UInt64 = 0
        for byte in bytes {
            guard case let digit = byte &- 48, digit <= 9 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return Int64(bitPattern: value ^ (1 << 63))
    }
}
