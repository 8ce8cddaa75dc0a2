internal import Ledger
internal import Metering

/// The decisions of a lane, without Kafka and Redis: cursors, tallies, and what follows from an
/// outcome.
///
/// The law of exactly once is here and in the commit script. Each shard has two tallies: one takes
/// records while the other is on its way to Redis. Nothing here waits and everything is called from
/// outside, so that a simulation can try any order of events. One thread.
struct LaneCore: ~Copyable {
    var program: Program
    private var encoder: TallyEncoder
    let partitions: [LogPartition]
    private let markMembers: [[UInt8]]
    private let auditMembers: [[[UInt8]]]
    let cursors: UnsafeMutablePointer<PartitionCursor>
    private let memory = TableMemory()
    private let folding: UnsafeMutablePointer<Tally>
    private var flying: [UnsafeMutablePointer<Tally>?]
    /// Empty tallies; the last one is taken first, because its memory may still be in a cache.
    private var spare: [UnsafeMutablePointer<Tally>] = []
    let shardCount: Int
    var shards: [Shard]
    private var last: [Fingerprint?]
    private var lastIndex: [Int]
    /// The first record taken of each partition.
    private(set) var firstTaken: [Fingerprint?]
    /// How many batches were folded so far.
    private(set) var batches = 0
    private var scriptCost = ScriptCost()

    static let auditNames = [
        "delivered", "gaps", "accepted", "duplicate", "ignored", "rejected", "further",
    ]

    /// A core for these partitions, with where each is read from and its marks.
    init(
        program: consuming Program, layout: KeyLayout, starts: [Start], dedupeWindow: Int64
    ) {
        self.program = program
        encoder = TallyEncoder(layout: layout, cellSets: self.program.cellSets)
        partitions = starts.map(\.partition)
        markMembers = partitions.map(\.markMember)
        auditMembers = partitions.map { partition in
            Self.auditNames.map { partition.markMember + Array(":\($0)".utf8) }
        }
        shardCount = layout.shardCount
        cursors = .allocate(capacity: max(1, starts.count))
        for (slot, start) in starts.enumerated() {
            (cursors + slot).initialize(
                to: PartitionCursor(
                    position: start.position, marks: start.marks, aside: start.aside,
                    span: dedupeWindow))
        }
        folding = .allocate(capacity: shardCount)
        flying = Array(repeating: nil, count: shardCount)
        for shard in 0..<shardCount {
            (folding + shard).initialize(
                to: Tally(partitionCount: starts.count, memory: memory))
        }
        shards = Array(repeating: Shard(), count: shardCount)
        last = Array(repeating: nil, count: starts.count)
        lastIndex = Array(repeating: -1, count: starts.count)
        firstTaken = Array(repeating: nil, count: starts.count)
        self.program.partitionNumbers = partitions.map(\.partition)
    }

    deinit {
        cursors.deinitialize(count: partitions.count)
        cursors.deallocate()
        folding.deinitialize(count: shardCount)
        folding.deallocate()
        for tally in spare + flying.compactMap({ $0 }) {
            tally.deinitialize(count: 1)
            tally.deallocate()
        }
    }

    // MARK: Folding

    /// Folds records from `first` on.
    ///
    /// It stops early when a tally is full; the result names the shard, which must be committed
    /// before the rest can be folded.
    mutating func fold(
        _ records: UnsafeBufferPointer<FoldRecord>, from first: Int,
        attributes: UnsafePointer<BinaryAttributes>?
    ) -> FoldStop {
        let stop = program.run(
            records, from: first, attributes: attributes, cursors: cursors, tallies: folding)
        batches += 1
        for index in first..<stop.next {
            let slot = Int(records[index].partitionSlot)
            lastIndex[slot] = index
            if firstTaken[slot] == nil { firstTaken[slot] = Self.fingerprint(of: records[index]) }
        }
        for slot in lastIndex.indices where lastIndex[slot] >= 0 {
            let record = records[lastIndex[slot]]
            lastIndex[slot] = -1
            guard record.offset == cursors[slot].position - 1 else { continue }
            last[slot] = Self.fingerprint(of: record)
        }
        return stop
    }

