import Redis

/// One thing to read from Redis.
public enum CellRead: Sendable, Hashable {
    /// All fields of a hash.
    case hash([UInt8])
    /// All fields of a hash that has at most so many by the layout: a series' key, a grid's weekday.
    case bucket([UInt8], most: Int)
    /// These fields of a hash.
    case fields([UInt8], [[UInt8]])
    /// How many fields a hash has.
    case size([UInt8])
    /// All members of a sorted set.
    case ranking([UInt8])
    /// All members of these sorted sets, each with the sum of its scores; Redis adds them up.
    case rankingSum([[UInt8]])
    /// How many different values the union of these HyperLogLogs holds.
    case distinct([[UInt8]])
}

/// What stood there.
public enum CellValue: Sendable {
    /// Fields and values, in no order.
    case hash([(field: [UInt8], value: [UInt8])])
    /// A value for each field asked for, nil where absent.
    case fields([[UInt8]?])
    /// Members and scores, in no order.
    case ranking([(member: [UInt8], score: Int64)])
    /// The number of different values, or of fields.
    case count(Int64)
}

/// What a list of reads found, in Redis' own answers; bytes are valid while the snapshot lives.
public struct CellSnapshot {
    /// Where the answer to one read stands.
    enum Entry {
        /// Read in one piece.
        case reply(ReplyView)
        /// Names and values, merged from several answers.
        case pairs(PairMemory)
        /// Values of fields that were asked for, with what is parked of them.
        case values(FieldMemory)
        /// A number that was made here.
        case count(Int64)
    }

    /// What was asked, one read an entry.
    let reads: [CellRead]
    let entries: [Entry]
    /// The answers that the entries look at.
    let owners: [HeldReply]
    /// Kafka timestamp (ms) of the newest record in the organization's shard; nil before the first.
    public let asOf: Int64?
    /// Whether everything was read at one moment.
    public let isAtomic: Bool
    /// Cells of the answer of which something is parked; numbers hold it where they can.
    public var parked = 0
    /// Whether cells of the shard are parked, of this answer or not.
    public var isShardParked = false

    /// The value of the field at this position of a read of fields; nil where it is absent.
    public func field(_ read: Int, _ position: Int) -> UnsafeRawBufferPointer? {
        if case .values(let memory) = entries[read] { return memory.value(position) }
        guard case .reply(let view) = entries[read], position < view.count else { return nil }
        return view[position].bytes
    }

    /// Calls `body` with each field and value of a hash, or member and score of a sorted set, in no order.
    public func forEachPair(
        _ read: Int,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) { Self.forEachPair(of: entries[read], body) }

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
        case .count, .values: break
        }
    }

    /// A number of different values or of fields.
    public func count(_ read: Int) -> Int64 {
        switch entries[read] {
        case .reply(let view): view.integer ?? 0
        case .count(let count): count
        case .pairs, .values: 0
        }
    }

    /// The score of a ranking's member; Redis writes integers above 10^17 as `1e+17`.
    public static func score(_ text: UnsafeRawBufferPointer) -> Int64 {
        if let number = Decimal.integer(text) { return number }
        let number = Double(String(decoding: text, as: UTF8.self))
        return number.flatMap { Int64(exactly: $0.rounded()) } ?? 0
    }

    /// Whether sums that Redis made may have lost digits: it adds as floating point, exact below 2^53.
    static func isInexact(_ sums: ReplyView) -> Bool {
        for index in stride(from: 1, to: sums.count, by: 2) {
            guard let text = sums[index].bytes, let sum = Decimal.integer(text),
                sum.magnitude < 1 << 53
            else { return true }
        }
        return false
    }

    /// Members, fields and pairs of all reads; those of a sum of sorted sets are those of the sum.
    public var memberCount: Int { reads.indices.reduce(0) { $0 + memberCount($1) } }

    /// Members of a hash or sorted set that an entry holds.
    func memberCount(_ read: Int) -> Int {
        switch entries[read] {
        case .reply(let view): view.count / 2
        case .pairs(let memory): memory.count
        case .count, .values: 0
        }
    }

    /// Everything copied, one value a read, in the same order.
    public var values: [CellValue] {
        reads.indices.map { read in
            var pairs: [(field: [UInt8], value: [UInt8])] = []
            switch reads[read] {
            case .hash, .bucket:
                forEachPair(read) { pairs.append(([UInt8]($0), [UInt8]($1))) }
                return .hash(pairs)
            case .ranking, .rankingSum:
                var members: [(member: [UInt8], score: Int64)] = []
                forEachPair(read) { members.append(([UInt8]($0), CellSnapshot.score($1))) }
                return .ranking(members)
            case .fields(_, let fields):
                return .fields(fields.indices.map { field(read, $0).map { [UInt8]($0) } })
            case .size, .distinct: return .count(count(read))
            }
        }
    }
}

