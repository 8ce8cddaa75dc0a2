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

    /// Its field in a marks hash: `TOPIC/PARTITION`.
    public var markField: [UInt8] { KeyLayout.markField(topic: topic, partition: partition) }

    /// Its name for people: `TOPIC/PARTITION`.
    public var name: String { "\(topic)/\(partition)" }

    /// By topic, then by number.
    public static func < (one: LogPartition, other: LogPartition) -> Bool {
        (one.topic, one.partition) < (other.topic, other.partition)
    }

    /// The partition in its text `TOPIC/PARTITION`; nil where the text is none.
    public init?(text: String) {
        guard let slash = text.lastIndex(of: "/"), slash > text.startIndex,
            let partition = Int32(text[text.index(after: slash)...]), partition >= 0
        else { return nil }
        self.init(topic: String(text[..<slash]), partition: partition)
    }
}

/// What stands in a shard's marks for one partition.
public struct PartitionMark: Sendable, Hashable {
    /// The next offset to apply; nil = no mark.
    public var offset: Int64?
    /// What the last record taken looked like; nil = none was taken.
    public var fingerprint: Fingerprint?

    /// A mark of these parts.
    public init(offset: Int64?, fingerprint: Fingerprint?) {
        self.offset = offset
        self.fingerprint = fingerprint
    }
}

/// What stands in the marks of one shard.
public struct ShardMarks: Sendable, Hashable {
    /// Number of the shard.
    public var shard: Int
    /// `NUMBER:DIGEST` of the contract; nil = none.
    public var contract: String?
    /// Why the shard needs a rebuild, by `Marks.tornReason`; nil = it does not.
    public var torn: String?
    /// Fields of its parked hash, as the marks tell them; 0 = nothing is parked.
    public var parked = 0
    /// One mark for each partition asked for, in that order.
    public var marks: [PartitionMark]
}

/// Reads marks, and makes those that are absent.
public enum Marks {
    /// The marks of these partitions in every shard, or in those given, in one round trip.
    public static func read(
        _ connection: inout Connection, layout: KeyLayout, partitions: [LogPartition],
        shards: [Int]? = nil
    ) throws(LedgerError) -> [ShardMarks] {
        let shards = shards ?? Array(0..<layout.shardCount)
        let fields = partitions.flatMap { [$0.markField, $0.markField + [UInt8(ascii: "@")]] }
        let end = ["!parked", "!contract", "!torn", "!begun", "!done"].map { Array($0.utf8) }
        for shard in shards {
            connection.append([Array("HMGET".utf8), layout.marksKey(shard: shard)] + fields + end)
        }
        var read: [ShardMarks] = []
        read.reserveCapacity(shards.count)
        try receiveAll(shards.count, on: &connection) { index, reply throws(LedgerError) in
            read.append(try parse(reply, shard: shards[index], partitions))
        }
        return read
    }

    /// Makes the marks that are absent, in every shard; those that stand are left alone.
    public static func createAbsent(
        _ connection: inout Connection, layout: KeyLayout,
        at offsets: [(partition: LogPartition, offset: Int64)]
    ) throws(LedgerError) {
        for shard in 0..<layout.shardCount {
            let key = layout.marksKey(shard: shard)
            for (partition, offset) in offsets {
                connection.append([
                    Array("HSETNX".utf8), key, partition.markField, Array(String(offset).utf8),
                ])
            }
        }
        try receiveAll(layout.shardCount * offsets.count, on: &connection) { _, _ in }
    }

    /// Why a shard needs a rebuild, by the fields `!torn`, `!begun` and `!done` of its marks; nil = it does not.
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
        guard reply.count == 2 * partitions.count + 5 else {
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
