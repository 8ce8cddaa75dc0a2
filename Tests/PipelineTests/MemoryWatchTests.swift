import Kafka
import Ledger
import Metering
import Redis
import TestSupport
import Testing

@testable import Pipeline

@Suite struct MemoryWatchTests {
    private func fill(_ redis: TestRedis, _ layout: KeyLayout) throws {
        var connection = try redis.connect()
        let key = layout.cellKey(
            organization: Array("acme".utf8), meter: "tokens", shape: .series, window: .all,
            number: 0)
        let words = ["HSET", String(decoding: key, as: UTF8.self), "tokens", "1"]
        try connection.command(words.map { Array($0.utf8) })
    }

    private func clients(_ redis: TestRedis) throws -> Int {
        var connection = try redis.connect()
        return try connection.command("CLIENT", "LIST").text?.split(separator: "\n").count ?? 0
    }

    /// A connection that is kept would go on asking a master that was demoted.
    @Test func noConnectionIsKeptBetweenLooks() throws {
        let redis = try TestRedis()
        let layout = KeyLayout(prefix: "t")
        try fill(redis, layout)
        let watch = MemoryWatch(
            PipelineConfiguration(
                client: ClientConfiguration(bootstrap: "nowhere"), redis: redis.configuration,
                layout: layout, catalog: try SupervisorTests.catalog()))
        for _ in 0..<2 {
            #expect(watch.look())
            #expect(watch.shares.organizations.map(\.name) == ["acme"])
            let isClosed = try SupervisorTests.wait { try clients(redis) == 1 }
            #expect(isClosed)
        }
    }
}