    private static func fingerprint(of record: FoldRecord) -> Fingerprint {
        Fingerprint(
            offset: record.offset, timestamp: record.timestampMilliseconds,
            key: record.key.map { UnsafeRawBufferPointer(start: $0, count: record.keyByteCount) },
            value: record.wholeValue)
    }

    /// Notes that the log holds no record from the position up to `offset`.
    mutating func skip(slot: Int, to offset: Int64) { cursors[slot].skip(to: offset) }

    /// Next offset that is read of a partition.
    func position(slot: Int) -> Int64 { cursors[slot].position }

    /// The last record taken of a partition; nil before the first and after a step back.
    func newest(slot: Int) -> Fingerprint? { last[slot] }

    /// The offset up to which every change of a cell is in Redis, shards set aside left out.
    ///
    /// It may be above the marks: a shard without new cells moves its marks only now and then.
    func applied(slot: Int) -> Int64 {
        var lowest = cursors[slot].position
        for (number, shard) in shards.enumerated() where shard.aside == nil {
            for sent in shard.sent where sent.slot == slot { lowest = min(lowest, sent.range.from) }
            if folding[number].count > 0 || shard.awaitsMarks {
                lowest = min(lowest, cursors[slot].start(shard: number))
            }
        }
        return lowest
    }

    /// Least timestamp of the last records taken, one of each partition, since 1970; nil when none
    /// was taken.
    var leastLastTimestamp: Milliseconds? { last.compactMap { $0?.timestamp }.min() }

    /// How many offsets a partition's window of ids reaches back.
    func seenWindowReach(slot: Int) -> Int64 { cursors[slot].seen.reach }

    /// Bytes of a partition's window of ids.
    func seenWindowBytes(slot: Int) -> Int { cursors[slot].seen.byteCount }

    /// Bytes of all tallies, folding, in flight and empty.
    var tallyBytes: Int {
        var count = 0
        for shard in 0..<shardCount { count += folding[shard].byteCount }
        for tally in spare { count += tally.pointee.byteCount }
        for tally in flying { count += tally?.pointee.byteCount ?? 0 }
        return count
    }

    /// Whether no folding tally is full.
    var hasRoom: Bool {
        for shard in 0..<shardCount where folding[shard].isFull { return false }
        return true
    }

    /// Whether the folding tally of a shard holds cells.
    func hasCells(shard: Int) -> Bool { folding[shard].count > 0 }

    /// Whether a shard's folding tally must be committed before it can take more.
    func isFull(shard: Int) -> Bool { folding[shard].isFull }

    /// Whether a shard has taken records that its marks do not cover; never of one set aside.
    func isBehind(shard: Int) -> Bool {
        guard shards[shard].aside == nil, !shards[shard].awaitsMarks else { return false }
        for slot in partitions.indices {
            let range = cursors[slot].range(shard: shard)
            if range.from < range.to { return true }
        }
        return false
    }

    /// Whether a shard's tally was handed over and its outcome is not known.
    func isInFlight(shard: Int) -> Bool { !shards[shard].sent.isEmpty }

    /// Whether any tally is handed over, those of shards that wait for their nodes left out.
    var hasInFlight: Bool { shards.contains { !$0.sent.isEmpty && $0.moving == nil } }

    // MARK: Committing

    /// What the schedule needs to know of a shard; nil when it has nothing to commit or its commit
    /// is on its way.
    func committable(shard: Int) -> CommitSchedule.Shard? {
        guard !isInFlight(shard: shard), shards[shard].moving == nil, isBehind(shard: shard) else {
            return nil
        }
        return CommitSchedule.Shard(
            hasCells: hasCells(shard: shard), endedAt: shards[shard].committedAt)
    }

