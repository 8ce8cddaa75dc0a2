import Redis

/// The answers to a list of queries, as Redis gave them; bytes are valid while the snapshot lives.
public struct CellSnapshot {
    /// Where the answer to one query is.
    enum Entry {
        /// Read in one piece.
        case reply(ReplyView)
        /// Names and values, merged from several answers.
        case pairs(PairMemory)
        /// Values of members that were asked for, with what is parked of them.
        case values(MemberMemory)
        /// A number that was computed here.
        case count(Int64)
        /// A union of HyperLogLogs.
        case sketch(DistinctSketch)
    }

    /// What was asked, one query an entry.
    public let queries: [CellQuery]
    let entries: [Entry]
    /// The answers that the entries look at.
    let owners: [HeldReply]
    /// Kafka timestamp of the newest record in the organization's shard, in milliseconds since
    /// 1970; nil before the first.
    public let asOfMilliseconds: Int64?
    /// Whether everything was read at one moment.
    public let isAtomic: Bool
    /// Cells of the answer of which something is parked; their values include it where they can.
    public var parked = 0
    /// Whether cells of the shard are parked, of this answer or not.
    public var isShardParked = false

    /// The value of the member at this position of a query for members; nil where it is absent.
    public func member(_ query: Int, _ position: Int) -> UnsafeRawBufferPointer? {
        if case .values(let memory) = entries[query] { return memory.value(position) }
        guard case .reply(let view) = entries[query], position < view.count else { return nil }
        return view[position].bytes
    }

    /// Calls `body` with each member and its value or score, in no order.
    public func forEachPair(
        _ query: Int,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) { Self.forEachPair(of: entries[query], body) }

    static func forEachPair(
        of entry: Entry,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        switch entry {
        case .reply(let view):
            for index in stride(from: 0, to: view.count - 1, by: 2) {
                if let name = view[index].bytes, let value = view[index + 1].bytes {
                    body(name, value)
                }
            }
        case .pairs(let memory):
            for index in 0..<memory.count { body(memory.name(index), memory.value(index)) }
        case .count, .values, .sketch: break
        }
    }

    /// A number of different values or of members.
    public func count(_ query: Int) -> Int64 {
        switch entries[query] {
        case .reply(let view): view.integer ?? 0
        case .count(let count): count
        case .pairs, .values: 0
        case .sketch(let sketch): sketch.count
        }
    }

    /// The union that a query for sketches has read.
    public func sketch(_ query: Int) -> DistinctSketch? {
        if case .sketch(let sketch) = entries[query] { sketch } else { nil }
    }

    /// What several snapshots say of themselves, without their answers: the newest record of all,
    /// and of no single moment.
    public static func summary(of snapshots: [CellSnapshot]) -> CellSnapshot {
        CellSnapshot(
            queries: [], entries: [], owners: [],
            asOfMilliseconds: snapshots.compactMap(\.asOfMilliseconds).max(), isAtomic: false,
            parked: snapshots.reduce(0) { $0 + $1.parked },
            isShardParked: snapshots.contains(where: \.isShardParked))
    }

    /// The score of a ranking's member; Redis writes integers above 10^17 as `1e+17`.
    public static func score(_ text: UnsafeRawBufferPointer) -> Int64 {
        if let number = IntegerText.value(text) { return number }
        let number = Double(String(decoding: text, as: UTF8.self))
        return number.flatMap { Int64(exactly: $0.rounded()) } ?? 0
    }

    /// Whether sums that Redis made may have lost digits: it adds as floating point, exact below
    /// 2^53.
    static func isInexact(_ sums: ReplyView) -> Bool {
        for index in stride(from: 1, to: sums.count, by: 2) {
            guard let text = sums[index].bytes, let sum = IntegerText.value(text),
                sum.magnitude < 1 << 53
            else { return true }
        }
        return false
    }

    /// Members of all answers; those of a sum of sorted sets are those of the sum.
    public var memberCount: Int { queries.indices.reduce(0) { $0 + memberCount($1) } }

    /// Members of a hash or sorted set that an entry holds.
    func memberCount(_ query: Int) -> Int {
        switch entries[query] {
        case .reply(let view): view.count / 2
        case .pairs(let memory): memory.count
        case .count, .values, .sketch: 0
        }
    }

    /// A copy of everything, one value for each query, in the same order.
    public var values: [CellValue] {
        queries.indices.map { query in
            var pairs: [(member: [UInt8], value: [UInt8])] = []
            switch queries[query] {
            case .hash, .bucket:
                forEachPair(query) { pairs.append(([UInt8]($0), [UInt8]($1))) }
                return .hash(pairs)
            case .ranking, .rankingSum:
                var members: [(member: [UInt8], score: Int64)] = []
                forEachPair(query) { members.append(([UInt8]($0), CellSnapshot.score($1))) }
                return .ranking(members)
            case .members(_, let members):
                return .members(members.indices.map { member(query, $0).map { [UInt8]($0) } })
            case .size, .distinct, .sketch: return .count(count(query))
            }
        }
    }
}
