/// A record as the simulated log has it, and what must become of it.
struct SimulatedRecord {
    enum Outcome: String { case accepted, duplicate, ignored, rejected }
    var offset: Int64
    /// Milliseconds since 1970; -1 when it has none.
    var timestamp: Int64
    var events: [SimulatedEvent]
    var key: UnsafeRawBufferPointer
    var value: UnsafeRawBufferPointer?
    var fingerprint: String
    /// One for each event; only one where the record is rejected, or has no events.
    var parts: [Part]

    /// What becomes of one event.
    struct Part {
        var outcome: Outcome
        var shard: Int
        /// What it adds to the cells; nothing unless accepted.
        var deltas: [CellDelta] = []
    }

    /// By whom and which the valid events are known; empty where the record is rejected.
    var identities: [String] {
        zip(events, parts).compactMap { event, part in
            part.outcome == .accepted || part.outcome == .duplicate
                ? "\(event.organization) \(event.id)" : nil
        }
    }
}

/// One partition: records in the order of their offsets, with gaps.
final class SimulatedPartition {
    let number: Int32
    var start: Int64 = 0
    var end: Int64 = 0
    /// All that was ever in it; those below `start` are gone for readers.
    private(set) var records: [SimulatedRecord] = []
    /// The valid events so far in their order, for duplicates.
    private var valid: [(name: String, offset: Int64)] = []
    private let window: Int64
    private let shardCount: Int
    private let isLimited: Bool

    init(number: Int32, window: Int64, shardCount: Int, isLimited: Bool) {
        self.number = number
        self.window = window
        self.shardCount = shardCount
        self.isLimited = isLimited
    }

    deinit {
        for record in records {
            record.key.deallocate()
            record.value?.deallocate()
        }
    }

    /// Index of the first record at or above an offset.
    func index(of offset: Int64) -> Int {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if records[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func record(at offset: Int64) -> SimulatedRecord? {
        let index = index(of: offset)
        return index < records.count && records[index].offset == offset ? records[index] : nil
    }

    /// Appends a record of some events, one in each line, and decides at once, by the log alone,
    /// what becomes of it.
    func append(_ events: [SimulatedEvent], timestamp: Int64, isListed: Bool) {
        let key = Self.copy(Array((events.first?.organization ?? "").utf8))
        let lines = events.map { $0.value() }
        var value: UnsafeRawBufferPointer?
        if lines.allSatisfy({ $0 != nil }) {
            value = Self.copy(Array(lines.compactMap { $0 }.joined(separator: [10])))
        }
        let judged = events.map { Self.judge($0, timestamp) }
        let home = Int(number) % shardCount
        var parts: [SimulatedRecord.Part]
        if value == nil || judged.contains(where: { $0.outcome == .rejected }) {
            // A single event that is not malformed belongs to its organization.
            let isHome = isListed || judged.contains { $0.isMalformed }
            let shard = LedgerOracle.shard(of: events[0].organization, shardCount)
            parts = [SimulatedRecord.Part(outcome: .rejected, shard: isHome ? home : shard)]
        } else if events.isEmpty {
            parts = [SimulatedRecord.Part(outcome: .ignored, shard: home)]
        } else {
            parts = zip(events, judged).map { part(of: $0, $1.outcome, timestamp) }
        }
        records.append(
            SimulatedRecord(
                offset: end, timestamp: timestamp, events: events, key: key, value: value,
                fingerprint: Self.fingerprint(end, timestamp, key, value), parts: parts))
        end += 1
    }

    private func part(
        of event: SimulatedEvent, _ judged: SimulatedRecord.Outcome, _ timestamp: Int64
    ) -> SimulatedRecord.Part {
        let shard = LedgerOracle.shard(of: event.organization, shardCount)
        guard judged == .accepted else {
            return SimulatedRecord.Part(outcome: judged, shard: shard)
        }
        let name = "\(event.organization) \(event.id)"
        // Neither more than `window` offsets nor more than `window` valid events ago.
        let isDuplicate = valid.suffix(Int(window)).contains {
            $0.name == name && $0.offset >= end - window
        }
        valid.append((name, end))
        if isDuplicate { return SimulatedRecord.Part(outcome: .duplicate, shard: shard) }
        return SimulatedRecord.Part(
            outcome: .accepted, shard: shard,
            deltas: LedgerOracle.deltas(
                of: event, timestamp: timestamp, shard: shard, isLimited: isLimited))
    }

    /// The rules of `schemas/events/README.md`, as far as these events can break them.
    private static func judge(
        _ event: SimulatedEvent, _ timestamp: Int64
    ) -> (outcome: SimulatedRecord.Outcome, isMalformed: Bool) {
        let time = event.time ?? timestamp
        if event.shape == .broken || event.shape == .tombstone || time < 0 {
            return (.rejected, true)
        }
        if event.shape == .unknownType { return (.ignored, false) }
        if event.shape == .noAgent { return (.rejected, false) }
        guard timestamp >= 0 else { return (.accepted, false) }
        if time > timestamp + 300_000 { return (.rejected, false) }
        let minuteEnd = (time / 60_000 + 1) * 60
        let isLate = event.shape == .blip && minuteEnd + 26 * 3_600 <= timestamp / 1_000
        return (isLate ? .rejected : .accepted, false)
    }

    /// Offset, timestamp and FNV-1a over key length, key and value.
    private static func fingerprint(
        _ offset: Int64, _ timestamp: Int64, _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer?
    ) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for shift in 0..<8 { add(UInt8(truncatingIfNeeded: key.count >> (shift * 8))) }
        for byte in key { add(byte) }
        for byte in value ?? UnsafeRawBufferPointer(start: nil, count: 0) { add(byte) }
        let digits = String(hash, radix: 16)
        let zeros = String(repeating: "0", count: 16 - digits.utf8.count)
        return "\(offset) \(timestamp) \(zeros)\(digits)"
    }

    private static func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let block = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, bytes.count), alignment: 8)
        block.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block)[0..<bytes.count])
    }

    /// Whether no outcome of a record from `offset` on, or of a later one, depends on an earlier
    /// record.
    func canBegin(at offset: Int64) -> Bool {
        let valid = Set(records[0..<index(of: offset)].flatMap(\.identities))
        return records[index(of: offset)...].allSatisfy { record in
            record.events.allSatisfy { !valid.contains("\($0.organization) \($0.id)") }
        }
    }
}

