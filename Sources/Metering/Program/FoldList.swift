import CEventScan

/// Folds records that have several events: entries of an array, or lines.
///
/// All events of a record are read before the first one is counted. One that must be rejected
/// rejects the record; otherwise each event is counted as if it were a record of its own, at the
/// same offset and in the shard of its subject. A record is never divided between two commits of a
/// shard, because `run` can stop only between records.
extension Program {
    /// Takes one record with a list of events, at which the cursor has arrived.
    ///
    /// Returns a shard whose tally is now full; others may be, too.
    @inline(never)
    mutating func foldList(
        _ record: FoldRecord, _ index: Int, _ cursors: UnsafeMutablePointer<PartitionCursor>,
        _ tallies: UnsafeMutablePointer<Tally>
    ) -> Int? {
        var fullShard = countPending(cursors, tallies)
        let cursor = cursors + Int(record.partitionSlot)
        let slot = Int(record.partitionSlot)
        let home = slotShard(record)
        let isHomeFolded = cursor.pointee.isFolded(record.offset, shard: home)
        held.begin()
        let outcome = readList(record, cursor, tallies)
        pending.clear()
        cursor.pointee.take()
        if outcome == .accepted, !held.events.isEmpty {
            countHeld(record, cursors, tallies)
        } else if isHomeFolded {
            counters.reread += 1
        } else if outcome.isRejected {
            count(outcome, slot, tallies + home)
            noteRejected(index, outcome, isBinary: false)
        } else {
            count(.ignored, slot, tallies + home)
            if outcome == .accepted {
                counters.lists += 1
                counters.emptyLists += 1
            }
        }
        scratch.eventIndex = -1
        // Names of a rejected record's events are in the tallies as well.
        for event in held.events where tallies[event.shard].isFull { fullShard = event.shard }
        return fullShard
    }

    /// Counts the events that are held back, in their order.
    private mutating func countHeld(
        _ record: FoldRecord, _ cursors: UnsafeMutablePointer<PartitionCursor>,
        _ tallies: UnsafeMutablePointer<Tally>
    ) {
        let slot = Int(record.partitionSlot)
        var hasFolded = false
        var (entry, byte) = (0, 0)
        for index in held.events.indices {
            let event = held.events[index]
            let tally = tallies + event.shard
            let isDuplicate =
                event.outcome == .accepted
                && cursors[slot].seen.insert(event.identity, at: record.offset)
            if event.isFolded {
                hasFolded = true
            } else {
                count(isDuplicate ? .duplicate : event.outcome, slot, tally)
                if index == 0 {
                    counters.lists += 1
                } else {
                    counters.furtherEvents += 1
                    tally.pointee.countFurther(partitionSlot: slot)
                }
                if event.outcome == .ignored {
                    held.bytes[byte..<event.bytesEnd].withUnsafeBytes {
                        counters.ignoredTypes.count($0)
                    }
                } else if !isDuplicate {
                    tally.pointee.countEvent(record.timestampMilliseconds)
                    observe(event.observation)
                    for place in entry..<event.entriesEnd {
                        let held = held.entries[place]
                        tally.pointee.add(held.cell, held.hash, held.operation)
                    }
                }
            }
            (entry, byte) = (event.entriesEnd, event.bytesEnd)
        }
        if hasFolded { counters.reread += 1 }
    }

    // MARK: Reading

    /// Reads all events of a record into `held`; without cursor and tallies only who they are.
    ///
    /// `accepted`: they can be counted, if there are any. `ignored`: the record is a null value
    /// that the catalog ignores. Else the record is rejected for the reason in `scratch`.
    mutating func readList(
        _ record: FoldRecord, _ cursor: UnsafeMutablePointer<PartitionCursor>?,
        _ tallies: UnsafeMutablePointer<Tally>?
    ) -> Outcome {
        scratch.event = -1
        scratch.eventIndex = -1
        guard let value = record.value else {
            return refuse(.tombstone, envelope.ignoresTombstones ? .ignored : .malformed)
        }
        if record.valueByteCount > EventLimits.valueBytes { return refuse(.oversized) }
        if record.schema < -1 { return refuse(Frames.rejection(ofSchema: record.schema)) }
        let text = UnsafeRawBufferPointer(start: value, count: record.valueByteCount)
        // A catalog that says itself where the events are is not asked what the headers say.
        let isBatch = firstSingle < 0
        if !isBatch, outers.count == 0 { return readLines(text, record, cursor, tallies) }
        if text.isEmpty { return refuse(.emptyValue) }
        return readEntries(
            of: text, isBatch ? batchRule() : outers[0], record, cursor, tallies, level: 0)
    }

    /// Rejects, or ignores, the record as a whole, not for one of its events.
    private mutating func refuse(
        _ rejection: Rejection, _ outcome: Outcome = .malformed, list: Int = -1
    ) -> Outcome {
        scratch.event = -1
        scratch.eventIndex = -1
        scratch.rejection = rejection
        scratch.rejectedField = Int32(list)
        return outcome
    }