    /// Closes the folding tally of a shard, to be committed; false when there is nothing to commit.
    ///
    /// It may be sent after the next look at the log: see `AssignmentComparison.swift`.
    mutating func handOver(shard: Int) -> Bool {
        precondition(!isInFlight(shard: shard), "one commit of a shard at a time")
        guard shards[shard].moving == nil, isBehind(shard: shard) else { return false }
        for slot in partitions.indices {
            let range = cursors[slot].range(shard: shard)
            guard range.from < range.to else { continue }
            shards[shard].sent.append(
                SentRange(
                    slot: slot, range: range,
                    fingerprint: range.to == cursors[slot].position ? last[slot] : nil))
            cursors[slot].handOver(shard: shard)
        }
        let tally = spare.popLast() ?? newTally()
        tally.pointee.fullCostNanoseconds = scriptCost.fullNanoseconds
        swap(&folding[shard], &tally.pointee)
        flying[shard] = tally
        shards[shard].unseenBatch = batches
        return true
    }

    /// Writes the arguments of the commit of a tally that was handed over, as often as it is sent.
    ///
    /// `mayDump`: whether the server lets new keys be made of dumps.
    mutating func writeFlying(
        shard: Int, contract: [UInt8], mayDump: Bool, to arguments: inout CommitArguments
    ) {
        encoder.mayDump = mayDump
        encoder.begin(&arguments, shard: shard, contract: contract)
        guard let tally = flying[shard] else { preconditionFailure("no tally was handed over") }
        for sent in shards[shard].sent {
            arguments.addRange(
                member: markMembers[sent.slot], from: sent.range.from, to: sent.range.to,
                fingerprint: sent.fingerprint)
            let own = tally.pointee.outcomes(partitionSlot: sent.slot)
            let deltas = [
                sent.range.delivered, sent.range.gaps, own.0, own.1, own.2, own.3,
                tally.pointee.further(partitionSlot: sent.slot),
            ]
            for (index, delta) in deltas.enumerated() where delta != 0 {
                arguments.addAudit(member: auditMembers[sent.slot][index], delta: delta)
            }
        }
        encoder.addCells(of: tally.pointee, shard: shard, to: &arguments)
        shards[shard].redirected = encoder.redirected
    }

    /// Cells, events and least record timestamp of the tally in flight, and when it was sent.
    func flyingSize(
        shard: Int
    ) -> (cells: Int, events: Int64, oldest: Milliseconds, sentAt: Milliseconds) {
        let sentAt = shards[shard].sentAt
        guard let tally = flying[shard] else { return (0, 0, .max, sentAt) }
        return (
            tally.pointee.count, tally.pointee.eventCount,
            tally.pointee.oldestTimestampMilliseconds, sentAt
        )
    }

    private func newTally() -> UnsafeMutablePointer<Tally> {
        let tally = UnsafeMutablePointer<Tally>.allocate(capacity: 1)
        tally.initialize(to: Tally(partitionCount: partitions.count, memory: memory))
        return tally
    }

    /// Empties the tally in flight, if there is one, for use by any shard.
    private mutating func releaseFlying(shard: Int) {
        guard let tally = flying[shard] else { return }
        tally.pointee.removeAll()
        spare.append(tally)
        flying[shard] = nil
    }

