public import Redis

/// Where the counting of a partition begins.
public struct Origin: Sendable, Hashable {
    /// First offset that counts.
    public var offset: Int64
    /// When that was decided, in milliseconds since 1970.
    public var timestamp: Int64

    /// An origin of these parts.
    public init(offset: Int64, timestamp: Int64) {
        self.offset = offset
        self.timestamp = timestamp
    }

    /// The origin in its text `OFFSET TIMESTAMP`; nil where the text is none.
    public init?(text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let offset = Int64(parts[0]), let timestamp = Int64(parts[1]),
            offset >= 0
        else { return nil }
        self.init(offset: offset, timestamp: timestamp)
    }

    /// Its text in Redis.
    public var text: String { "\(offset) \(timestamp)" }
}

/// What the ledger says about itself: the hash `PREFIX:GEN:{dir}:ledger`.
public struct LedgerRecord: Sendable, Hashable {
    /// What only the first start decides.
    public struct Birth: Sendable, Hashable {
        /// Time of creation in milliseconds since 1970.
        public var created: Int64
        /// Random key of the dedupe hash.
        public var dedupeKey: [UInt8]
        /// Id of the Kafka cluster; "" = unknown.
        public var cluster: String
        /// Kafka group id.
        public var group: String

        /// A birth of these parts.
        public init(created: Int64, dedupeKey: [UInt8], cluster: String, group: String) {
            self.created = created
            self.dedupeKey = dedupeKey
            self.cluster = cluster
            self.group = group
        }
    }

    /// Name of the shard function, as it stands in the ledger.
    public static let shardHash = "fnv1a32"

    /// What the first start decided.
    public var birth: Birth
    /// Number of the contract; 0 = none yet.
    public var contractNumber: Int
    /// Canonical text of the contract; nil = none yet.
    public var contractText: String?
    /// Where the counting of each partition began.
    public var origins: [LogPartition: Origin]
    /// Next offset of each directory topic.
    public var directoryMarks: [String: Int64]
    /// Number of the contract since which each meter counts.
    public var since: [String: Int]

    /// Origins of one topic, by partition.
    public func origins(of topic: String) -> [Int32: Origin] {
        var found: [Int32: Origin] = [:]
        for (partition, origin) in origins where partition.topic == topic {
            found[partition.partition] = origin
        }
        return found
    }

    /// The ledger of this layout; makes it from `proposal` where there is none.
    ///
    /// Of several that begin at once one makes it and the others read what that one wrote.
    public static func open(
        _ connection: inout Connection, layout: KeyLayout, proposal: Birth
    ) throws(LedgerError) -> LedgerRecord {
        let fields: [(String, String)] = [
            ("layout", String(KeyLayout.version)), ("shards", String(layout.shardCount)),
            ("hash", shardHash), ("created", String(proposal.created)),
            ("dedupe_key", Hexadecimal.text(proposal.dedupeKey)), ("cluster", proposal.cluster),
            ("group", proposal.group),
        ]
        var script = Script(openScript)
        let reply: ReplyValue
        do throws(RedisError) {
            reply = try script.call(
                on: &connection, keys: [layout.ledgerKey],
                arguments: fields.flatMap { [Array($0.0.utf8), Array($0.1.utf8)] })
        } catch { throw LedgerError(error) }
        return try LedgerRecord(pairs: reply.elements, layout: layout)
    }

    /// The ledger of this layout, or nil where there is none.
    public static func read(
        _ connection: inout Connection, layout: KeyLayout
    ) throws(LedgerError) -> LedgerRecord? {
        let reply: ReplyValue
        do throws(RedisError) {
            reply = try connection.command([Array("HGETALL".utf8), layout.ledgerKey])
        } catch { throw LedgerError(error) }
        let pairs = reply.elements
        guard pairs.indices.contains(where: { $0 % 2 == 0 && pairs[$0].text == "layout" }) else {
            return nil
        }
        return try LedgerRecord(pairs: pairs, layout: layout)
    }

    private static let openScript = #"""
        #!lua
        if redis.call('HEXISTS', KEYS[1], 'layout') == 0 then
          redis.call('HSET', KEYS[1], unpack(ARGV))
        end
        return redis.call('HGETALL', KEYS[1])
        """#

    private init(pairs: [ReplyValue], layout: KeyLayout) throws(LedgerError) {
        var fields: [String: String] = [:]
        for index in stride(from: 0, to: pairs.count - 1, by: 2) {
            fields[pairs[index].text ?? ""] = pairs[index + 1].text
        }
        let expected = [
            ("layout", String(KeyLayout.version)), ("shards", String(layout.shardCount)),
            ("hash", LedgerRecord.shardHash),
        ]
        for (field, value) in expected where fields[field] != value {
            throw LedgerError(
                .otherLayout,
                "the ledger has \(field) \(fields[field] ?? "none"), this program \(value); "
                    + "use another --prefix")
        }
        func corrupt(_ field: String) -> LedgerError {
            LedgerError(
                .corrupt, "field \(field) of the ledger is broken: \(fields[field] ?? "none")")
        }
        guard let created = fields["created"].flatMap({ Int64($0) }) else {
            throw corrupt("created")
        }
        guard let key = fields["dedupe_key"].flatMap({ Hexadecimal.bytes($0) }) else {
            throw corrupt("dedupe_key")
        }
        birth = Birth(
            created: created, dedupeKey: key, cluster: fields["cluster"] ?? "",
            group: fields["group"] ?? "")
        contractText = fields["contract"]
        contractNumber = 0
        if let number = fields["contract_number"] {
            guard let number = Int(number), number > 0 else { throw corrupt("contract_number") }
            contractNumber = number
        }
        origins = [:]
        directoryMarks = [:]
        since = [:]
        for (field, value) in fields {
            if let name = LedgerRecord.name(in: field, after: "origin:") {
                guard let partition = LogPartition(text: name), let origin = Origin(text: value)
                else { throw corrupt(field) }
                origins[partition] = origin
            } else if let name = LedgerRecord.name(in: field, after: "directory:") {
                guard let offset = Int64(value) else { throw corrupt(field) }
                directoryMarks[name] = offset
            } else if let name = LedgerRecord.name(in: field, after: "since:") {
                guard let number = Int(value) else { throw corrupt(field) }
                since[name] = number
            }
        }
    }

    private static func name(in field: String, after word: String) -> String? {
        field.hasPrefix(word) ? String(field.dropFirst(word.count)) : nil
    }
}

/// Bytes as lower-case hexadecimal digits.
enum Hexadecimal {
    static func text(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0, digits.allSatisfy({ $0 != 43 && $0 != 45 }) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index...index + 1], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
