import Redis

/// The members of a shard's marks that an answer needs: whether its cells are whole, and how new
/// they are.
///
/// Never all members: a shard has two for each partition, and one text of all marks for each move
/// of the contract.
struct MarkMembers: Equatable {
    /// Beside the fingerprints: whether the shard has a contract, needs no rebuild, and
    /// has parked cells.
    static let state = ["!contract", "!torn", "!begun", "!done", "!parked"].map { Array($0.utf8) }
    /// Up to this many partitions, each answer also reads the newest record; above it, the newest
    /// record of each shard is read at most once a second.
    static let mostPartitions = 64

    /// Members `TOPIC/PARTITION@` of all partitions that the ledger knows, in order.
    let fingerprints: [[UInt8]]

    /// The members of these partitions.
    init(_ partitions: some Sequence<String>) {
        fingerprints = partitions.sorted().map { Array(($0 + "@").utf8) }
    }

    /// Whether the newest record is read together with the cells.
    var isSmall: Bool { fingerprints.count <= Self.mostPartitions }
    /// What is read in the transaction of the cells.
    var besideCells: [[UInt8]] { isSmall ? Self.state + fingerprints : Self.state }
}

/// What the marks of a shard say about what is read beside them.
enum ShardState {
    /// Time of the newest record taken, in milliseconds since 1970, of the partitions whose members
    /// were read; nil before the first.
    ///
    /// `marks` answers HMGET of `MarkMembers.besideCells`. Throws where the shard is torn, or has
    /// no contract: then Redis has lost it, and absent cells would read as zeros.
    static func newestMilliseconds(_ marks: ReplyView) throws(CellReadError) -> Int64? {
        func text(_ index: Int) -> String? {
            guard index < marks.count else { return nil }
            return marks[index].bytes.map { String(decoding: $0, as: UTF8.self) }
        }
        if let reason = Marks.tornReason(torn: text(1), begun: text(2), done: text(3)) {
            throw CellReadError(.torn, "the shard needs a rebuild: \(reason)")
        }
        guard marks.count >= MarkMembers.state.count, marks[0].bytes != nil else {
            throw CellReadError(.ledgerAbsent, "the shard is under no contract: it was lost")
        }
        return newestMilliseconds(marks, from: MarkMembers.state.count)
    }

    /// Whether cells of the shard are parked; `marks` as in `newestMilliseconds`.
    static func hasParked(_ marks: ReplyView) -> Bool {
        guard marks.count >= MarkMembers.state.count, let text = marks[4].bytes else {
            return false
        }
        return !text.elementsEqual("0".utf8)
    }

    /// A text that differs after every change of the parked hash: the last commit's number, and the
    /// hash's size.
    static func parkedStamp(_ marks: ReplyView) -> [UInt8] {
        guard hasParked(marks) else { return [] }
        return [2, 4].flatMap { [UInt8](marks[$0].bytes ?? .init(start: nil, count: 0)) + [0] }
    }

    /// The greatest record time of the fingerprints from `first` on.
    static func newestMilliseconds(_ fingerprints: ReplyView, from first: Int) -> Int64? {
        var newest: Int64?
        for index in first..<max(first, fingerprints.count) {
            guard let text = fingerprints[index].bytes, let time = recordMilliseconds(text),
                time >= 0
            else { continue }
            newest = max(newest ?? 0, time)
        }
        return newest
    }

    /// The time in `OFFSET TIMESTAMP HASH`, in milliseconds; nil where the text has another form.
    private static func recordMilliseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        let space = UInt8(ascii: " ")
        guard let first = text.firstIndex(of: space), let last = text.lastIndex(of: space),
            first < last
        else { return nil }
        return IntegerText.value(UnsafeRawBufferPointer(rebasing: text[(first + 1)..<last]))
    }
}

/// The newest record of each shard where there are too many partitions to ask with each answer.
///
/// At most a second old, and read before the cells: what it names is in the answer. One thread.
struct NewestRecords {
    private static let lifetime = Duration.seconds(1)
    private var known: [Int: (milliseconds: Int64?, readAt: ContinuousClock.Instant)] = [:]

    /// Time of the newest record of a shard, in milliseconds since 1970; nil when there is none
    /// yet, or when it is read with the cells.
    mutating func milliseconds(
        of shard: Int, _ members: MarkMembers, _ layout: KeyLayout,
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> Int64? {
        guard !members.isSmall else { return nil }
        if let read = known[shard], ContinuousClock.now - read.readAt < Self.lifetime {
            return read.milliseconds
        }
        var commands = ReadCommands()
        commands.add(members: members.fingerprints, of: layout.marksKey(shard: shard))
        let replies = try CellReadRun.pipeline(commands, &connection, deadline)
        let milliseconds = replies[0].with { ShardState.newestMilliseconds($0, from: 0) }
        known[shard] = (milliseconds, .now)
        return milliseconds
    }

    mutating func forget() { known.removeAll() }
}