    /// Decides what follows from the outcome of a shard's commit.
    ///
    /// `isAlone`: whether each shard has a node of its own, so that what hinders this one does not
    /// concern the others.
    mutating func conclude(
        shard: Int, _ outcome: CommitOutcome, isAlone: Bool = false, now: Milliseconds
    ) -> NextStep {
        if isAlone, let moving = Moving(outcome, now: now) {
            if case .mismatch = outcome, isLanded(shard: shard, outcome) {
                complete(shard, now)
                return .done
            }
            beginMoving(shard, moving)
            return .move
        }
        switch outcome {
        case .applied:
            complete(shard, now)
            return .done
        case .mismatch:
            if isLanded(shard: shard, outcome) {
                complete(shard, now)
                return .done
            }
            drop(shard)
            return .reread
        case .contract(let current): return .foreignContract(current)
        case .torn(let reason):
            setAside(shard, Aside(refused: nil, reason: "torn: \(reason)", lookAt: nil))
            return .aside(reason)
        case .cellRefused(let cell):
            let pause = shards[shard].pause
            shards[shard].pause = pause < 60_000 ? 60_000 : min(3_600_000, pause * 2)
            setAside(shard, Aside(refused: cell, reason: cell.error, lookAt: now + pause))
            return .aside(cell.error)
        case .scopes(let verdicts):
            encoder.learn(verdicts)
            return .rewrite
        case .refused(let code, let message): return .wait("\(code): \(message)")
        case .unknown: return .resend
        }
    }

    /// Whether the marks of an outcome are those after the shard's commit.
    private func isLanded(shard: Int, _ outcome: CommitOutcome) -> Bool {
        guard case .mismatch(let marks) = outcome else { return false }
        let sent = shards[shard].sent
        return marks.count == sent.count && zip(marks, sent).allSatisfy { $0 == $1.range.to }
    }

    /// Notes that a shard's commit was applied: its answer says so or, if that was lost, the marks.
    mutating func complete(_ shard: Int, _ now: Milliseconds) {
        shards[shard].sent.removeAll(keepingCapacity: true)
        shards[shard].unseenBatch = nil
        shards[shard].committedAt = now
        shards[shard].pause = 10_000
        forgetWait(shard)
        releaseFlying(shard: shard)
    }

    /// Learns what the commit in flight cost.
    mutating func learnCost(shard: Int, singleScores: Int64, scriptMicroseconds: Int64) {
        guard let tally = flying[shard] else { return }
        scriptCost.learn(
            estimate: Int64(tally.pointee.costNanoseconds),
            full: Int64(tally.pointee.fullCostNanoseconds),
            scriptMicroseconds: scriptMicroseconds, singleScores: singleScores)
    }

    // MARK: Stepping back

    /// Drops both tallies of a shard.
    ///
    /// Its marks must be read and adopted before it commits again.
    mutating func drop(_ shard: Int) {
        shards[shard].sent.removeAll(keepingCapacity: true)
        shards[shard].unseenBatch = nil
        shards[shard].awaitsMarks = true
        releaseFlying(shard: shard)
        folding[shard].removeAll()
    }

    mutating func setAside(_ shard: Int, _ aside: Aside) {
        drop(shard)
        shards[shard].awaitsMarks = false
        shards[shard].aside = aside
        forgetWait(shard)
        for slot in partitions.indices { cursors[slot].setAside(shard: shard) }
    }

    /// Sets a torn shard aside, until its marks say that it was reset or restored.
    mutating func setAsideTorn(_ shard: Int, reason: String) {
        setAside(shard, Aside(refused: nil, reason: "torn: \(reason)", lookAt: nil))
    }

    /// Postpones the next look at a shard that is set aside.
    mutating func keepAside(_ shard: Int, now: Milliseconds) {
        shards[shard].aside?.lookAt = now + 10_000
    }

    /// Puts a shard at these marks, one for each slot; it is no longer set aside.
    ///
    /// `stepBackTarget` tells what has to be read again.
    mutating func adopt(shard: Int, marks: [Int64]) {
        drop(shard)
        shards[shard].awaitsMarks = false
        shards[shard].aside = nil
        for slot in partitions.indices { cursors[slot].reset(shard: shard, to: marks[slot]) }
    }

    /// The offset from which a partition must be read again; nil when it need not be.
    func stepBackTarget(slot: Int) -> Int64? { cursors[slot].rereadFrom }

    /// Moves a partition's position back to `offset`, which is at most its step-back target.
    mutating func stepBack(slot: Int, to offset: Int64) {
        last[slot] = nil
        cursors[slot].stepBack(to: offset)
    }
}
