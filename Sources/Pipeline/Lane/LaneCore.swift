internal import Ledger
internal import Metering

/// What a lane knows and decides, without Kafka and Redis: cursors, tallies, and what follows from an outcome.
///
/// The law of exactly once lives here and in the commit script. Each shard has two tallies: one folds
/// while the other is on its way. Everything is driven from outside and nothing here waits, so that a
/// simulation can put any order of events through it. One thread.
struct LaneCore: ~Copyable {
    /// A range that is on its way.
    struct SentRange {
        var slot: Int
        var range: PartitionCursor.Range
        var fingerprint: Fingerprint?
    }

    /// One shard's bookkeeping.
    struct Shard {
        /// Ranges of the tally that was handed over; empty = none was.
        var sent: [SentRange] = []
        /// The latest batch in that tally, until the log was looked at again after it; nil = may be sent.
        var unseenBatch: Int?
        /// When its last commit was sent, in milliseconds of a steady clock.
        var sentAt: Int64 = 0
        /// When its last commit ended, in milliseconds of a steady clock.
        var committedAt: Int64 = 0
        /// Why it is set aside, and until when.
        var aside: Aside?
        /// How long it is set aside when a cell is refused next, in milliseconds.
        var pause: Int64 = 10_000
        /// Its tallies were dropped, and its marks are not read yet.
        var awaitsMarks = false
        /// Cells of the commit in flight that are counted under a scope's `__other__`, by meter.
        var redirected: [String: Int64] = [:]
    }

    /// A shard set aside: its tallies are dropped and it takes nothing until its cell can be changed.
    struct Aside {
        var refused: RefusedCell?
        var reason: String
        /// Next look, in milliseconds of the steady clock; nil = never (torn).
        var lookAt: Int64?
        /// Nobody may commit to it before it is reset or restored.
        var isTorn: Bool { lookAt == nil }
    }

    var program: Program
    private var encoder: TallyEncoder
    let partitions: [LogPartition]
    private let markMembers: [[UInt8]]
    private let auditFields: [[[UInt8]]]
    let cursors: UnsafeMutablePointer<PartitionCursor>
    private let memory = TableMemory()
    private let folding: UnsafeMutablePointer<Tally>
    private var flying: [UnsafeMutablePointer<Tally>?]
    /// Empty tallies, the latest used last: its memory is still in a cache.
    private var spare: [UnsafeMutablePointer<Tally>] = []
    let shardCount: Int
    var shards: [Shard]
    private var last: [Fingerprint?]
    private var lastIndex: [Int]
    /// The first record taken of each partition.
    private(set) var firstTaken: [Fingerprint?]
    /// Batches folded so far.
    private(set) var batches = 0
    /// Cost of the latest commits in the light of their outcome over its estimate, a moving mean.
    private var costFactor = 1.0

    static let auditNames = [
        "delivered", "gaps", "accepted", "duplicate", "ignored", "rejected",
    ]

