import Kafka
import Ledger
import Pipeline
import Redis
import TestSupport
import Testing

/// What Redis can change under a running machine: its policy and our rights;
/// and a Redis away at the start.
@Suite struct FitnessTests {
    /// One check interval, and some time for a machine that shares its processor.
    static let interval = 15.0

    /// Spoils and repairs Redis under a machine that has counted 400 events.
    private func check(spoil: [String], repair: [String], says word: String) throws {
        let events = EventLog()
        let recovery = RecoveryTests()
        try recovery.withMachine(events: events) { cluster, redis, supervisor in
            var connection = try redis.connect()
            try connection.command(spoil.map { Array($0.utf8) })
            let isSaid = SupervisorTests.wait(Self.interval) {
                supervisor.trouble?.contains(word) ?? false
            }
            #expect(isSaid, "\(supervisor.trouble ?? "ready")")
            try recovery.produce(400..<800, to: cluster)
            // Nothing is counted meanwhile, however long it lasts; another look passes.
            #expect(!SupervisorTests.wait(6) { recovery.tokens(redis) != 400 })
            try connection.command(repair.map { Array($0.utf8) })
            #expect(recovery.wait(for: 800, redis), "tokens: \(recovery.tokens(redis) ?? -1)")
            #expect(SupervisorTests.wait { supervisor.isReady })
        }
        // Said when it began and when it ended, not at every look.
        #expect(events.messages("unfit").count == 2, "\(events.messages("unfit"))")
        #expect(events.messages("holding").count == 2, "\(events.messages("holding"))")
    }

    @Test func anotherEvictionPolicyStopsTheCommitsUntilItIsPutBack() throws {
        try check(
            spoil: ["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
            repair: ["CONFIG", "SET", "maxmemory-policy", "noeviction"], says: "maxmemory-policy")
    }

    @Test func aRightThatIsTakenAwayStopsTheCommitsUntilItIsGivenBack() throws {
        try check(
            spoil: ["ACL", "SETUSER", "default", "-zincrby"],
            repair: ["ACL", "SETUSER", "default", "+zincrby"], says: "ZINCRBY")
    }

    /// Nothing is on its way: only the look at the marks waits, and it
    /// waits as long as any command may.
    @Test func aFrozenRedisIsToldWhileNothingHappens() throws {
        try RecoveryTests().withMachine { cluster, redis, supervisor in
            #expect(SupervisorTests.wait { supervisor.isReady })
            redis.freeze(true)
            #expect(SupervisorTests.wait(Self.interval) { !supervisor.isReady })
            redis.freeze(false)
            #expect(SupervisorTests.wait { supervisor.isReady }, "\(supervisor.trouble ?? "")")
        }
    }

    @Test func evictedKeysEndTheMachine() throws {
        let events = EventLog(mayFail: true)
        try RecoveryTests().withMachine(events: events) { cluster, redis, supervisor in
            var connection = try redis.connect()
            // The first look of the lane must have been made.
            #expect(!SupervisorTests.wait(6) { supervisor.finalError != nil })
            try connection.command("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
            try connection.command("CONFIG", "SET", "maxmemory", "1")
            try connection.command("PING")
            try connection.command("CONFIG", "SET", "maxmemory", "0")
            try connection.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
            #expect(SupervisorTests.wait(Self.interval) { supervisor.finalError != nil })
            #expect(
                supervisor.finalError?.code == .unfitServer,
                "\(supervisor.finalError?.message ?? "")")
        }
    }

    @Test func aRedisThatIsFrozenAtTheStartIsWaitedFor() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let events = EventLog()
        let recovery = RecoveryTests()
        try recovery.produce(0..<400, to: cluster)
        var configuration = try SupervisorTests.configuration(cluster, redis)
        configuration.redis.commandTimeoutMilliseconds = 300
        let supervisor = Supervisor(configuration) { events.take($0) }
        redis.freeze(true)
        try supervisor.start()
        // Several attempts, one line.
        #expect(!SupervisorTests.wait(3) { supervisor.isReady || supervisor.finalError != nil })
        #expect(supervisor.trouble?.contains("waiting for Redis") ?? false)
        #expect(events.messages("redis").count == 1, "\(events.messages("redis"))")
        redis.freeze(false)
        #expect(recovery.wait(for: 400, redis))
        #expect(SupervisorTests.wait { supervisor.isReady })
        #expect(supervisor.stop(deadlineMilliseconds: 15_000))
    }

    @Test func aStartThatWaitsForRedisCanBeEnded() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 1)
        redis.stop()
        let supervisor = Supervisor(try SupervisorTests.configuration(cluster, redis)) { _ in }
        try supervisor.start()
        #expect(!supervisor.isReady)
        #expect(supervisor.stop(deadlineMilliseconds: 5_000))
    }
}
