import Kafka
import Ledger
import Redis
import TestSupport
import Testing

@testable import Pipeline

/// Two processes and one ledger.
@Suite struct LedgerKeeperTests {
    /// A Redis was emptied, and a process that knew nothing of the old
    /// ledger was the first to notice.
    @Test func aLedgerThatAnotherProcessMadeAnewIsTaken() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        let configuration = try SupervisorTests.configuration(cluster, redis)
        var connection = try redis.connect()
        let old = try LedgerKeeper(configuration: configuration, cluster: "one")
        let before = try old.open(&connection)
        try connection.command("FLUSHALL")
        let new = try LedgerKeeper(configuration: configuration, cluster: "one")
        let made = try new.open(&connection)
        #expect(made.dedupeKey != before.dedupeKey)
        for keeper in [old, new] {
            let opened = try keeper.open(&connection)
            #expect(opened.stamp == made.stamp && opened.dedupeKey == made.dedupeKey)
        }
    }
}