    /// A core for these partitions: where each is read from, and the marks of its shards.
    init(
        program: consuming Program, layout: KeyLayout, places: [Place], dedupeWindow: Int64
    ) {
        self.program = program
        encoder = TallyEncoder(layout: layout, cellSets: self.program.cellSets)
        partitions = places.map(\.partition)
        markMembers = partitions.map(\.markMember)
        auditFields = partitions.map { partition in
            Self.auditNames.map { partition.markMember + Array(":\($0)".utf8) }
        }
        shardCount = layout.shardCount
        cursors = .allocate(capacity: max(1, places.count))
        for (slot, place) in places.enumerated() {
            (cursors + slot).initialize(
                to: PartitionCursor(
                    position: place.position, marks: place.marks, aside: place.aside,
                    span: dedupeWindow))
        }
        folding = .allocate(capacity: shardCount)
        flying = Array(repeating: nil, count: shardCount)
        for shard in 0..<shardCount {
            (folding + shard).initialize(
                to: Tally(partitionCount: places.count, memory: memory))
        }
        shards = Array(repeating: Shard(), count: shardCount)
        last = Array(repeating: nil, count: places.count)
        lastIndex = Array(repeating: -1, count: places.count)
        firstTaken = Array(repeating: nil, count: places.count)
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

    /// Folds records from `first` on; a stop names the shard whose tally must be committed first.
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
            value: record.value.map {
                UnsafeRawBufferPointer(start: $0, count: record.valueByteCount)
            })
    }

    /// The log holds nothing up to `offset`.
    mutating func skip(slot: Int, to offset: Int64) { cursors[slot].skip(to: offset) }

    /// Next offset that is taken of a partition.
    func position(slot: Int) -> Int64 { cursors[slot].position }

    /// The last record taken of a partition; nil after a step back, and before the first.
    func newest(slot: Int) -> Fingerprint? { last[slot] }

    /// Next offset that every shard has in Redis for certain.
    func committed(slot: Int) -> Int64 {
        var lowest = cursors[slot].lowestStart
        for shard in shards {
            for sent in shard.sent where sent.slot == slot { lowest = min(lowest, sent.range.from) }
        }
        return lowest
    }

    /// Next offset before which every cell stands in Redis: idle shards move their marks only now and then.
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

    /// Least timestamp of the last records taken, one a partition; nil = none taken yet.
    var leastLastTimestamp: Int64? { last.compactMap { $0?.timestamp }.min() }

    /// Bytes of a partition's window of ids.
    func seenWindowBytes(slot: Int) -> Int { cursors[slot].seen.byteCount }

    /// Bytes of all tallies, folding and in flight.
    var tallyBytes: Int {
        var count = 0
        for shard in 0..<shardCount { count += folding[shard].byteCount }
        for tally in spare { count += tally.pointee.byteCount }
        for tally in flying { count += tally?.pointee.byteCount ?? 0 }
        return count
    }

    /// Whether every tally can take more.
    var hasRoom: Bool {
        for shard in 0..<shardCount where folding[shard].isFull { return false }
        return true
    }

    /// Whether the folding tally of a shard holds cells.
    func hasCells(shard: Int) -> Bool { folding[shard].count > 0 }

    /// Whether a shard's folding tally must be committed before it takes more.
    func isFull(shard: Int) -> Bool { folding[shard].isFull }

    /// Whether a shard's marks are behind what it has taken.
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

    /// Whether any commit is on its way.
    var hasInFlight: Bool { shards.contains { !$0.sent.isEmpty } }

    // MARK: Committing

    /// What the schedule has to know of a shard; nil = nothing to commit, or one is on its way.
    func committable(shard: Int) -> CommitSchedule.Shard? {
        guard !isInFlight(shard: shard), isBehind(shard: shard) else { return nil }
        return CommitSchedule.Shard(
            hasCells: hasCells(shard: shard), endedAt: shards[shard].committedAt)
    }

    /// Hands the folding tally of a shard over to its commit; false = nothing to commit.
    ///
    /// It may be sent once the log was looked at again: see `AssignmentComparison.swift`.
    mutating func handOver(shard: Int) -> Bool {
        precondition(!isInFlight(shard: shard), "one commit of a shard at a time")
        guard isBehind(shard: shard) else { return false }
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
        swap(&folding[shard], &tally.pointee)
        flying[shard] = tally
        shards[shard].unseenBatch = batches
        return true
    }

    /// Writes the arguments of the commit that was handed over: at first, and again for a reply that never came.
    mutating func writeFlying(
        shard: Int, contract: [UInt8], to arguments: inout CommitArguments
    ) {
        encoder.begin(&arguments, shard: shard, contract: contract)
        guard let tally = flying[shard] else { preconditionFailure("nothing of it is in flight") }
        for sent in shards[shard].sent {
            arguments.addRange(
                member: markMembers[sent.slot], from: sent.range.from, to: sent.range.to,
                fingerprint: sent.fingerprint)
            let own = tally.pointee.outcomes(partitionSlot: sent.slot)
            let deltas = [
                sent.range.delivered, sent.range.gaps, own.0, own.1, own.2, own.3,
            ]
            for (index, delta) in deltas.enumerated() where delta != 0 {
                arguments.addAudit(member: auditFields[sent.slot][index], delta: delta)
            }
        }
        encoder.addCells(of: tally.pointee, shard: shard, to: &arguments)
        shards[shard].redirected = encoder.redirected
    }

    /// Cells, events and least record timestamp of the tally in flight, and when it was sent.
    func flyingSize(shard: Int) -> (cells: Int, events: Int64, oldest: Int64, sentAt: Int64) {
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

    /// Empties the tally in flight, if there is one: another shard's may fold into it next.
    private mutating func releaseFlying(shard: Int) {
        guard let tally = flying[shard] else { return }
        tally.pointee.removeAll()
        spare.append(tally)
        flying[shard] = nil
    }

    /// What follows from the outcome of a shard's commit.
    mutating func conclude(shard: Int, _ outcome: CommitOutcome, now: Int64) -> NextStep {
        switch outcome {
        case .applied:
            complete(shard, now)
            return .done
        case .mismatch(let marks):
            let sent = shards[shard].sent
            if marks.count == sent.count, zip(marks, sent).allSatisfy({ $0 == $1.range.to }) {
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

    /// The commit of a shard stands in Redis, by its answer or, where that was lost, by its marks.
    mutating func complete(_ shard: Int, _ now: Int64) {
        shards[shard].sent.removeAll(keepingCapacity: true)
        shards[shard].unseenBatch = nil
        shards[shard].committedAt = now
        shards[shard].pause = 10_000
        releaseFlying(shard: shard)
    }

    /// Learns from how many scores of the commit in flight had to be added one by one.
    mutating func learnCost(shard: Int, singleScores: Int64) {
        guard let tally = flying[shard], case let estimate = Int64(tally.pointee.costNanoseconds),
            estimate > 0
        else { return }
        let cost = estimate + singleScores * Tally.singleScoreCostNanoseconds
        costFactor += (Double(cost) / Double(estimate) - costFactor) / 64
        tally.pointee.fullCostNanoseconds = Int32(
            Double(Tally.usualFullCostNanoseconds) / max(1, costFactor))
    }

    // MARK: Stepping back

    /// Drops both tallies of a shard; its marks must be read and adopted before it commits again.
    mutating func drop(_ shard: Int) {
        shards[shard].sent.removeAll(keepingCapacity: true)
        shards[shard].unseenBatch = nil
        shards[shard].awaitsMarks = true
        releaseFlying(shard: shard)
        folding[shard].removeAll()
    }

    private mutating func setAside(_ shard: Int, _ aside: Aside) {
        drop(shard)
        shards[shard].awaitsMarks = false
        shards[shard].aside = aside
        for slot in partitions.indices { cursors[slot].setAside(shard: shard) }
    }

    /// Sets a shard that cannot be committed to aside for good.
    mutating func setAsideTorn(_ shard: Int, reason: String) {
        setAside(shard, Aside(refused: nil, reason: "torn: \(reason)", lookAt: nil))
    }

    /// Puts off the next look at a shard that is set aside.
    mutating func keepAside(_ shard: Int, now: Int64) {
        shards[shard].aside?.lookAt = now + 10_000
    }

    /// A shard stands at these marks again, one a partition slot; `stepBackTarget` tells what to read again.
    mutating func adopt(shard: Int, marks: [Int64]) {
        drop(shard)
        shards[shard].awaitsMarks = false
        shards[shard].aside = nil
        for slot in partitions.indices { cursors[slot].reset(shard: shard, to: marks[slot]) }
    }

    /// The offset from which a partition must be read again, or nil.
    func stepBackTarget(slot: Int) -> Int64? { cursors[slot].rereadFrom }

    /// A partition is read again from `offset`, which is not above its step-back target.
    mutating func stepBack(slot: Int, to offset: Int64) {
        last[slot] = nil
        cursors[slot].stepBack(to: offset)
    }
}
