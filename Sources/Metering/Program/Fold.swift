import CEventScan
import CTables

/// The loop: records to tallies. One call a batch; no allocation per event.
///
/// What the loop calls is `mutating` also where it changes nothing: for a borrowing method that is not
/// inlined, the compiler copies all 648 bytes of the program to the stack, at every call.
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
        var fullShard: Int?
        while index < records.count, fullShard == nil {
            if index + 2 < records.count { prefetch(records[index + 2]) }
            fullShard = fold(records[index], index, attributes, cursors, tallies)
            index += 1
        }
        let last = countPending(cursors, tallies)
        return FoldStop(next: index, fullShard: fullShard ?? last)
    }

    /// Fetches a value's lines as far as events usually go: the client's thread wrote them on another core.
    @inline(__always)
    private mutating func prefetch(_ record: FoldRecord) {
        guard let value = record.value else { return }
        for line in stride(from: 0, to: min(320, record.valueCount), by: 64) {
            ct_prefetch(value + line)
        }
    }

    /// Takes one record; returns the shard of the record before where its tally is full now.
    ///
    /// Tables are larger than caches, so what a record will need is asked for as soon as it is known. Whether
    /// it is a duplicate is looked up, and its entries are added, once the next record is read.
    @inline(__always)
    private mutating func fold(
        _ record: FoldRecord, _ index: Int, _ attributes: UnsafePointer<BinaryAttributes>?,
        _ cursors: UnsafeMutablePointer<PartitionCursor>, _ tallies: UnsafeMutablePointer<Tally>
    ) -> Int? {
        let cursor = cursors + Int(record.partitionSlot)
        guard record.offset >= cursor.pointee.position else {
            counters.stale += 1
            return nil
        }
        cursor.pointee.arrive(at: record.offset)
        var outcome = examineEnvelope(record, attributes)
        let shard =
            outcome == .malformed
            ? slotShard(record) : shard(of: scratch.subject)
        let tally = tallies + shard
        var identity: (UInt64, UInt64) = (0, 0)
        if outcome == .accepted {
            scratch.organization = SymbolKey(scratch.subject, symbolSeed)
            tally.pointee.symbols.prefetch(scratch.organization)
            outcome = examineFields(record)
        }
        if outcome == .accepted {
            prepareTuples(tally)
            // Where no duplicates are looked for, nobody asks which event it is.
            if cursor.pointee.seen.span > 0 {
                identity = identityHash.hash(scratch.subject, scratch.source, scratch.id)
                cursor.pointee.seen.prefetch(identity)
            }
        }
        let fullShard = countPending(cursors, tallies)
        let isFolded = cursor.pointee.isFolded(record.offset, shard: shard)
        cursor.pointee.take()
        if isFolded { counters.reread += 1 }
        if outcome == .accepted {
            hold(record, identity, shard, isFolded: isFolded)
            if !isFolded { apply(record, tally) }
        } else if !isFolded {
            count(outcome, Int(record.partitionSlot), tally)
            if outcome.isRejected {
                note(index, outcome, isBinary: record.attributes >= 0)
            } else {
                counters.ignoredTypes.count(scratch.type)
            }
        }
        return fullShard
    }

    @inline(never)
    private mutating func note(_ index: Int, _ outcome: Outcome, isBinary: Bool) {
        rejected.append(
            RejectedRecord(
                index: index, outcome: outcome, rejection: scratch.rejection,
                field: scratch.rejectedField, event: scratch.event, isBinary: isBinary,
                names: rejectionNames))
    }

    /// Leaves a valid record pending.
    @inline(__always)
    private mutating func hold(
        _ record: FoldRecord, _ identity: (UInt64, UInt64), _ shard: Int, isFolded: Bool
    ) {
        pending.isThere = true
        pending.isFolded = isFolded
        pending.partitionSlot = Int(record.partitionSlot)
        pending.shard = shard
        pending.offset = record.offset
        pending.timestamp = record.timestamp
        pending.identity = identity
    }

    /// Counts the pending record, where it is no duplicate, into its tally; returns its shard where that is full now.
    @inline(__always)
    private mutating func countPending(
        _ cursors: UnsafeMutablePointer<PartitionCursor>, _ tallies: UnsafeMutablePointer<Tally>
    ) -> Int? {
        guard pending.isThere else { return nil }
        let tally = tallies + pending.shard
        let slot = pending.partitionSlot
        let isDuplicate = cursors[slot].seen.insert(pending.identity, at: pending.offset)
        if !pending.isFolded {
            count(isDuplicate ? .duplicate : .accepted, slot, tally)
            if !isDuplicate {
                tally.pointee.countEvent(pending.timestamp)
                observe(pending.observation)
                pending.add(to: tally)
            }
        }
        pending.clear()
        return tally.pointee.isFull ? pending.shard : nil
    }

    @inline(__always)
    private mutating func count(
        _ outcome: Outcome, _ partitionSlot: Int, _ tally: UnsafeMutablePointer<Tally>
    ) {
        counters.outcomes[Int(outcome.rawValue)] += 1
        tally.pointee.count(outcome, partitionSlot: partitionSlot)
    }

    @inline(__always)
    private func shard(of subject: UnsafeRawBufferPointer) -> Int {
        Int(Hashing.fnv1a32(subject) % shardCount)
    }

    /// A malformed record belongs to the shard with its partition's number, modulo V.
    private func slotShard(_ record: FoldRecord) -> Int {
        Int(UInt32(bitPattern: partitionNumbers[Int(record.partitionSlot)]) % shardCount)
    }

    // MARK: Cells

    /// Asks for the places where the event's dimensions will be looked up.
    @inline(__always)
    private func prepareTuples(_ tally: UnsafeMutablePointer<Tally>) {
        let event = events[scratch.event]
        for index in 0..<event.tupleCount {
            let field = tuples[event.firstTuple + index].onlyField
            guard field >= 0 else { continue }
            let key = SymbolKey(
                scratch.fields[Int(field - event.firstField)].bytes, symbolSeed)
            tally.pointee.symbols.prefetch(key)
            scratch.tupleKeys[Int(index)] = key
        }
    }

    private mutating func apply(_ record: FoldRecord, _ tally: UnsafeMutablePointer<Tally>) {
        pending.observation = observation(of: record)
        let event = events[scratch.event]
        guard event.instructionCount > 0 else { return }
        let organization = symbol(scratch.organization, tally)
        for index in 0..<event.tupleCount {
            let rule = tuples[event.firstTuple + index]
            if rule.onlyField >= 0 {
                scratch.tuples[Int(index)] = symbol(scratch.tupleKeys[Int(index)], tally)
            } else if !rule.takesEntries {
                scratch.tuples[Int(index)] = tuple(rule, event, entry: -1, tally)
            }
        }
        for index in event.firstInstruction..<(event.firstInstruction + event.instructionCount) {
            let one = instructions.base + Int(index)
            guard takes(one, event) else { continue }
            if one.pointee.fanOut < 0 {
                write(one, event, organization, entry: -1, record.timestamp, tally)
                continue
            }
            let count = Int(fans[Int(fields[one.pointee.fanOut].fanOut)].count)
            for entry in 0..<count {
                write(one, event, organization, entry: entry, record.timestamp, tally)
            }
        }
    }

    @inline(__always)
    private mutating func observation(of record: FoldRecord) -> PendingRecord.Observation {
        let key = UnsafeRawBufferPointer(start: record.key, count: record.keyCount)
        return PendingRecord.Observation(
            isUntimed: !scratch.hasOwnTime,
            isUnkeyed: record.key == nil || !key.isEqual(to: scratch.subject),
            lateness: record.timestamp < 0
                ? -1
                : max(0, record.timestamp / 1_000 - floorDivide(scratch.time, 1_000_000_000)))
    }

    @inline(__always)
    private mutating func observe(_ observation: PendingRecord.Observation) {
        if observation.isUntimed { counters.untimed += 1 }
        if observation.isUnkeyed { counters.unkeyed += 1 }
        counters.expiredWindows += observation.expiredWindows
        let late = observation.lateness
        guard late >= 0 else { return }
        var bucket = 0
        while bucket < FoldCounters.latenessBounds.count, late > FoldCounters.latenessBounds[bucket]
        {
            bucket += 1
        }
        counters.lateness[bucket] += 1
        counters.latenessSum += Double(late)
    }

    @inline(__always)
    private mutating func symbol(_ key: SymbolKey, _ tally: UnsafeMutablePointer<Tally>) -> UInt32 {
        if key.isPlain { return tally.pointee.symbols.intern(key) }
        return tally.pointee.symbols.intern(scratch.written(scratch.escape(key.bytes, at: 0)))
    }

    /// Symbol of the joined, escaped values of a tuple.
    private mutating func tuple(
        _ rule: TupleRule, _ event: EventRule, entry: Int, _ tally: UnsafeMutablePointer<Tally>
    ) -> UInt32 {
        if rule.count == 1, parts[rule.first].label.count == 0 {
            return symbol(SymbolKey(value(parts[rule.first], event, entry), symbolSeed), tally)
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
        return tally.pointee.symbols.intern(scratch.written(end))
    }

    @inline(__always)
    private mutating func value(
        _ part: TuplePart, _ event: EventRule, _ entry: Int
    ) -> UnsafeRawBufferPointer {
        if part.source == .field {
            return scratch.fields[Int(part.field - event.firstField)].bytes
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
        _ one: UnsafePointer<Instruction>, _ event: EventRule, _ organization: UInt32, entry: Int,
        _ timestamp: Int64, _ tally: UnsafeMutablePointer<Tally>
    ) {
        var cell = TallyCell(
            set: one.pointee.set, window: .all, number: 0, organization: organization, scope: 0,
            field: 0,
            amount: one.pointee.amount)
        if one.pointee.amountField >= 0 {
            let amount = scratch.fields[Int(one.pointee.amountField - event.firstField)].integer
            cell.amount = one.pointee.isNegated ? -amount : amount
        }
        let isNothing = one.pointee.operation.isAddition && cell.amount == 0
        if one.pointee.scopeTuple >= 0 {
            cell.scope = scratch.tuples[Int(one.pointee.scopeTuple - event.firstTuple)]
        }
        let second = windowSecond(of: one, event)
        identify(&cell, one, event, entry, second, tally)
        for index in one.pointee.firstWindow..<(one.pointee.firstWindow + one.pointee.windowCount) {
            let rule = windows[index]
            cell.window = rule.window
            if one.pointee.field != .hour {
                cell.number = scratch.number(rule.window, ofSecond: second)
            }
            if isExpired(rule, cell.number, timestamp) {
                // Once a clause: neither each scope nor each entry of a list is one more.
                if one.pointee.isFirstScope, entry <= 0 { pending.observation.expiredWindows += 1 }
                continue
            }
            if !isNothing { pending.append(cell, one.pointee.operation, tally) }
        }
    }

    /// Fills in what identifies the cell beside window and scope, and an extreme's value.
    @inline(__always)
    private mutating func identify(
        _ cell: inout TallyCell, _ one: UnsafePointer<Instruction>, _ event: EventRule,
        _ entry: Int,
        _ second: Int64, _ tally: UnsafeMutablePointer<Tally>
    ) {
        let value: FieldValue? =
            one.pointee.valueField >= 0
            ? scratch.fields[Int(one.pointee.valueField - event.firstField)] : nil
        switch one.pointee.field {
        case .none: break
        case .tuple:
            cell.field =
                entry < 0
                ? scratch.tuples[Int(one.pointee.fieldTuple - event.firstTuple)]
                : tuple(tuples[one.pointee.fieldTuple], event, entry: entry, tally)
        case .value:
            if let value {
                cell.field = tally.pointee.symbols.intern(value.bytes)
            }
        case .step: cell.field = UInt32(HistogramStep.index(of: value?.integer ?? 0))
        case .hour:
            let day = Int32(truncatingIfNeeded: floorDivide(second, 86_400))
            let hour = Int32(truncatingIfNeeded: (second - Int64(day) * 86_400) / 3_600)
            cell.number = CivilDate.weekday(day: day) * 24 + hour
        }
        guard one.pointee.operation.keepsValue else { return }
        let number = one.pointee.value == .eventTime ? scratch.time : value?.integer ?? 0
        if one.pointee.operation == .minimum || one.pointee.operation == .maximum {
            cell.amount = number
        } else {
            cell.amount = scratch.time
            cell.payload = payload(one, value, number, tally)
        }
    }

    /// Symbol of the value that a first or last keeps: a text as it is, else 20 digits.
    private mutating func payload(
        _ one: UnsafePointer<Instruction>, _ value: FieldValue?, _ number: Int64,
        _ tally: UnsafeMutablePointer<Tally>
    ) -> UInt32 {
        if one.pointee.value == .text, let value {
            return tally.pointee.symbols.intern(value.bytes)
        }
        SortableNumber.write(number, to: scratch.text)
        return tally.pointee.symbols.intern(scratch.written(SortableNumber.digits))
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