/// A topic that grows, loses its beginning, has gaps and repeats events.
final class SimulatedLog {
    static let topic = "usage"
    /// What readers see.
    private(set) var partitions: [SimulatedPartition] = []
    /// What was counted: the same, but for a partition that was created again under its old name.
    private(set) var counted: [SimulatedPartition] = []
    /// The partition that has no leader just now.
    var leaderless: Int32?
    let window: Int64
    let shardCount: Int
    /// Whether events name many things, so that tallies fill up.
    let isBulky: Bool
    /// Whether the catalog has meters with small limits.
    let isLimited: Bool
    /// Whether records have several events, one in each line.
    let isListed: Bool
    private let dice: Dice
    private var clock: Int64 = 1_773_058_000_000
    private var nextID = 0

    init(
        _ dice: Dice, window: Int64, shardCount: Int, partitions: Int, isBulky: Bool,
        isLimited: Bool, isListed: Bool
    ) {
        self.dice = dice
        self.window = window
        self.shardCount = shardCount
        self.isBulky = isBulky
        self.isLimited = isLimited
        self.isListed = isListed
        for _ in 0..<partitions { addPartition() }
    }

    func addPartition() {
        partitions.append(
            SimulatedPartition(
                number: Int32(partitions.count), window: window, shardCount: shardCount,
                isLimited: isLimited))
        counted.append(partitions[partitions.count - 1])
    }

    /// Somebody deletes a partition and creates it again, with other
    /// records, up to about this offset.
    func recreate(_ number: Int, about end: Int64) {
        let partition = SimulatedPartition(
            number: Int32(number), window: window, shardCount: shardCount, isLimited: isLimited)
        let wanted = max(1, end + Int64(dice.roll(-4...8)))
        while partition.end < wanted {
            clock += 1_000
            append(to: partition, [fresh()], clock)
        }
        partitions[number] = partition
    }

    private func append(
        to partition: SimulatedPartition, _ events: [SimulatedEvent], _ timestamp: Int64
    ) {
        partition.append(events, timestamp: timestamp, isListed: isListed)
    }

    /// Whether somebody has put another log in a partition's place.
    var hasOther: Bool { zip(partitions, counted).contains { $0 !== $1 } }

