public import Redis

/// Why the ledger could not be read or changed.
public struct LedgerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// Redis could not be reached or answered with an error.
        case redis(RedisError)
        /// The content of Redis is not what a ledger of this layout holds.
        case corrupt
        /// The ledger has another layout or shard hash, or a number of shards that none may have.
        case otherLayout
        /// The contract has another catalog or other bounds, and this one is no superset of it.
        case contractDiffers
        /// A process with a newer contract has taken over.
        case contractMovedOn
        /// The ledger was made again with another number of shards than this process began with.
        case otherShards
        /// The Redis server is not fit to hold a ledger.
        case unsuitableServer
    }

    /// The kind of failure.
    public let code: Code
    /// Text for people.
    public let message: String

    /// An error with these parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// An error of Redis or of the way to it.
    public init(_ error: RedisError) {
        let hint = error.isForbidden ? "; odometer check --acl prints the rights of its user" : ""
        self.init(.redis(error), error.description + hint)
    }

    /// The ledger was made again, by another process and with another number of shards than that of
    /// `layout`.
    public init(otherShardsThan layout: KeyLayout, _ record: LedgerRecord) {
        self.init(
            .otherShards,
            "the ledger was made again with \(record.shardCount) shards and had "
                + "\(layout.shardCount): a restart takes its number")
    }

    /// Whether trying again may help: Redis is away, loading, or lacks memory or disk space.
    public var isRetriable: Bool {
        guard case .redis(let error) = code else { return false }
        guard let prefix = error.serverPrefix else { return error.code != .configuration }
        return CommitOutcome.serverWideCodes.contains(prefix)
    }

    /// Whether to look for another server under the same name: see `RedisError.leavesServer`.
    public var leavesServer: Bool {
        guard case .redis(let error) = code else { return false }
        return error.leavesServer
    }

    /// The message.
    public var description: String { message }
}

extension Connection {
    /// Runs a command and waits for its answer, as `command` does; throws the ledger's errors.
    mutating func ask(_ words: [[UInt8]]) throws(LedgerError) -> ReplyValue {
        do throws(RedisError) { return try command(words) } catch { throw LedgerError(error) }
    }
}

extension KeyScan {
    /// The same walk, with the ledger's errors.
    static func ofLedger(
        _ redis: RedisConfiguration, pattern: String
    ) throws(LedgerError) -> KeyScan {
        do throws(RedisError) { return try KeyScan(redis, pattern: pattern) } catch {
            throw LedgerError(error)
        }
    }

    /// The next names, as `next` gives them; throws the ledger's errors.
    mutating func nextOfLedger() throws(LedgerError) -> [[UInt8]]? {
        do throws(RedisError) { return try next() } catch { throw LedgerError(error) }
    }
}

extension Script {
    /// Calls the script and waits for its answer, as `call` does; throws the ledger's errors.
    mutating func ask(
        on connection: inout Connection, keys: [[UInt8]], arguments: [[UInt8]]
    ) throws(LedgerError) -> ReplyValue {
        do throws(RedisError) {
            return try call(on: &connection, keys: keys, arguments: arguments)
        } catch { throw LedgerError(error) }
    }

    /// Loads the script, as `load` does; throws the ledger's errors.
    mutating func prepare(on connection: inout Connection) throws(LedgerError) {
        do throws(RedisError) { try load(on: &connection) } catch { throw LedgerError(error) }
    }
}

/// Takes all answers of a pipeline, also after an error among them; then throws the first error.
func receiveAll(
    _ count: Int, on connection: inout Connection,
    _ body: (Int, ReplyView) throws(LedgerError) -> Void
) throws(LedgerError) {
    var failure: LedgerError?
    for index in 0..<count {
        let reply: Reply
        do throws(RedisError) { reply = try connection.receive() } catch {
            throw LedgerError(error)
        }
        if failure != nil { continue }
        if let text = reply.errorText {
            failure = LedgerError(RedisError(serverText: text))
        } else {
            do throws(LedgerError) { try body(index, reply.view) } catch { failure = error }
        }
    }
    if let failure { throw failure }
}
