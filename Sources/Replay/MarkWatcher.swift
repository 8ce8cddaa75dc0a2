import Glibc
public import Redis
import Synchronization
import Workload

/// Where the marks of a ledger are, by the published layout.
public struct MarkPlace: Sendable {
    /// How to reach Redis.
    public var redis: RedisConfiguration
    /// The first part of the ledger's key names.
    public var prefix: String
    /// The second part of the ledger's key names.
    public var generation: Int

    /// Makes the place of the marks of the ledger under this prefix.
    public init(redis: RedisConfiguration, prefix: String, generation: Int) {
        self.redis = redis
        self.prefix = prefix
        self.generation = generation
    }

    /// Name of the hash with a shard's marks in a ledger of so many shards.
    func marksKey(shard: Int, of shards: Int) -> String {
        oracleKeyStart("\(prefix):\(generation):", shard: shard, shards: shards) + "marks"
    }

    /// Shards of a ledger that does not exist yet.
    private static let newShards = 256

    /// How many shards the ledger has; throws when Redis does not answer now.
    func shards() throws(ReplayError) -> Int {
        let reply: ReplyValue
        do throws(RedisError) {
            var connection = try Connection(redis)
            reply = try connection.command(
                "HMGET", "\(prefix):\(generation):{dir}:ledger", "shards")
        } catch {
            throw ReplayError(.sink, error.description)
        }
        guard let text = reply.elements.first?.text else { return Self.newShards }
        guard let shards = oracleShardCount(text) else {
            throw ReplayError(
                .sink,
                "the ledger's number of shards must be a power of two from 1 to 4,096, not \(text)")
        }
        return shards
    }
}

/// Reads the marks every ten milliseconds, on a thread of its own.
///
/// It reads only the shards for which records wait. When Redis does not answer it connects again
/// until it does; that time is part of the freshness of the records that waited.
final class MarkWatcher: @unchecked Sendable {
    // Sendable: after the initializer only the watcher's thread uses the connection.
    private static let intervalMicroseconds: Int64 = 10_000

    private let place: MarkPlace
    private let fields: [String]
    private let shardCount: Int
    private let measures: ReplayMeasures
    private var connection: Connection?
    private let lastError = Mutex<String?>(nil)
    private var thread: ReplayThread?

    /// Connects and begins to read; throws when Redis does not answer now.
    init(
        _ place: MarkPlace, topic: String, partitions: Int, shards: Int, measures: ReplayMeasures
    ) throws(ReplayError) {
        self.place = place
        shardCount = shards
        self.measures = measures
        fields = (0..<partitions).map { "\(topic)/\($0)" }
        do throws(RedisError) {
            var connection = try Connection(place.redis)
            // Shows early whether the user may read marks.
            try connection.command(
                "HMGET", place.marksKey(shard: 0, of: shards), "\(topic)/0")
            self.connection = consume connection
        } catch {
            throw ReplayError(.sink, error.description)
        }
        thread = ReplayThread { [unowned self] in self.look() }
    }

    /// Ends the thread.
    func stop() { thread?.stop() }

    /// Why the last reading failed; nil when it did not.
    var errorText: String? { lastError.withLock { $0 } }

    private func look() {
        let clock = measures.clock
        let begin = clock.now
        let shards = measures.waitingShards
        if !shards.isEmpty {
            do throws(RedisError) {
                try read(shards)
                lastError.withLock { $0 = nil }
            } catch {
                connection = nil
                lastError.withLock { $0 = error.description }
                clock.sleep(until: clock.now + 10 * MarkWatcher.intervalMicroseconds)
            }
        }
        clock.sleep(until: begin + MarkWatcher.intervalMicroseconds)
    }

    private func read(_ shards: [Int]) throws(RedisError) {
        var open: Connection
        if let known = connection.take() {
            open = known
        } else {
            open = try Connection(place.redis)
        }
        for shard in shards {
            open.begin(arguments: 2 + fields.count)
            open.add("HMGET")
            open.add(text: place.marksKey(shard: shard, of: shardCount))
            for field in fields { open.add(text: field) }
        }
        for shard in shards {
            let reply = try open.receive()
            if let error = reply.errorText { throw RedisError(serverText: error) }
            let marks = (0..<min(reply.count, fields.count)).map { place in
                reply[place].bytes.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
            }
            measures.marks(shard: shard, marks)
        }
        connection = consume open
    }
}