    /// Whether a partition still is the one that was counted.
    func isCounted(_ number: Int32) -> Bool { partitions[Int(number)] === counted[Int(number)] }

    /// The log of a partition from `offset` on is lost, and others wrote there
    /// since, up to about this offset.
    func truncate(_ number: Int, from offset: Int64, about end: Int64) {
        let old = partitions[number]
        let partition = SimulatedPartition(
            number: Int32(number), window: window, shardCount: shardCount, isLimited: isLimited)
        for record in old.records[0..<old.index(of: offset)] {
            partition.end = record.offset
            append(to: partition, record.events, record.timestamp)
        }
        partition.end = offset
        partition.start = old.start
        let wanted = max(offset, end + Int64(dice.roll(-4...8)))
        while partition.end < wanted {
            clock += 1_000
            append(to: partition, [fresh()], clock)
        }
        partitions[number] = partition
    }

    /// Appends some events, some of them repeated, with gaps between them.
    func produce() {
        guard let partition = dice.pick(partitions) else { return }
        for _ in 0..<dice.roll(1...12) {
            clock += Int64(dice.roll(0...4_000))
            if dice.oneIn(8) { partition.end += Int64(dice.roll(1...3)) }
            let timestamp = dice.oneIn(60) ? -1 : clock
            append(to: partition, repeated(in: partition) ?? some(in: partition), timestamp)
        }
        if dice.oneIn(5) { partition.end += Int64(dice.roll(1...4)) }
    }

    /// A record of the partition once more: within the window, or beyond it.
    private func repeated(in partition: SimulatedPartition) -> [SimulatedEvent]? {
        guard dice.oneIn(4) else { return nil }
        return dice.pick(recent(in: partition))
    }

    private func recent(in partition: SimulatedPartition) -> [[SimulatedEvent]] {
        let far = max(partition.start, partition.end - 2 * window)
        let known = partition.records[partition.index(of: far)...].map(\.events)
        return Array(known.suffix(Int(window) * 2))
    }

    /// The events of a new record; some of them may have been in an earlier one.
    private func some(in partition: SimulatedPartition) -> [SimulatedEvent] {
        guard isListed else { return [fresh()] }
        var events: [SimulatedEvent] = []
        for _ in 0..<dice.roll(0...5) {
            let old = dice.oneIn(6) ? dice.pick(recent(in: partition).flatMap { $0 }) : nil
            var event = old ?? fresh()
            // One event that is rejected takes the others along: most records have none.
            if event.isWrong, dice.oneIn(2) { event.shape = .use }
            events.append(event)
        }
        // A null value is the whole record.
        return events.contains { $0.shape == .tombstone } ? Array(events.suffix(1)) : events
    }

    private func fresh() -> SimulatedEvent {
        nextID += 1
        var event = SimulatedEvent()
        event.organization = "org-\(dice.roll(0...6))"
        event.id = "\(nextID)"
        event.agent = "a\(dice.roll(0...3))"
        event.amount = dice.oneIn(4) ? nil : Int64(dice.roll(-40...40))
        if isBulky {
            let first = dice.roll(0...300)
            event.items = (0..<dice.roll(20...32)).map { "t\(first + $0)" }
        } else if dice.oneIn(6) {
            event.items = (0..<dice.roll(1...3)).map { _ in "t\(dice.roll(0...5))" }
        }
        switch dice.roll(0...30) {
        case 0: event.shape = .unknownType
        case 1: event.shape = .noAgent
        case 2: event.shape = .broken
        case 3: event.shape = .tombstone
        case 4...8: event.shape = .blip
        default: break
        }
        switch dice.roll(0...12) {
        case 0: event.time = nil
        case 1: event.time = clock - 100_000_000 - Int64(dice.roll(0...1_000_000))
        case 2: event.time = clock + 300_000 + Int64(dice.roll(-4...4))
        case 3: event.time = clock - 93_600_000 - Int64(dice.roll(0...120_000))
        default: event.time = clock - Int64(dice.roll(0...90_000_00))
        }
        return event
    }

    /// Moves a partition's log start, as retention does, if no outcome depends on what is deleted.
    func trim(_ partition: SimulatedPartition, below limit: Int64) {
        let wanted = Int64(dice.roll(Int(partition.start)...Int(max(partition.start, limit))))
        guard partition.canBegin(at: wanted) else { return }
        partition.start = wanted
    }
}
