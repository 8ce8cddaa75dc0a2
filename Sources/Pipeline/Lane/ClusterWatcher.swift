internal import Ledger
internal import Redis

/// A lane's connection to a cluster beside its commits, which leads each command to its master.
final class ClusterWatcher: LaneWatcher {
    private var connection: Connection
    private let configuration: PipelineConfiguration

    init(_ configuration: PipelineConfiguration) throws(RedisError) {
        self.configuration = configuration
        connection = try Connection(ClusterHealth.patient(configuration.redis))
    }

    var isAlive: Bool { connection.isAlive }

    func readMarks(
        _ partitions: [LogPartition], shards: [Int]?
    ) throws(LedgerError) -> [ShardMarks] {
        try Marks.read(
            &connection, layout: configuration.layout, partitions: partitions, shards: shards)
    }

    func serverHealth() throws(LedgerError) -> ServerHealth {
        preconditionFailure("in a cluster checks never wait")
    }

    func retryParked(
        shard: Int, contract: [UInt8], cursor: inout [UInt8], latestSecond: Int64
    ) throws(LedgerError) -> Int {
        try ParkedCells.retry(
            &connection, layout: configuration.layout, shard: shard, contract: contract,
            cursor: &cursor, latestSecond: latestSecond)
    }
}

/// The check of all masters that can be asked.
enum ClusterHealth {
    /// The same servers with shorter waits, for questions that others wait for.
    static func patient(_ redis: RedisConfiguration) -> RedisConfiguration {
        var redis = redis
        redis.connectTimeoutMilliseconds = min(
            SlotCensus.patienceMilliseconds, redis.connectTimeoutMilliseconds)
        redis.commandTimeoutMilliseconds = min(
            2 * SlotCensus.patienceMilliseconds, redis.commandTimeoutMilliseconds)
        return redis
    }

    /// Checks every master over connections of its own; shards of those that do not answer wait.
    static func check(
        _ configuration: PipelineConfiguration, _ layout: KeyLayout
    ) -> Result<ServerHealth, LedgerError> {
        let redis = patient(configuration.redis)
        do throws(LedgerError) {
            var connection: Connection
            do throws(RedisError) { connection = try Connection(redis) } catch {
                throw LedgerError(error)
            }
            var refusals = ServerCheck.Refusals()
            let checks = try ServerChecks(
                redis, &connection, layout: layout,
                isEvictionChecked: configuration.isEvictionChecked, refusals: &refusals)
            if !checks.isReplica { try? checks.noteEvictions(on: &connection) }
            var health = ServerHealth(checks)
            // A replica that the map still names is none of this ledger's masters.
            health.isReplica = false
            return .success(health)
        } catch {
            // No server is left for such an answer: another node may have it otherwise.
            return .failure(
                error.leavesServer
                    ? LedgerError(.redis(RedisError(.io, error.message)), error.message)
                    : error)
        }
    }
}
