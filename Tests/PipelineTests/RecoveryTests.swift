import Foundation
import Kafka
import Ledger
import Metering
import Pipeline
import Redis
import TestSupport
import Testing

/// The machine while Redis forgets, refuses and goes away: in the end every event is counted once.
@Suite struct RecoveryTests {
    static let organizations = 20

    /// Produces events number `range`, one organization after the other.
    func produce(_ range: Range<Int>, to cluster: borrowing MockCluster) throws {
        let now = ISO8601DateFormatter().string(from: Date())
        try SupervisorTests.produce(
            range.map { index in
                let organization = "org-\(index % Self.organizations)"
                return (
                    organization,
                    SupervisorTests.event(
                        index, organization: organization, agent: "a\(index % 5)", time: now)
                )
            }, to: cluster.bootstrap)
    }

    /// Tokens of all organizations, or nil while Redis does not answer.
    func tokens(_ redis: TestRedis) -> Int64? {
        guard var connection = try? redis.connect() else { return nil }
        let layout = KeyLayout()
        var sum: Int64 = 0
        for number in 0..<Self.organizations {
            let key = layout.cellKey(
                organization: Array("org-\(number)".utf8), meter: "tokens", shape: .series,
                window: .all, number: 0)
            guard
                let reply = try? connection.command([
                    Array("HGET".utf8), key, Array("tokens".utf8),
                ])
            else { return nil }
            sum += reply.text.flatMap { Int64($0) } ?? 0
        }
        return sum
    }

    func wait(for expected: Int64, _ redis: TestRedis, seconds: Double = 40) -> Bool {
        SupervisorTests.wait(seconds) { tokens(redis) == expected }
    }

