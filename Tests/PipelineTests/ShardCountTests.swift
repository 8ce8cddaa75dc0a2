import Foundation
import Kafka
import Ledger
import Metering
import Redis
import TestSupport
import Testing

@testable import Pipeline

/// A ledger keeps the number of shards that it was made with, whatever a new one has.
@Suite(.serialized) struct ShardCountTests {
    private static let organizations = 20
    private static let birth = LedgerRecord.Birth(
        createdMilliseconds: 5, dedupeKey: Array(0..<16), cluster: "", group: "odometer-old")

    private func configuration(
        _ cluster: borrowing MockCluster, _ redis: TestRedis, prefix: String
    ) throws -> PipelineConfiguration {
        PipelineConfiguration(
            client: ClientConfiguration(bootstrap: cluster.bootstrap), redis: redis.configuration,
            layout: KeyLayout(prefix: prefix), catalog: try SupervisorTests.catalog(),
            commitIntervalMilliseconds: 50, dedupeWindow: 1_024)
    }

    /// Makes an empty ledger of 64 shards, as earlier builds did; returns its layout.
    private func makeOldLedger(_ redis: TestRedis) throws -> KeyLayout {
        var connection = try redis.connect()
        let layout = KeyLayout(prefix: "old", shardCount: 64)
        _ = try LedgerRecord.open(&connection, layout: layout, proposal: Self.birth)
        return layout
    }

    private func produce(_ range: Range<Int>, to cluster: borrowing MockCluster) throws {
        let now = ISO8601DateFormatter().string(from: Date())
        try SupervisorTests.produce(
            range.map { index in
                let organization = "org-\(index % Self.organizations)"
                return (
                    organization,
                    SupervisorTests.event(index, organization: organization, agent: "a", time: now)
                )
            }, to: cluster.bootstrap)
    }

    /// Tokens of all organizations under the names of this layout.
    private func tokens(_ redis: TestRedis, _ layout: KeyLayout) throws -> Int64 {
        var connection = try redis.connect()
        var sum: Int64 = 0
        for number in 0..<Self.organizations {
            let key = layout.cellKey(
                organization: Array("org-\(number)".utf8), meter: "tokens", shape: .series,
                window: .all, number: 0)
            let reply = try connection.command([
                Array("HGET".utf8), key, Array("tokens".utf8),
            ])
            sum += reply.integer ?? 0
        }
        return sum
    }

    private func record(_ redis: TestRedis, _ layout: KeyLayout) throws -> LedgerRecord {
        var connection = try redis.connect()
        return try #require(try LedgerRecord.read(&connection, layout: layout))
    }

    @Test func aLedgerOf64ShardsIsCountedBesideANewOne() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let old = try makeOldLedger(redis)
        let new = KeyLayout(prefix: "new")
        #expect(new.shardCount == 256)
        var digest: String?
        // The second round takes both ledgers over as a restart does.
        for round in 1...2 {
            let supervisors = try [old, new].map {
                Supervisor(try configuration(cluster, redis, prefix: $0.prefix)) { _ in }
            }
            for supervisor in supervisors { try supervisor.start() }
            try produce((round - 1) * 400..<round * 400, to: cluster)
            let expected = Int64(round * 400)
            for layout in [old, new] {
                let isCounted = try SupervisorTests.wait {
                    try tokens(redis, layout) == expected
                }
                #expect(isCounted, "\(layout.prefix), round \(round)")
            }
            for supervisor in supervisors {
                #expect(supervisor.finalError == nil)
                #expect(supervisor.stop(deadlineMilliseconds: 15_000))
            }
            let record = try record(redis, old)
            #expect(record.shardCount == 64 && record.birth.dedupeKey == Self.birth.dedupeKey)
            let text = try #require(record.contractText)
            #expect(text.contains("shards 64\n"))
            #expect(digest == nil || digest == Contract.digest(of: Array(text.utf8)))
            digest = Contract.digest(of: Array(text.utf8))
        }
        #expect(try record(redis, new).shardCount == 256)
        // Every shard of both has its marks, and no shard beyond them.
        var connection = try redis.connect()
        for layout in [old, new] {
            let marks = try connection.command("KEYS", "\(layout.prefix):1:{*}:marks")
            #expect(marks.elements.count == layout.shardCount)
            let status = try #require(
                try LedgerStatus.read(
                    redis.configuration, layout: KeyLayout(prefix: layout.prefix)))
            #expect(status.layout == layout)
        }
    }

    @Test func aStartThatWaitsForRedisTakesTheLedgersNumber() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let old = try makeOldLedger(redis)
        var configuration = try configuration(cluster, redis, prefix: "old")
        configuration.redis.connectTimeoutMilliseconds = 500
        configuration.redis.commandTimeoutMilliseconds = 500
        redis.freeze(true)
        let supervisor = Supervisor(configuration) { _ in }
        defer { supervisor.stop(deadlineMilliseconds: 15_000) }
        try supervisor.start()
        #expect(supervisor.isWaiting)
        redis.freeze(false)
        try produce(0..<400, to: cluster)
        let isCounted = try SupervisorTests.wait { try tokens(redis, old) == 400 }
        #expect(isCounted)
        #expect(supervisor.finalError == nil)
    }

    @Test func aLedgerThatWasMadeAgainWithAnotherNumberNeedsARestart() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        _ = try makeOldLedger(redis)
        let configuration = try configuration(cluster, redis, prefix: "old")
        var connection = try redis.connect()
        let running = try LedgerKeeper(configuration: configuration, cluster: "one")
        #expect(try running.open(&connection).layout.shardCount == 64)
        try connection.command("FLUSHALL")
        // Alone it makes the ledger again as it was.
        #expect(try running.open(&connection).layout.shardCount == 64)
        try connection.command("FLUSHALL")
        let started = try LedgerKeeper(configuration: configuration, cluster: "one")
        #expect(try started.open(&connection).layout.shardCount == 256)
        do throws(PipelineError) {
            _ = try running.open(&connection)
            Issue.record("went on with another number of shards")
        } catch {
            #expect(error.code == .otherShards, "\(error)")
        }
    }
}
