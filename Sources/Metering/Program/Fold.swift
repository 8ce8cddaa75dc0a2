import CEventScan
import CTables

/// The loop that folds records into tallies: one call for each batch, no allocation per event.
///
/// Methods that the loop calls are `mutating` even where they change nothing. For a method that
/// borrows and is not inlined, the compiler copies the whole program to the stack at every call.
extension Program {
    /// Folds records from index `first` on, until all are taken or a shard's tally is full.
    ///
    /// - Parameters:
    ///   - cursors: one for each partition slot.
    ///   - tallies: for each shard the one that folds.
    /// - Returns: where it stopped. `rejected` then holds what must go to the dead letters.
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

    /// Fetches the cache lines of a value, as far as events usually reach.
    ///
    /// They are not in this core's cache: the Kafka client's thread wrote them on another one.
    @inline(__always)
    private mutating func prefetch(_ record: FoldRecord) {
        guard let value = record.value else { return }
        for line in stride(from: 0, to: min(320, record.valueByteCount), by: 64) {
            ct_prefetch(value + line)
        }
    }

    /// Takes one record.
    ///
    /// Returns the shard of the record before it if that shard's tally is now full.
    ///
    /// The tables are larger than the caches. So the memory that a record will need is prefetched
    /// as soon as it is known, and the look-up for duplicates and the additions wait until the next
    /// record has been read.
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
        if record.attributes < firstSingle {
            return foldList(record, index, cursors, tallies)
        }
        var outcome = examineEnvelope(record, attributes)
        let shard =
            outcome == .malformed || scratch.rejection == .tombstone
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
            // Without a dedupe window nothing needs the event's identity.
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
                noteRejected(index, outcome, isBinary: record.attributes >= 0)
            } else if scratch.rejection != .tombstone {
                counters.ignoredTypes.count(scratch.type)
            }
        }
        return fullShard
    }

    @inline(never)
    mutating func noteRejected(_ index: Int, _ outcome: Outcome, isBinary: Bool) {
        rejected.append(
            RejectedRecord(
                index: index, outcome: outcome, rejection: scratch.rejection,
                field: scratch.rejectedField, event: scratch.event, isBinary: isBinary,
                eventIndex: scratch.eventIndex, names: rejectionNames))
    }

    /// Makes a valid record the pending one.
    @inline(__always)
    private mutating func hold(
        _ record: FoldRecord, _ identity: (UInt64, UInt64), _ shard: Int, isFolded: Bool
    ) {
        pending.isThere = true
        pending.isFolded = isFolded
        pending.partitionSlot = Int(record.partitionSlot)
        pending.shard = shard
        pending.offset = record.offset
        pending.timestampMilliseconds = record.timestampMilliseconds
        pending.identity = identity
    }

    /// Counts the pending record into its tally, unless it is a duplicate.
    ///
    /// Returns its shard if the tally is now full.
    @inline(__always)
    mutating func countPending(
        _ cursors: UnsafeMutablePointer<PartitionCursor>, _ tallies: UnsafeMutablePointer<Tally>
    ) -> Int? {
        guard pending.isThere else { return nil }
        let tally = tallies + pending.shard
        let slot = pending.partitionSlot
        let isDuplicate = cursors[slot].seen.insert(pending.identity, at: pending.offset)
        if !pending.isFolded {
            count(isDuplicate ? .duplicate : .accepted, slot, tally)
            if !isDuplicate {
                tally.pointee.countEvent(pending.timestampMilliseconds)
                observe(pending.observation)
                pending.add(to: tally)
            }
        }
        pending.clear()
        return tally.pointee.isFull ? pending.shard : nil
    }

    @inline(__always)
    mutating func count(
        _ outcome: Outcome, _ partitionSlot: Int, _ tally: UnsafeMutablePointer<Tally>
    ) {
        counters.outcomes[Int(outcome.rawValue)] += 1
        tally.pointee.count(outcome, partitionSlot: partitionSlot)
    }

    @inline(__always)
    func shard(of subject: UnsafeRawBufferPointer) -> Int {
        Int(Hashing.fnv1a32(subject) % shardCount)
    }

    /// The shard of a malformed record, whose subject may be missing.
    ///
    /// It is the partition's number modulo the number of shards.
    func slotShard(_ record: FoldRecord) -> Int {
        Int(UInt32(bitPattern: partitionNumbers[Int(record.partitionSlot)]) % shardCount)
    }

    // MARK: Cells

    /// Prefetches the cache lines in which the event's dimensions will be looked up.
    @inline(__always)
    func prepareTuples(_ tally: UnsafeMutablePointer<Tally>) {
        let event = events[scratch.event]
        for index in 0..<event.tupleCount {
            let field = tuples[event.firstTuple + index].onlyField
            guard field >= 0 else { continue }
            let key = SymbolKey(
                scratch.field(field, of: event).bytes, symbolSeed)
            tally.pointee.symbols.prefetch(key)
            scratch.tupleKeys[Int(index)] = key
        }
    }

    @inline(__always)
    mutating func apply(_ record: FoldRecord, _ tally: UnsafeMutablePointer<Tally>) {
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
            let instruction = instructions.base + Int(index)
            guard takes(instruction, event) else { continue }
            var organization = organization
            if instruction.pointee.owner != .subject {
                if instruction.pointee.owner == .list {
                    list(
                        instruction, event, organization, record.timestampMilliseconds, tally)
                    continue
                }
                organization = tally.pointee.symbols.intern(across.all)
            }
            if instruction.pointee.fanOut < 0 {
                write(
                    instruction, event, organization, entry: -1, record.timestampMilliseconds, tally
                )
                continue
            }
            let count = Int(fans[Int(fields[instruction.pointee.fanOut].fanOut)].count)
            for entry in 0..<count {
                write(
                    instruction, event, organization, entry: entry, record.timestampMilliseconds,
                    tally)
            }
        }
    }

    @inline(__always)
    private mutating func observation(of record: FoldRecord) -> PendingRecord.Observation {
        let key = UnsafeRawBufferPointer(start: record.key, count: record.keyByteCount)
        return PendingRecord.Observation(
            isUntimed: !scratch.hasOwnTime,
            isUnkeyed: record.key == nil || !key.isEqual(to: scratch.subject),
            latenessSeconds: record.timestampMilliseconds < 0
                ? -1
                : max(
                    0,
                    record.timestampMilliseconds / 1_000
                        - floorDivide(scratch.timeNanoseconds, 1_000_000_000)))
    }

    @inline(__always)
    mutating func observe(_ observation: PendingRecord.Observation) {
        if observation.isUntimed { counters.untimed += 1 }
        if observation.isUnkeyed { counters.unkeyed += 1 }
        counters.expiredWindows += observation.expiredWindows
        let lateness = observation.latenessSeconds
        guard lateness >= 0 else { return }
        let bounds = FoldCounters.latenessBoundsSeconds
        var bucket = 0
        while bucket < bounds.count, lateness > bounds[bucket] {
            bucket += 1
        }
        counters.lateness[bucket] += 1
        counters.latenessSumSeconds += Double(lateness)
    }

    @inline(__always)
    private mutating func symbol(_ key: SymbolKey, _ tally: UnsafeMutablePointer<Tally>) -> UInt32 {
        if key.isPlain { return tally.pointee.symbols.intern(key) }
        return tally.pointee.symbols.intern(scratch.written(scratch.escape(key.bytes, at: 0)))
    }

    /// Symbol of a tuple's values, escaped and joined.
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
                scratch.text.storeBytes(of: UInt8(ascii: ":"), toByteOffset: end, as: UInt8.self)
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
            return scratch.field(part.field, of: event).bytes
        }
        let rule = fields[part.field]
        let listEntry = self.entry(of: rule.fanOut, entry)
        let value = part.source == .entryKey ? listEntry.key : listEntry.value
        guard value.kind == ES_TEXT.rawValue else {
            if part.source == .entryValue, let text = otherText(value, rule.other) { return text }
            // An array's entries have no key: a dimension that is the key gets the default for
            // them.
            return rule.defaultText.bytes
        }
        return UnsafeRawBufferPointer(start: value.pointer, count: Int(value.length))
    }

    /// Appends an instruction's change to the pending record, once for each of its windows.
    ///
    /// `entry` is the list's entry that it counts, -1 without a list.
    @inline(__always)
    private mutating func write(
        _ instruction: UnsafePointer<Instruction>, _ event: EventRule, _ organization: UInt32,
        entry: Int,
        _ timestampMilliseconds: Int64, _ tally: UnsafeMutablePointer<Tally>
    ) {
        var cell = TallyCell(
            cellSet: instruction.pointee.cellSet, window: .all, number: 0,
            organization: organization, scope: 0, member: 0, amount: instruction.pointee.amount)
        if instruction.pointee.amountField >= 0 {
            let amount = scratch.field(instruction.pointee.amountField, of: event).integer
            cell.amount = instruction.pointee.isNegated ? -amount : amount
        }
        let changesNothing = instruction.pointee.operation.isAddition && cell.amount == 0
        if instruction.pointee.scopeTuple >= 0 {
            cell.scope = scratch.tuple(instruction.pointee.scopeTuple, of: event)
        }
        let second = windowSecond(of: instruction, event)
        identify(&cell, instruction, event, entry, second, tally)
        for index in instruction.pointee.windowIndices {
            let rule = windows[index]
            cell.window = rule.window
            if instruction.pointee.place != .hour {
                cell.number = scratch.number(rule.window, ofSecond: second)
            }
            if isExpired(rule, cell.number, timestampMilliseconds) {
                // Once for each clause, however many scopes and list entries it has.
                if instruction.pointee.isFirstScope, entry <= 0 {
                    pending.observation.expiredWindows += 1
                }
                continue
            }
            if !changesNothing { pending.append(cell, instruction.pointee.operation, tally) }
        }
    }

    /// Fills in the cell's member, or a grid's hour, and the value that an extreme keeps.
    @inline(__always)
    private mutating func identify(
        _ cell: inout TallyCell, _ instruction: UnsafePointer<Instruction>, _ event: EventRule,
        _ entry: Int, _ second: Int64, _ tally: UnsafeMutablePointer<Tally>
    ) {
        let value: FieldValue? =
            instruction.pointee.valueField >= 0
            ? scratch.field(instruction.pointee.valueField, of: event) : nil
        switch instruction.pointee.place {
        case .none: break
        case .tuple:
            cell.member =
                entry < 0
                ? scratch.tuple(instruction.pointee.placeTuple, of: event)
                : tuple(tuples[instruction.pointee.placeTuple], event, entry: entry, tally)
        case .value:
            if let value {
                cell.member = tally.pointee.symbols.intern(value.bytes)
            }
        case .step: cell.member = UInt32(HistogramStep.index(of: value?.integer ?? 0))
        case .hour:
            let day = Int32(truncatingIfNeeded: floorDivide(second, 86_400))
            let hour = Int32(truncatingIfNeeded: (second - Int64(day) * 86_400) / 3_600)
            cell.number = CivilDate.weekday(day: day) * 24 + hour
        }
        guard instruction.pointee.operation.keepsValue else { return }
        let number =
            instruction.pointee.value == .eventTime
            ? scratch.timeNanoseconds : value?.integer ?? 0
        if instruction.pointee.operation == .minimum || instruction.pointee.operation == .maximum {
            cell.amount = number
        } else {
            cell.amount = scratch.timeNanoseconds
            cell.payload = payload(instruction, value, number, tally)
        }
    }

    /// Symbol of the value that a first or last keeps.
    ///
    /// A text is kept unchanged, a number or time as the 20 digits of `SortableNumber`.
    private mutating func payload(
        _ instruction: UnsafePointer<Instruction>, _ value: FieldValue?, _ number: Int64,
        _ tally: UnsafeMutablePointer<Tally>
    ) -> UInt32 {
        if instruction.pointee.value == .text, let value {
            return tally.pointee.symbols.intern(value.bytes)
        }
        SortableNumber.write(number, to: scratch.text)
        return tally.pointee.symbols.intern(scratch.written(SortableNumber.digits))
    }
}
