public import Redis

/// Where the counting of a partition begins.
public struct Origin: Sendable, Hashable {
    /// First offset that counts.
    public var offset: Int64
    /// When that was decided, in milliseconds since 1970.
    public var decidedMilliseconds: Int64

    /// An origin of these parts.
    public init(offset: Int64, decidedMilliseconds: Int64) {
        self.offset = offset
        self.decidedMilliseconds = decidedMilliseconds
    }

    /// The origin in its text `OFFSET TIMESTAMP`; nil where the text has another form.
    public init?(text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let offset = Int64(parts[0]), let milliseconds = Int64(parts[1]),
            offset >= 0
        else { return nil }
        self.init(offset: offset, decidedMilliseconds: milliseconds)
    }

    /// Its text in Redis.
    public var text: String { "\(offset) \(decidedMilliseconds)" }
}

/// What the ledger says about itself: the hash `PREFIX:GEN:{dir}:ledger`.
public struct LedgerRecord: Sendable, Hashable {
    /// What only the first start decides.
    public struct Birth: Sendable, Hashable {
        /// Time of creation in milliseconds since 1970.
        public var createdMilliseconds: Int64
        /// Random key of the dedupe hash.
        public var dedupeKey: [UInt8]
        /// Id of the Kafka cluster; "" when it is unknown.
        public var cluster: String
        /// Kafka group id.
        public var group: String

        /// A birth of these parts.
        public init(
            createdMilliseconds: Int64, dedupeKey: [UInt8], cluster: String, group: String
        ) {
            self.createdMilliseconds = createdMilliseconds
            self.dedupeKey = dedupeKey
            self.cluster = cluster
            self.group = group
        }
    }

    /// Name of the shard function in the ledger.
    public static let shardHash = "fnv1a32"

    /// Number of shards, which the first start decided, too.
    public var shardCount: Int
    /// What the first start decided.
    public var birth: Birth
    /// Number of the contract; 0: none yet.
    public var contractNumber: Int
    /// Canonical text of the contract; nil when there is none yet.
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

    /// The ledger under these names; makes it from `proposal` where there is none, with the
    /// layout's number of shards.
    ///
    /// An existing ledger keeps its number. Where several processes start at once, one makes it and
    /// the others read what it wrote.
    public static func open(
        _ connection: inout Connection, layout: KeyLayout, proposal: Birth
    ) throws(LedgerError) -> LedgerRecord {
        let members: [(String, String)] = [
            ("layout", String(KeyLayout.version)), ("shards", String(layout.shardCount)),
            ("hash", shardHash), ("created", String(proposal.createdMilliseconds)),
            ("dedupe_key", Hexadecimal.text(proposal.dedupeKey)), ("cluster", proposal.cluster),
            ("group", proposal.group),
        ]
        var script = Script(openScript)
        let reply = try script.ask(
            on: &connection, keys: [layout.ledgerKey],
            arguments: members.flatMap { [Array($0.0.utf8), Array($0.1.utf8)] })
        return try LedgerRecord(pairs: reply.elements)
    }

    /// The ledger under these names, with whatever number of shards, or nil where there is none.
    public static func read(
        _ connection: inout Connection, layout: KeyLayout
    ) throws(LedgerError) -> LedgerRecord? {
        let reply = try connection.ask([Array("HGETALL".utf8), layout.ledgerKey])
        let pairs = reply.elements
        guard pairs.indices.contains(where: { $0 % 2 == 0 && pairs[$0].text == "layout" }) else {
            return nil
        }
        return try LedgerRecord(pairs: pairs)
    }

    private static let openScript = #"""
        #!lua
        if redis.call('HEXISTS', KEYS[1], 'layout') == 0 then
          redis.call('HSET', KEYS[1], unpack(ARGV))
        end
        return redis.call('HGETALL', KEYS[1])
        """#

    private init(pairs: [ReplyValue]) throws(LedgerError) {
        var members: [String: String] = [:]
        for index in stride(from: 0, to: pairs.count - 1, by: 2) {
            members[pairs[index].text ?? ""] = pairs[index + 1].text
        }
        let expected = [
            ("layout", String(KeyLayout.version)), ("hash", LedgerRecord.shardHash),
        ]
        for (member, value) in expected where members[member] != value {
            throw LedgerError(
                .otherLayout,
                "the ledger has \(member) \(members[member] ?? "none"), this program \(value); "
                    + "use another --prefix")
        }
        shardCount = try KeyLayout.ledgerShardCount(members["shards"])
        func corrupt(_ member: String) -> LedgerError {
            LedgerError(
                .corrupt, "member \(member) of the ledger is broken: \(members[member] ?? "none")")
        }
        guard let createdMilliseconds = members["created"].flatMap({ Int64($0) }) else {
            throw corrupt("created")
        }
        guard let key = members["dedupe_key"].flatMap({ Hexadecimal.bytes($0) }) else {
            throw corrupt("dedupe_key")
        }
        birth = Birth(
            createdMilliseconds: createdMilliseconds, dedupeKey: key,
            cluster: members["cluster"] ?? "", group: members["group"] ?? "")
        contractText = members["contract"]
        contractNumber = 0
        if let number = members["contract_number"] {
            guard let number = Int(number), number > 0 else { throw corrupt("contract_number") }
            contractNumber = number
        }
        origins = [:]
        directoryMarks = [:]
        since = [:]
        for (member, value) in members {
            if let name = LedgerRecord.name(in: member, after: "origin:") {
                guard let partition = LogPartition(text: name), let origin = Origin(text: value)
                else { throw corrupt(member) }
                origins[partition] = origin
            } else if let name = LedgerRecord.name(in: member, after: "directory:") {
                guard let offset = Int64(value) else { throw corrupt(member) }
                directoryMarks[name] = offset
            } else if let name = LedgerRecord.name(in: member, after: "since:") {
                guard let number = Int(value) else { throw corrupt(member) }
                since[name] = number
            }
        }
    }

    private static func name(in member: String, after word: String) -> String? {
        member.hasPrefix(word) ? String(member.dropFirst(word.count)) : nil
    }
}

extension KeyLayout {
    /// The same names with the number of shards of the ledger under them; unchanged where there is
    /// no ledger.
    public func ofLedger(on connection: inout Connection) throws(LedgerError) -> KeyLayout {
        // HGETALL, because every command of the program has the right to it.
        let pairs = try connection.ask([Array("HGETALL".utf8), ledgerKey]).elements
        for index in stride(from: 0, to: pairs.count - 1, by: 2) where pairs[index].text == "shards"
        {
            return with(shardCount: try KeyLayout.ledgerShardCount(pairs[index + 1].text))
        }
        return self
    }

    /// The number of shards that a ledger's member tells; throws where no ledger has that many.
    static func ledgerShardCount(_ text: String?) throws(LedgerError) -> Int {
        guard let count = text.flatMap({ validShardCount($0) }) else {
            throw LedgerError(
                .otherLayout,
                "the ledger's number of shards must be \(shardCountRule), not \(text ?? "absent")")
        }
        return count
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
