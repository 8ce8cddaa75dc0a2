import Kafka
import Ledger
import Pipeline
import Redis
import Synchronization
import TestSupport
import Testing

/// The first start makes a ledger that belongs to a cluster, so it must know which.
@Suite struct ClusterIDTests {
    /// What Kafka says of its id; nil: nothing.
    private final class Said: Sendable {
        private let id = Mutex<String?>(nil)
        var value: String? {
            get { id.withLock { $0 } }
            set { id.withLock { $0 = newValue } }
        }
    }

    @Test func aClusterThatDoesNotSayItsIDIsWaitedFor() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let recovery = RecoveryTests()
        try recovery.produce(0..<400, to: cluster)
        let said = Said()
        let events = EventLog()
        let supervisor = Supervisor(
            try SupervisorTests.configuration(cluster, redis), surround: { $0 },
            askCluster: { _ in said.value }, onEvent: { events.take($0) })
        try supervisor.start()
        #expect(supervisor.trouble?.contains("does not say the cluster's id") ?? false)
        #expect(supervisor.isWaiting)
        #expect(events.messages("kafka").count == 1)
        var connection = try redis.connect()
        #expect(try LedgerRecord.read(&connection, layout: KeyLayout()) == nil)
        said.value = "abc"
        #expect(recovery.wait(for: 400, redis))
        #expect(SupervisorTests.wait { supervisor.isReady })
        #expect(try LedgerRecord.read(&connection, layout: KeyLayout())?.birth.cluster == "abc")
        #expect(supervisor.stop(deadlineMilliseconds: 15_000))
    }

    /// Ledgers without an id were made where Kafka had not said it in time.
    @Test func aLedgerOfAnUnknownClusterGetsItsID() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        let recovery = RecoveryTests()
        let configuration = try SupervisorTests.configuration(cluster, redis)
        var connection = try redis.connect()
        for (id, range) in [("", 0..<200), ("abc", 200..<400)] {
            try recovery.produce(range, to: cluster)
            let supervisor = Supervisor(
                configuration, surround: { $0 }, askCluster: { _ in id }, onEvent: { _ in })
            try supervisor.start()
            #expect(recovery.wait(for: Int64(range.upperBound), redis))
            #expect(supervisor.stop(deadlineMilliseconds: 15_000))
            let record = try #require(try LedgerRecord.read(&connection, layout: KeyLayout()))
            #expect(record.birth.cluster == id)
        }
        let other = Supervisor(
            configuration, surround: { $0 }, askCluster: { _ in "another" }, onEvent: { _ in })
        #expect(throws: PipelineError.self) { try other.start() }
    }
}
