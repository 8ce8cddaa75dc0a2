import Ledger
import Metering
import Pipeline

/// How far records are processed before they are dropped.
enum Stage: String, CaseIterable {
    /// Taken from the client, not read.
    case consume
    /// Also scanned: the members that the catalog asks for are found.
    case scan
    /// Also checked, deduped and folded into tallies, which are thrown away.
    case fold
    /// Also written as the arguments of commits, which are thrown away.
    case encode
}

/// A lane's work from records to the arguments of commits, without Kafka and Redis.
///
/// It uses the rooms Metering and Ledger like a lane of `odometer run` that is catching up: a
/// shard's tally is handed over when it is full or a second old, and another one takes its place.
/// One thread.
struct StageLane: ~Copyable {
    static let intervalMilliseconds: Int64 = 1_000
    private static let auditNames = ["delivered", "accepted", "duplicate", "ignored", "rejected"]
    private let stage: Stage
    private let shardCount: Int
    private let partitionCount: Int
    private var program: Program
    private var encoder: TallyEncoder
    private var arguments = CommitArguments()
    private let contract = Array("1:0123456789abcdef".utf8)
    private let markMembers: [[UInt8]]
    private let auditMembers: [[[UInt8]]]
    private let cursors: UnsafeMutablePointer<PartitionCursor>
    private let folding: UnsafeMutablePointer<Tally>
    /// The tally that was handed over last; as in a lane, the next shard uses it while it is in a
    /// cache.
    private var flying: Tally
    private var committedAt: [Int64]
    private var scanned = 0
    /// Tallies that were handed over.
    private(set) var commits = 0
    /// Cells that were in them.
    private(set) var cells = 0
    /// Bytes of the arguments that were written.
    private(set) var encodedBytes = 0

    /// Makes a lane of these partitions, read from their first offset; `now` in milliseconds.
    init(
        _ stage: Stage, catalog: MeterCatalog, topic: String, partitions: [Int32],
        dedupeWindow: Int64, now: Int64
    ) throws {
        self.stage = stage
        let layout = KeyLayout(prefix: "bench")
        shardCount = layout.shardCount
        partitionCount = partitions.count
        program = try Program(
            catalog: catalog, shardCount: shardCount, dedupeKey: (0x0123_4567, 0x89AB_CDEF),
            futureBoundMilliseconds: Int64(
                PipelineConfiguration.Defaults.futureBoundMilliseconds))
        program.partitionNumbers = partitions
        encoder = TallyEncoder(layout: layout, cellSets: program.cellSets)
        markMembers = partitions.map { KeyLayout.markMember(topic: topic, partition: $0) }
        auditMembers = markMembers.map { mark in
            Self.auditNames.map { mark + Array(":\($0)".utf8) }
        }
        cursors = .allocate(capacity: partitions.count)
        for slot in partitions.indices {
            let marks = [Int64](repeating: 0, count: layout.shardCount)
            (cursors + slot).initialize(
                to: PartitionCursor(position: 0, marks: marks, span: dedupeWindow))
        }
        let memory = TableMemory()
        folding = .allocate(capacity: layout.shardCount)
        flying = Tally(partitionCount: partitions.count, memory: memory)
        for shard in 0..<layout.shardCount {
            (folding + shard).initialize(
                to: Tally(partitionCount: partitions.count, memory: memory))
        }
        // As if the shards had been committed one after the other over the last interval.
        committedAt = (0..<shardCount).map {
            now - Self.intervalMilliseconds + Self.intervalMilliseconds * Int64($0)
                / Int64(layout.shardCount)
        }
    }

    deinit {
        cursors.deinitialize(count: partitionCount)
        cursors.deallocate()
        folding.deinitialize(count: shardCount)
        folding.deallocate()
    }

    /// Records that passed all checks; 0 for `consume`, which makes none.
    var goodRecords: Int {
        stage == .scan ? scanned : Int(program.counters.outcomes[Int(Outcome.accepted.rawValue)])
    }

    /// Processes a batch up to the stage.
    mutating func take(_ records: UnsafeBufferPointer<FoldRecord>) {
        switch stage {
        case .consume: return
        case .scan: scanned += program.scan(records)
        case .fold, .encode:
            var next = 0
            while next < records.count {
                let stop = fold(records, from: next)
                next = stop.next
                guard let shard = stop.fullShard else { break }
                commit(shard: shard)
            }
        }
    }

    /// Hands over the tallies that are a second old; `now` in milliseconds.
    mutating func commitDue(_ now: Int64) {
        guard stage == .fold || stage == .encode else { return }
        for shard in 0..<shardCount where now - committedAt[shard] >= Self.intervalMilliseconds {
            commit(shard: shard)
            committedAt[shard] = now
        }
    }

    /// Hands over all tallies.
    mutating func commitAll() {
        for shard in 0..<shardCount { commit(shard: shard) }
    }

    // These are not inlined, so that a profiler finds them by name.

    @inline(never)
    private mutating func fold(
        _ records: UnsafeBufferPointer<FoldRecord>, from first: Int
    ) -> FoldStop {
        program.run(records, from: first, attributes: nil, cursors: cursors, tallies: folding)
    }

    @inline(never)
    private mutating func commit(shard: Int) {
        guard folding[shard].count > 0 else { return }
        swap(&folding[shard], &flying)
        commits += 1
        cells += flying.count
        if stage == .encode { encode(shard: shard) } else { passRanges(shard: shard) }
        flying.removeAll()
    }

    private mutating func passRanges(shard: Int) {
        for slot in 0..<partitionCount { cursors[slot].handOver(shard: shard) }
    }

    private mutating func encode(shard: Int) {
        encoder.begin(&arguments, shard: shard, contract: contract)
        for slot in 0..<partitionCount {
            let range = cursors[slot].range(shard: shard)
            cursors[slot].handOver(shard: shard)
            arguments.addRange(member: markMembers[slot], from: range.from, to: range.to)
            let own = flying.outcomes(partitionSlot: slot)
            let deltas = (range.delivered, own.0, own.1, own.2, own.3)
            add(deltas.0, slot, 0)
            add(deltas.1, slot, 1)
            add(deltas.2, slot, 2)
            add(deltas.3, slot, 3)
            add(deltas.4, slot, 4)
        }
        encoder.addCells(of: flying, shard: shard, to: &arguments)
        arguments.withParts { keys, ranges, audit, groups in
            encodedBytes += keys.count + ranges.count + audit.count + groups.count
        }
    }

    private mutating func add(_ delta: Int64, _ slot: Int, _ name: Int) {
        guard delta != 0 else { return }
        arguments.addAudit(member: auditMembers[slot][name], delta: delta)
    }
}
