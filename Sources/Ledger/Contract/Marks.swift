public import Redis

/// A partition of the log: always (topic, partition).
public struct LogPartition: Sendable, Hashable, Comparable {
    /// Name of the topic.
    public var topic: String
    /// Number of the partition.
    public var partition: Int32

    /// A partition of a topic.
    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// Its member of a marks hash: `TOPIC/PARTITION`.
    public var markMember: [UInt8] { KeyLayout.markMember(topic: topic, partition: partition) }

    /// Its name for people: `TOPIC/PARTITION`.
    public var name: String { "\(topic)/\(partition)" }

    /// By topic, then by number.
    public static func < (left: LogPartition, right: LogPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }

    /// The partition in its text `TOPIC/PARTITION`; nil where the text has another form.
    public init?(text: String) {
        guard let slash = text.lastIndex(of: "/"), slash > text.startIndex,
            let partition = Int32(text[text.index(after: slash)...]), partition >= 0
        else { return nil }
        self.init(topic: String(text[..<slash]), partition: partition)
    }
}

/// One partition's part of a shard's marks.
public struct PartitionMark: Sendable, Hashable {
    /// The next offset to apply; nil when there is no mark.
    public var offset: Int64?
    /// The fingerprint of the last record taken; nil when none was taken.
    public var fingerprint: Fingerprint?

    /// A mark of these parts.
    public init(offset: Int64?, fingerprint: Fingerprint?) {
        self.offset = offset
        self.fingerprint = fingerprint
    }
}

/// The marks of one shard.
public struct ShardMarks: Sendable, Hashable {
    /// Number of the shard.
    public var shard: Int
    /// `NUMBER:DIGEST` of the contract; nil when there is none.
    public var contract: String?
    /// Why the shard needs a rebuild, by `Marks.tornReason` or `ShardBirth.splitReason`; nil when
    /// it does not.
    public var torn: String?
    /// The id of its birth; nil in a ledger of an earlier version, and where there are no marks.
    public var birth: String?
    /// In a cluster, id of the node on which it was found whole; nil where nobody looked yet.
    public var owner: String?
    /// Number of entries in its parked hash, as the marks tell it.
    public var parked = 0
    /// One mark for each partition asked for, in that order.
    public var marks: [PartitionMark]

    /// The marks of a shard of which none could be read.
    package static func unknown(_ shard: Int, partitions count: Int) -> ShardMarks {
        let none = PartitionMark(offset: nil, fingerprint: nil)
        return ShardMarks(shard: shard, marks: Array(repeating: none, count: count))
    }

    /// Compares the id of its birth with that in its audit.
    fileprivate mutating func take(auditBirth: String?) {
        torn = torn ?? ShardBirth.splitReason(marks: birth, audit: auditBirth)
    }
}

/// Reads marks, and makes those that are absent.
public enum Marks {
    /// The marks of these partitions in every shard, or in those given, in one round trip.
    public static func read(
        _ connection: inout Connection, layout: KeyLayout, partitions: [LogPartition],
        shards: [Int]? = nil
    ) throws(LedgerError) -> [ShardMarks] {
        let shards = shards ?? Array(0..<layout.shardCount)
        appendQuestions(to: &connection, layout, partitions, shards)
        var read: [ShardMarks] = []
        read.reserveCapacity(shards.count)
        try receiveAll(2 * shards.count, on: &connection) { index, reply throws(LedgerError) in
            if index % 2 == 0 {
                read.append(try parse(reply, shard: shards[index / 2], partitions))
            } else {
                read[index / 2].take(auditBirth: text(reply))
            }
        }
        return read
    }

    /// The same over a connection to one node of a cluster, without the shards about which it gives
    /// an error: parts of them may be on another node.
    package static func readThere(
        _ connection: inout Connection, layout: KeyLayout, partitions: [LogPartition],
        shards: [Int]
    ) throws(RedisError) -> [Int: ShardMarks] {
        appendQuestions(to: &connection, layout, partitions, shards)
        var read: [Int: ShardMarks] = [:]
        for shard in shards {
            let marks = try connection.receive()
            var parsed: ShardMarks?
            if marks.errorText == nil {
                parsed = try? parse(marks.view, shard: shard, partitions)
            }
            let birth = try connection.receive()
            guard var parsed, birth.errorText == nil else { continue }
            parsed.take(auditBirth: text(birth.view))
            read[shard] = parsed
        }
        return read
    }