    /// Runs a body beside a running machine that has counted 400 events.
    func withMachine(
        lanes: Int = 1, events: EventLog = EventLog(),
        _ body: (borrowing MockCluster, TestRedis, Supervisor) throws -> Void
    ) throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        var configuration = try SupervisorTests.configuration(cluster, redis)
        configuration.lanes = lanes
        let supervisor = Supervisor(configuration) { events.take($0) }
        try supervisor.start()
        defer { supervisor.stop(deadlineMilliseconds: 15_000) }
        try produce(0..<400, to: cluster)
        #expect(wait(for: 400, redis))
        try body(cluster, redis, supervisor)
        #expect(supervisor.finalError == nil || events.mayFail)
    }

    @Test func anEmptiedRedisIsFilledAgainAlsoWhenIdle() throws {
        try withMachine { cluster, redis, supervisor in
            var connection = try redis.connect()
            try connection.command("FLUSHALL")
            #expect(wait(for: 400, redis), "tokens: \(tokens(redis) ?? -1)")
            try produce(400..<500, to: cluster)
            #expect(wait(for: 500, redis))
        }
    }

    @Test func aRedisFromAnOlderCopyIsBroughtUpToDate() throws {
        try withMachine { cluster, redis, supervisor in
            var connection = try redis.connect()
            try connection.command("SAVE")
            try produce(400..<900, to: cluster)
            #expect(wait(for: 900, redis))
            redis.stop()
            try redis.start()
            #expect(wait(for: 900, redis), "tokens: \(tokens(redis) ?? -1)")
            #expect(supervisor.metrics.stepsBack > 0)
        }
    }

    @Test func aStepBackThatKafkaHindersIsMadeLater() throws {
        try withMachine { cluster, redis, supervisor in
            var connection = try redis.connect()
            try connection.command("SAVE")
            try produce(400..<900, to: cluster)
            #expect(wait(for: 900, redis))
            // ListOffsets: the log start is asked for before anything is read again.
            cluster.failRequests(
                ofKind: 2, with: Array(repeating: .unknownTopicOrPartition, count: 6))
            redis.stop()
            try redis.start()
            try produce(900..<1_000, to: cluster)
            #expect(wait(for: 1_000, redis), "tokens: \(tokens(redis) ?? -1)")
        }
    }

    @Test func aRedisThatComesBackEmptyInTheMiddleIsFilledAgain() throws {
        try withMachine(lanes: 2) { cluster, redis, supervisor in
            try produce(400..<3_000, to: cluster)
            redis.stop()
            try produce(3_000..<3_500, to: cluster)
            try redis.start()
            #expect(wait(for: 3_500, redis), "tokens: \(tokens(redis) ?? -1)")
        }
    }

    @Test func aFrozenRedisLosesAndDoublesNothing() throws {
        try withMachine { cluster, redis, supervisor in
            redis.freeze(true)
            try produce(400..<2_400, to: cluster)
            #expect(SupervisorTests.wait(1) { false } == false)
            redis.freeze(false)
            #expect(wait(for: 2_400, redis), "tokens: \(tokens(redis) ?? -1)")
        }
    }

    @Test func aFullRedisIsWaitedFor() throws {
        try withMachine { cluster, redis, supervisor in
            var connection = try redis.connect()
            try connection.command("CONFIG", "SET", "maxmemory", "1")
            try produce(400..<1_000, to: cluster)
            #expect(SupervisorTests.wait(2) { tokens(redis) != 400 } == false)
            try connection.command("CONFIG", "SET", "maxmemory", "0")
            #expect(wait(for: 1_000, redis), "tokens: \(tokens(redis) ?? -1)")
        }
    }

    @Test func aSpoiledCellIsParkedAndStopsNobody() throws {
        try withMachine { cluster, redis, supervisor in
            let layout = KeyLayout()
            let key = layout.cellKey(
                organization: Array("org-3".utf8), meter: "tokens", shape: .series, window: .all,
                number: 0)
            var connection = try redis.connect()
            try connection.command([
                Array("HSET".utf8), key, Array("tokens".utf8), Array("text".utf8),
            ])
            try produce(400..<800, to: cluster)
            // 20 of the old and 20 of the new events are the spoiled organization's.
            #expect(wait(for: Int64((Self.organizations - 1) * 40), redis))
            let shard = layout.shard(of: "org-3".utf8)
            #expect(SupervisorTests.wait { supervisor.metrics.parked == [shard: 1] })
            #expect(supervisor.metrics.parkedEntries > 0)
            #expect(supervisor.metrics.shardsAside.isEmpty)
            try connection.command([
                Array("HSET".utf8), key, Array("tokens".utf8), Array("20".utf8),
            ])
            let stamp = try connection.command([
                Array("HGET".utf8), layout.marksKey(shard: shard), Array("!contract".utf8),
            ])
            var cursor = ParkedCells.begin
            let left = try ParkedCells.retry(
                &connection, layout: layout, shard: shard, contract: stamp.bytes ?? [],
                cursor: &cursor)
            #expect(left == 0)
            #expect(wait(for: 800, redis), "tokens: \(tokens(redis) ?? -1)")
            #expect(SupervisorTests.wait { supervisor.metrics.parked.isEmpty })
        }
    }

    @Test func aTornShardIsCountedAgainAfterItsReset() throws {
        try withMachine { cluster, redis, supervisor in
            let layout = KeyLayout()
            let shard = layout.shard(of: "org-3".utf8)
            var connection = try redis.connect()
            // What a failed undo leaves: a marker, and a cell that nobody vouches for.
            try connection.command([
                Array("HSET".utf8), layout.marksKey(shard: shard), Array("!torn".utf8),
                Array("undo failed".utf8),
            ])
            let spoiled = layout.cellKey(
                organization: Array("org-3".utf8), meter: "tokens", shape: .series, window: .all,
                number: 0)
            try connection.command([
                Array("HSET".utf8), spoiled, Array("tokens".utf8), Array("7".utf8),
            ])
            #expect(
                SupervisorTests.wait {
                    supervisor.metrics.shardsAside.map(\.shard) == [shard]
                })
            try produce(400..<800, to: cluster)
            let beside = (0..<Self.organizations).filter {
                layout.shard(of: "org-\($0)".utf8) != shard
            }
            let sharing = Self.organizations - beside.count - 1
            #expect(wait(for: Int64(beside.count * 40 + sharing * 20 + 7), redis))
            // All the others are counted, and yet nobody may believe that all is well.
            #expect(supervisor.trouble?.contains("shard \(shard) is set aside") ?? false)
            #expect(SupervisorTests.wait { supervisor.metrics.lag > 0 })
            let record = try #require(try LedgerRecord.read(&connection, layout: layout))
            let contract = ContractStamp(
                number: record.contractNumber,
                digest: Contract.digest(of: Array((record.contractText ?? "").utf8)))
            try ShardReset.run(
                &connection, redis: redis.configuration, layout: layout, shard: shard,
                contract: contract, origins: record.origins)
            #expect(wait(for: 800, redis), "tokens: \(tokens(redis) ?? -1)")
            #expect(SupervisorTests.wait { supervisor.metrics.shardsAside.isEmpty })
            try produce(800..<1_000, to: cluster)
            #expect(wait(for: 1_000, redis), "tokens: \(tokens(redis) ?? -1)")
            #expect(SupervisorTests.wait { supervisor.isReady && supervisor.metrics.lag == 0 })
        }
    }

    @Test func aSecondMemberComesAndGoes() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let configuration = try SupervisorTests.configuration(cluster, redis)
        let first = Supervisor(configuration) { _ in }
        try first.start()
        try produce(0..<1_000, to: cluster)
        let second = Supervisor(configuration) { _ in }
        try second.start()
        try produce(1_000..<2_000, to: cluster)
        #expect(SupervisorTests.wait { second.isReady })
        #expect(second.stop(deadlineMilliseconds: 15_000))
        try produce(2_000..<2_500, to: cluster)
        #expect(wait(for: 2_500, redis), "tokens: \(tokens(redis) ?? -1)")
        #expect(first.stop(deadlineMilliseconds: 15_000))
    }
}
