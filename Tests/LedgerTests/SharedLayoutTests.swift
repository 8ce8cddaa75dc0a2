import Ledger
import Metering
import Redis
import TestSupport
import Testing

/// Readers take the number of shards of the ledger that they find.
@Suite struct SharedLayoutTests {
    private let names = KeyLayout()
    private let organization = Array("acme".utf8)

    private var soon: ContinuousClock.Instant { .now + .seconds(10) }

    /// A Redis with a ledger of so many shards and one number of the organization.
    private func redis(shards: Int) throws -> TestRedis {
        let redis = try TestRedis()
        var connection = try redis.connect()
        let layout = names.with(shardCount: shards)
        try connection.command([
            "HSET", layout.ledgerKey, "layout", "1", "shards", Array("\(shards)".utf8),
            "directory:d", "0", "origin:t/0", "0 0",
        ])
        try connection.command([
            "HSET", layout.marksKey(shard: layout.shard(of: organization)), "!contract", "1:a",
        ])
        try connection.command(["HSET", totals(layout), "tokens", "7"])
        return redis
    }

    private func totals(_ layout: KeyLayout) -> [UInt8] {
        layout.cellKey(
            organization: organization, meter: "tokens", shape: .series, window: .all, number: 0)
    }

    @Test func namesOfAnotherNumberOfShardsAreNotReadAsZeros() throws {
        let redis = try redis(shards: 64)
        let shared = SharedLayout(names)
        let reader = CellReader(configuration: redis.configuration, layout: names, shared: shared)
        func read(_ layout: KeyLayout) throws -> CellSnapshot {
            try reader.read([.hash(totals(layout))], organization: organization, deadline: soon)
        }
        do throws(CellReadError) {
            _ = try reader.read(
                [.hash(totals(names))], organization: organization, deadline: soon)
            Issue.record("read in the shard of another layout")
        } catch {
            #expect(error.code == .ledgerAbsent)
        }
        #expect(reader.layout.shardCount == 64 && shared.shardCount == 64)
        #expect(throws: Never.self) { _ = try read(names.with(shardCount: 64)) }

        // Another reader of the process takes the number with its next request.
        let second = CellReader(configuration: redis.configuration, layout: names, shared: shared)
        second.beginRequest(1)
        #expect(second.layout.shardCount == 64)
        // One that is asked for an entry of the directory first has the number afterwards.
        let third = CellReader(configuration: redis.configuration, layout: names)
        _ = try third.directoryMembers(Array("k".utf8), [Array("f".utf8)], deadline: soon)
        #expect(third.layout.shardCount == 64)
    }

    @Test func aLedgerWithANumberThatNoneMayHaveIsNotRead() throws {
        for count in [3, 8_192] {
            let redis = try redis(shards: count)
            let reader = CellReader(configuration: redis.configuration, layout: names)
            #expect(throws: CellReadError.self, "\(count)") { try reader.probe(deadline: soon) }
            #expect(reader.layout.shardCount == names.shardCount)
        }
    }
}
