public import Redis

/// What Redis says about the position in the log, read by schemas/redis.md.
public struct LedgerStatus: Sendable {
    /// One partition over all shards.
    public struct Partition: Sendable {
        /// Where counting began; nil where no origin is stored.
        public var origin: Int64?
        /// The lowest mark of all shards.
        public var lowest: Int64?
        /// The highest mark of all shards.
        public var highest: Int64?
        /// Of each shard its mark, and Kafka's timestamp of its newest record.
        public var shards: [Int: (mark: Int64, newestMilliseconds: Int64)] = [:]
        /// Kafka's timestamp of the newest record in the numbers, in milliseconds since 1970;
        /// −1: none.
        public var newestMilliseconds: Int64 = -1
        /// Counter → count, of all shards together.
        public var audit: [String: Int64] = [:]

        /// Nothing known yet.
        public init() {}

        /// Shards whose newest record is half a minute older than the partition's.
        ///
        /// Even an idle shard moves its mark every ten seconds: these were set aside after a
        /// refusal, or no process counts them.
        public var behind: [Int] {
            shards.filter {
                $0.value.mark < highest ?? 0
                    && newestMilliseconds - $0.value.newestMilliseconds > 30_000
            }
            .map(\.key).sorted()
        }
    }

    /// Name and version of the server; nil where it does not say.
    public var server: String?
    /// The members of the ledger's record.
    public var ledger: [String: String] = [:]
    /// Names of the keys, with the ledger's number of shards.
    public var layout = KeyLayout()
    /// `TOPIC/NUMBER` → what is known of the partition.
    public var partitions: [String: Partition] = [:]
    /// Shards that need a rebuild, with the reason.
    public var torn: [Int: String] = [:]
    /// Masters of a cluster with the number of shards of each; empty where it is no cluster.
    public var masters: [(name: String, shards: Int)] = []
    /// Shards that could not be read, with the reason.
    public var unread: [Int: String] = [:]
    /// Cells whose changes are parked, the first twenty with their reasons.
    public var parked = ParkedList()

    /// A ledger of which nothing is known yet.
    public init() {}

    /// Reads marks and audit of all shards over a connection of its own; nil where there is no
    /// ledger.
    public static func read(
        _ redis: RedisConfiguration, layout: KeyLayout
    ) throws(LedgerError) -> LedgerStatus? {
        var connection: Connection
        do throws(RedisError) { connection = try Connection(redis) } catch {
            throw LedgerError(error)
        }
        var status = LedgerStatus()
        do throws(RedisError) { status.server = try ServerGreeting(&connection).product } catch {
            throw LedgerError(error)
        }
        status.ledger = pairs(try connection.ask([Array("HGETALL".utf8), layout.ledgerKey]))
        guard !status.ledger.isEmpty else { return nil }
        status.layout = layout.with(
            shardCount: try KeyLayout.ledgerShardCount(status.ledger["shards"]))
        do throws(RedisError) {
            if let map = redis.cluster?.map {
                try status.readShards(redis, map)
            } else {
                try status.readShards(&connection, Array(0..<status.layout.shardCount))
            }
        } catch { throw LedgerError(error) }
        // An error here is not reported: `odometer parked` reads the same and reports it.
        status.parked =
            (try? ParkedList.read(&connection, layout: status.layout, most: 20)) ?? ParkedList()
        for (member, value) in status.ledger where member.hasPrefix("origin:") {
            let name = String(member.dropFirst("origin:".count))
            status.partitions[name, default: Partition()].origin =
                value.split(separator: " ").first.flatMap { Int64($0) }
        }
        return status
    }

    private mutating func readShards(
        _ connection: inout Connection, _ shards: [Int]
    ) throws(RedisError) {
        for shard in shards {
            connection.append([Array("HGETALL".utf8), layout.marksKey(shard: shard)])
            connection.append([Array("HGETALL".utf8), layout.auditKey(shard: shard)])
        }
        for shard in shards {
            let marksReply = try connection.receive()
            let auditReply = try connection.receive()
            // A slot that moves may have no answer now.
            if let text = marksReply.errorText ?? auditReply.errorText {
                guard RedisError(serverText: text).isRedirect else { continue }
                unread[shard] = text
                continue
            }
            let marks = Self.pairs(marksReply.copied())
            let audit = Self.pairs(auditReply.copied())
            take(marks: marks, shard: shard)
            take(audit: audit)
            torn[shard] =
                torn[shard]
                ?? ShardBirth.splitReason(marks: marks["!birth"], audit: audit["!birth"])
        }
    }

    /// Reads the shards of each master over a connection of its own: one that is away hides no
    /// other's.
    private mutating func readShards(
        _ redis: RedisConfiguration, _ map: SlotMap
    ) throws(RedisError) {
        let parts = ServerPart.all(map, layout)
        masters = parts.map { (name: $0.1.name, shards: $0.1.shards.count) }
        var failure: RedisError?
        for (_, part) in parts where !part.shards.isEmpty {
            do throws(RedisError) {
                // Routed, because a slot may move meanwhile.
                var connection = try Connection(redis)
                try readShards(&connection, part.shards)
            } catch {
                failure = error
                for shard in part.shards { unread[shard] = error.description }
            }
        }
        let known = Set(parts.flatMap { $0.1.shards })
        for shard in 0..<layout.shardCount where !known.contains(shard) {
            unread[shard] = "no master has its slot"
        }
        if let failure, unread.count == layout.shardCount { throw failure }
    }

    private mutating func take(marks: [String: String], shard: Int) {
        torn[shard] = Marks.tornReason(
            torn: marks["!torn"], begun: marks["!begun"], done: marks["!done"])
        for (member, value) in marks where !member.hasPrefix("!") {
            if member.hasSuffix("@") {
                let parts = value.split(separator: " ")
                let name = String(member.dropLast())
                guard parts.count > 1, let milliseconds = Int64(parts[1]) else { continue }
                var partition = partitions[name] ?? Partition()
                partition.newestMilliseconds = max(partition.newestMilliseconds, milliseconds)
                partition.shards[shard, default: (0, -1)].newestMilliseconds = milliseconds
                partitions[name] = partition
            } else if let mark = Int64(value) {
                var partition = partitions[member] ?? Partition()
                partition.shards[shard, default: (0, -1)].mark = mark
                partition.lowest = min(partition.lowest ?? mark, mark)
                partition.highest = max(partition.highest ?? mark, mark)
                partitions[member] = partition
            }
        }
    }

    private mutating func take(audit: [String: String]) {
        for (member, value) in audit {
            guard let colon = member.lastIndex(of: ":"), let count = Int64(value) else { continue }
            let name = String(member[..<colon])
            let counter = String(member[member.index(after: colon)...])
            // Every shard counts `delivered`, `gaps` and `lost` of all offsets, and the rest of its
            // own records.
            let known = partitions[name]?.audit[counter] ?? 0
            partitions[name, default: Partition()].audit[counter] =
                ["delivered", "gaps", "lost"].contains(counter) ? max(known, count) : known + count
        }
    }

    private static func pairs(_ value: ReplyValue) -> [String: String] {
        let texts = value.elements.map { $0.text ?? "" }
        var pairs: [String: String] = [:]
        for index in stride(from: 0, to: texts.count - 1, by: 2) {
            pairs[texts[index]] = texts[index + 1]
        }
        return pairs
    }
}