    /// Reads each line that is not blank as one event.
    private mutating func readLines(
        _ text: UnsafeRawBufferPointer, _ record: FoldRecord,
        _ cursor: UnsafeMutablePointer<PartitionCursor>?, _ tallies: UnsafeMutablePointer<Tally>?
    ) -> Outcome {
        var start = 0
        while start < text.count {
            let rest = UnsafeRawBufferPointer(rebasing: text[start...])
            let length = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.count
            let line = UnsafeRawBufferPointer(rebasing: rest[..<length])
            start += length + 1
            if line.allSatisfy(Self.isBlank) { continue }
            let outcome = readEvent(line, record, cursor, tallies)
            guard outcome == .accepted else { return outcome }
        }
        return .accepted
    }

    /// Reads the events of the list in a text, which contains the events at a level.
    private mutating func readEntries(
        of text: UnsafeRawBufferPointer, _ outer: OuterRule, _ record: FoldRecord,
        _ cursor: UnsafeMutablePointer<PartitionCursor>?, _ tallies: UnsafeMutablePointer<Tally>?,
        level: Int
    ) -> Outcome {
        let result = es_scan(
            outer.scanner, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, 0,
            outer.isArray ? 0 : 1)
        if let rejection = rejection(of: result) {
            return level > 0 && rejection == .notAnObject
                ? refuse(.containerNotObject, list: level - 1) : refuse(rejection)
        }
        switch outer.slots[Int(outer.list)].kind {
        case ES_ARRAY.rawValue: break
        case ES_ABSENT.rawValue, ES_NULL.rawValue:
            // Further in, what has no list has no events.
            if level > 0 { return .accepted }
            return refuse(outer.isArray ? .eventsNotArray : .noEvents, list: level)
        default: return refuse(.eventsNotArray, list: level)
        }
        var count: UInt32 = 0
        let parts = es_parts(outer.scanner, &count)
        guard count <= EventLimits.events else { return refuse(.tooManyEvents) }
        for index in 0..<Int(count) {
            guard let part = parts?[index] else { break }
            let entry = UnsafeRawBufferPointer(start: part.text, count: Int(part.length))
            let outcome =
                level + 1 < outers.count
                ? readEntries(
                    of: entry, outers[Int32(level + 1)], record, cursor, tallies, level: level + 1)
                : readEvent(entry, record, cursor, tallies)
            guard outcome == .accepted else { return outcome }
        }
        return .accepted
    }

    /// Reads one event and holds it back; only an event that rejects the record is not `accepted`.
    private mutating func readEvent(
        _ text: UnsafeRawBufferPointer, _ record: FoldRecord,
        _ cursor: UnsafeMutablePointer<PartitionCursor>?, _ tallies: UnsafeMutablePointer<Tally>?
    ) -> Outcome {
        guard held.events.count < EventLimits.events else { return refuse(.tooManyEvents) }
        var event = record
        event.value = text.baseAddress
        event.valueByteCount = text.count
        event.attributes = -1
        scratch.eventIndex = Int32(held.events.count)
        var outcome = examineEnvelope(event, nil)
        if outcome == .malformed { return outcome }
        let shard = shard(of: scratch.subject)
        let isFolded = cursor?.pointee.isFolded(record.offset, shard: shard) ?? false
        if outcome == .accepted {
            scratch.organization = SymbolKey(scratch.subject, symbolSeed)
            outcome = examineFields(event)
        }
        if outcome.isRejected { return outcome }
        var identity: (UInt64, UInt64) = (0, 0)
        if outcome == .accepted {
            if cursor?.pointee.seen.span != 0 {
                identity = identityHash.hash(scratch.subject, scratch.source, scratch.id)
            }
            if let tallies, !isFolded {
                prepareTuples(tallies + shard)
                apply(event, tallies + shard)
                pending.move(to: &held.entries)
            }
            if tallies == nil { held.bytes.append(contentsOf: scratch.subject) }
        } else {
            held.bytes.append(contentsOf: scratch.type)
        }
        held.append(
            outcome, shard: shard, isFolded: isFolded, identity: identity, pending.observation)
        return .accepted
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    /// What a batch of CloudEvents is: the array itself.
    private mutating func batchRule() -> OuterRule {
        if batchScanner == nil {
            var tree = ScanTree()
            _ = tree.parts(at: [])
            batchScanner = tree.makeScanner().scanner
        }
        guard let batchScanner else { preconditionFailure("no memory for a scanner of batches") }
        return OuterRule(
            scanner: batchScanner, slots: es_slots(batchScanner), list: 0, isArray: true)
    }

    /// Forgets what contained the events of the record before, for one that is not contained.
    mutating func forgetOuters() {
        for level in 0..<outers.count {
            let nothing = Self.bytes("null")
            _ = es_scan(
                outers.base[level].scanner,
                nothing.baseAddress?.assumingMemoryBound(to: CChar.self), nothing.count, 0, 0)
        }
    }
}
