public import Redis

/// The way out of a torn shard: deletes its cells and sets its marks to where the log can be
/// counted from.
///
/// That is the origin of each partition, or the log's start where the log no longer reaches back to
/// the origin; the audit then counts the offsets between as `lost`.
public enum ShardReset {
    /// Empties a shard, all but the directory's objects, and puts its marks at the origins.
    ///
    /// While it runs the shard is torn, so no process commits to it; after a crash it can be run
    /// again.
    ///
    /// In a cluster, keys of the shard are deleted on every master: a failover in the middle of a
    /// move leaves some on two. Refused with `unsuitableServer` while the slot's owner moves it
    /// away.
    ///
    /// - Parameters:
    ///   - redis: how `connection` was made.
    ///   - starts: first offsets of logs that no longer reach their origin.
    public static func run(
        _ connection: inout Connection, redis: RedisConfiguration, layout: KeyLayout, shard: Int,
        contract: ContractStamp, origins: [LogPartition: Origin],
        starts: [LogPartition: Int64] = [:]
    ) throws(LedgerError) {
        let strays = try redis.cluster.map { cluster throws(LedgerError) in
            try ShardStrays(redis, cluster, layout, shard)
        }
        do throws(RedisError) {
            let marks = layout.marksKey(shard: shard)
            try connection.command([word("HSET"), marks, word("!torn"), word("reset is running")])
        } catch { throw LedgerError(error) }
        if let strays {
            var owner = try strays.connectToOwner()
            do throws(RedisError) { try deleteCells(&owner, layout, shard) } catch {
                throw LedgerError(error)
            }
            try strays.delete()
        } else {
            do throws(RedisError) { try deleteCells(&connection, layout, shard) } catch {
                throw LedgerError(error)
            }
        }
        do throws(RedisError) {
            let marks = layout.marksKey(shard: shard)
            // One transaction: Redis has either the marker with the old marks, or the new marks
            // without it.
            var commands: [[[UInt8]]] = [[word("MULTI")]]
            commands.append([word("DEL"), marks, layout.auditKey(shard: shard)])
            let birth = ShardBirth.draw()
            commands.append([
                word("HSET"), marks, word("!contract"), contract.text, ShardBirth.member, birth,
            ])
            commands.append([
                word("HSET"), layout.auditKey(shard: shard), ShardBirth.member, birth,
            ])
            for (partition, origin) in origins {
                let mark = max(origin.offset, starts[partition] ?? 0)
                commands.append([word("HSET"), marks, partition.markMember, word(String(mark))])
                guard mark > origin.offset else { continue }
                commands.append([
                    word("HSET"), layout.auditKey(shard: shard),
                    partition.markMember + word(":lost"), word(String(mark - origin.offset)),
                ])
            }
            commands.append([word("EXEC")])
            for command in commands { connection.append(command) }
            var failure: RedisError?
            for _ in commands {
                let reply = try connection.receive()
                if let text = reply.errorText { failure = failure ?? RedisError(serverText: text) }
            }
            if let failure { throw failure }
        } catch { throw LedgerError(error) }
    }

    private static func deleteCells(
        _ connection: inout Connection, _ layout: KeyLayout, _ shard: Int
    ) throws(RedisError) {
        let marks = layout.marksKey(shard: shard)
        let prefix = layout.shardPrefix(shard)
        let kept = [marks, layout.auditKey(shard: shard)]
        var cursor = word("0")
        repeat {
            let reply = try connection.command([
                word("SCAN"), cursor, word("MATCH"), prefix + word("*"), word("COUNT"),
                word("1000"),
            ])
            guard reply.elements.count == 2, let next = reply.elements[0].bytes else {
                throw RedisError(.protocolViolation, "SCAN did not answer with a cursor")
            }
            let cells = reply.elements[1].elements.compactMap(\.bytes).filter {
                !kept.contains($0) && !isDirectory($0, prefix)
            }
            if !cells.isEmpty { try connection.command([word("UNLINK")] + cells) }
            cursor = next
        } while cursor != word("0")
    }

    /// Whether a key's name after the shard is `ORG:directory:…`; an organization's id holds no
    /// ":".
    static func isDirectory(_ name: [UInt8], _ prefix: [UInt8]) -> Bool {
        let parts = name.dropFirst(prefix.count).split(
            separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 && parts[1].elementsEqual("directory".utf8)
    }

    private static func word(_ text: String) -> [UInt8] { Array(text.utf8) }
}
