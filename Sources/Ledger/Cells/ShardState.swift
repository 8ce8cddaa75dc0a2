import Redis

/// The fields of a shard's marks that an answer needs: whether its cells are whole, and how new
/// they are.
///
/// Never all of them: a shard has two for each partition, and one text of all marks for each move
/// of the contract.
struct MarkFields: Equatable {
    /// Beside the fingerprints: whether the shard stands under a contract, needs no rebuild, and
    /// has parked cells.
    static let state = ["!contract", "!torn", "!begun", "!done", "!parked"].map { Array($0.utf8) }
    /// Of so many partitions the newest record is read with each answer; of more at most once a
    /// second a shard.
    static let mostPartitions = 64

    /// Fields `TOPIC/PARTITION@` of all partitions that the ledger knows, in order.
    let fingerprints: [[UInt8]]

    /// Fields of these partitions.
    init(_ partitions: some Sequence<String>) {
        fingerprints = partitions.sorted().map { Array(($0 + "@").utf8) }
    }

    /// Whether the newest record is read together with the cells.
    var isSmall: Bool { fingerprints.count <= Self.mostPartitions }
    /// What travels in the transaction of the cells.
    var besideCells: [[UInt8]] { isSmall ? Self.state + fingerprints : Self.state }
}

/// What the marks of a shard say about what is read beside them.
enum ShardState {
    /// Record time (ms) of the newest record taken, of the partitions whose fields were read; nil
    /// before the first.
    ///
    /// `marks` answers HMGET of `MarkFields.besideCells`. Throws where the shard is torn, or stands
    /// under no contract: then Redis has lost it, and absent cells would read as zeros.
    static func newestRecord(_ marks: ReplyView) throws(CellReadError) -> Int64? {
        func text(_ index: Int) -> String? {
            guard index < marks.count else { return nil }
            return marks[index].bytes.map { String(decoding: $0, as: UTF8.self) }
        }
        let isTorn = Marks.tornReason(torn: text(1), begun: text(2), done: text(3))
        if let reason = isTorn {
            throw CellReadError(.torn, "the shard needs a rebuild: \(reason)")
        }
        guard marks.count >= MarkFields.state.count, marks[0].bytes != nil else {
            throw CellReadError(.ledgerAbsent, "the shard stands under no contract: it was lost")
        }
        return newest(marks, from: MarkFields.state.count)
    }

    /// Whether cells of the shard are parked; `marks` as in `newestRecord`.
    static func hasParked(_ marks: ReplyView) -> Bool {
        guard marks.count >= MarkFields.state.count, let text = marks[4].bytes else { return false }
        return !text.elementsEqual("0".utf8)
    }

    /// What changes with every change of the parked hash: number of the last commit, and its size.
    static func parkedStamp(_ marks: ReplyView) -> [UInt8] {
        guard hasParked(marks) else { return [] }
        return [2, 4].flatMap { [UInt8](marks[$0].bytes ?? .init(start: nil, count: 0)) + [0] }
    }

    /// The greatest record time of the fingerprints from `first` on.
    static func newest(_ fingerprints: ReplyView, from first: Int) -> Int64? {
        var newest: Int64?
        for index in first..<max(first, fingerprints.count) {
            guard let text = fingerprints[index].bytes, let time = recordTime(text), time >= 0
            else { continue }
            newest = max(newest ?? 0, time)
        }
        return newest
    }

    /// The middle one of `OFFSET TIMESTAMP HASH`; nil where it is not of that form.
    private static func recordTime(_ text: UnsafeRawBufferPointer) -> Int64? {
        let space = UInt8(ascii: " ")
        guard let first = text.firstIndex(of: space), let last = text.lastIndex(of: space),
            first < last
        else { return nil }
        return Decimal.integer(UnsafeRawBufferPointer(rebasing: text[(first + 1)..<last]))
    }
}

/// The newest record of each shard where there are too many partitions to ask with each answer.
///
/// At most a second old, and read before the cells: what it names is in the answer. One thread.
struct NewestRecords {
    private static let lifetime = Duration.seconds(1)
    private var known: [Int: (time: Int64?, at: ContinuousClock.Instant)] = [:]

    /// Time of the newest record of a shard; nil = none yet, or it is read with the cells.
    mutating func time(
        of shard: Int, _ fields: MarkFields, _ layout: KeyLayout,
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> Int64? {
        guard !fields.isSmall else { return nil }
        if let one = known[shard], ContinuousClock.now - one.at < Self.lifetime { return one.time }
        var commands = CellCommands()
        commands.add(fields: fields.fingerprints, of: layout.marksKey(shard: shard))
        let replies = try CellReading.pipeline(commands, &connection, deadline)
        let time = replies[0].with { ShardState.newest($0, from: 0) }
        known[shard] = (time, .now)
        return time
    }

    mutating func forget() { known.removeAll() }
}