/// Keeps an answer of Redis for as long as somebody looks at it.
final class HeldReply {
    private let reply: Reply

    init(_ reply: consuming Reply) { self.reply = reply }

    /// Valid while this object lives: for those who keep it.
    ///
    /// An object that is not used any more is gone, even in the line that asked it for its view;
    /// `with` is for looking at once.
    var view: ReplyView { reply.view }

    /// Calls `body` with the answer, which lives meanwhile.
    func with<Result, Failure: Error>(
        _ body: (ReplyView) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(reply.view)
    }
}

/// Names and values in one block of memory.
final class PairMemory {
    private let base: UnsafeMutableRawBufferPointer
    private let ends: [Int]

    init(_ pairs: [[UInt8]: [UInt8]]) {
        let size = pairs.reduce(0) { $0 + $1.key.count + $1.value.count }
        base = .allocate(byteCount: max(1, size), alignment: 8)
        var ends: [Int] = []
        ends.reserveCapacity(2 * pairs.count)
        var end = 0
        for (name, value) in pairs {
            for piece in [name, value] {
                UnsafeMutableRawBufferPointer(rebasing: base[end...]).copyBytes(from: piece)
                end += piece.count
                ends.append(end)
            }
        }
        self.ends = ends
    }

    deinit { base.deallocate() }

    var count: Int { ends.count / 2 }
    /// Valid while this object lives.
    func name(_ index: Int) -> UnsafeRawBufferPointer { piece(2 * index) }
    /// Valid while this object lives.
    func value(_ index: Int) -> UnsafeRawBufferPointer { piece(2 * index + 1) }

    private func piece(_ place: Int) -> UnsafeRawBufferPointer {
        let start = place == 0 ? 0 : ends[place - 1]
        return UnsafeRawBufferPointer(rebasing: base[start..<ends[place]])
    }
}

/// Decimal numbers as Redis writes them.
public enum Decimal {
    /// A whole number, with a sign where it is negative; nil for anything else.
    public static func integer(_ text: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        guard text.count > (isNegative ? 1 : 0), text.count <= 20 else { return nil }
        var value: Int64 = 0
        for index in (isNegative ? 1 : 0)..<text.count {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            // Downwards, because the least number has no positive counterpart.
            let (sum, passes) = product.subtractingReportingOverflow(Int64(digit))
            if overflows || passes { return nil }
            value = sum
        }
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }
}

/// Why nothing could be read.
public struct CellReadError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// Redis cannot be reached or does not answer as it should.
        case unavailable
        /// Redis holds no ledger under this prefix and generation, or one of another layout.
        case ledgerAbsent
        /// The shard needs a rebuild; its numbers are not to be trusted.
        case torn
        /// The time allowed has passed.
        case timeout
        /// A ranking has too many members to be read at once, and the question refuses that.
        case tooLarge
    }

    /// The kind of failure.
    public let code: Code
    /// Text for people.
    public let message: String
    /// Whether the server is no master that works, so that its name is resolved again.
    let leavesServer: Bool

    /// An error with these parts.
    public init(_ code: Code, _ message: String) {
        self.init(code, message, leavesServer: false)
    }

    init(_ code: Code, _ message: String, leavesServer: Bool) {
        self.code = code
        self.message = message
        self.leavesServer = leavesServer
    }

    /// The message.
    public var description: String { message }
}