    private static func appendQuestions(
        to connection: inout Connection, _ layout: KeyLayout, _ partitions: [LogPartition],
        _ shards: [Int]
    ) {
        let members = partitions.flatMap { [$0.markMember, $0.markMember + [UInt8(ascii: "@")]] }
        for shard in shards {
            connection.append(
                [Array("HMGET".utf8), layout.marksKey(shard: shard)] + members + stateMembers)
            connection.append([
                Array("HGET".utf8), layout.auditKey(shard: shard), ShardBirth.member,
            ])
        }
    }

    /// Members of the marks that are read behind those of the partitions.
    private static let stateMembers = [
        "!owner", "!birth", "!parked", "!contract", "!torn", "!begun", "!done",
    ].map { Array($0.utf8) }

    /// Makes the marks that are absent, in every shard or in those given; the others are left
    /// alone.
    ///
    /// A shard without any mark gets the id of its birth.
    public static func createAbsent(
        _ connection: inout Connection, layout: KeyLayout, shards: [Int]? = nil,
        at offsets: [(partition: LogPartition, offset: Int64)]
    ) throws(LedgerError) {
        guard !offsets.isEmpty else { return }
        var script = Script(ShardBirth.script)
        try script.prepare(on: &connection)
        let shards = shards ?? Array(0..<layout.shardCount)
        let words = offsets.flatMap { [$0.partition.markMember, Array(String($0.offset).utf8)] }
        for shard in shards {
            script.append(
                on: &connection,
                keys: [layout.marksKey(shard: shard), layout.auditKey(shard: shard)],
                arguments: [ShardBirth.draw()] + words)
        }
        try receiveAll(shards.count, on: &connection) { _, _ in }
    }

    /// Why a shard needs a rebuild, by the members `!torn`, `!begun` and `!done` of its marks; nil
    /// when it does not.
    ///
    /// The commit script decides by the same rule and in the same words.
    public static func tornReason(torn: String?, begun: String?, done: String?) -> String? {
        if let torn, !torn.isEmpty { return torn }
        let begun = begun ?? "0"
        let done = done ?? "0"
        return begun == done
            ? nil : "a part of a commit was run: \(begun) begun, \(done) done"
    }

    private static func parse(
        _ reply: ReplyView, shard: Int, _ partitions: [LogPartition]
    ) throws(LedgerError) -> ShardMarks {
        guard reply.count == 2 * partitions.count + stateMembers.count else {
            throw LedgerError(
                .corrupt, "marks of shard \(shard): answer of \(reply.count) elements")
        }
        var result = ShardMarks(shard: shard, contract: nil, torn: nil, parked: 0, marks: [])
        for (index, partition) in partitions.enumerated() {
            let offset = text(reply[2 * index])
            let fingerprint = reply[2 * index + 1].bytes
            let parsed = fingerprint.flatMap { Fingerprint(text: $0) }
            guard offset == nil || offset.flatMap({ Int64($0) }) != nil,
                fingerprint == nil || parsed != nil
            else {
                throw LedgerError(
                    .corrupt,
                    "marks of shard \(shard): \(partition.topic)/\(partition.partition) is no mark")
            }
            result.marks.append(
                PartitionMark(offset: offset.flatMap { Int64($0) }, fingerprint: parsed))
        }
        result.owner = text(reply[reply.count - 7])
        result.birth = text(reply[reply.count - 6])
        result.parked = text(reply[reply.count - 5]).flatMap { Int($0) } ?? 0
        result.contract = text(reply[reply.count - 4])
        result.torn = tornReason(
            torn: text(reply[reply.count - 3]), begun: text(reply[reply.count - 2]),
            done: text(reply[reply.count - 1]))
        return result
    }

    private static func text(_ view: ReplyView) -> String? {
        view.bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}
