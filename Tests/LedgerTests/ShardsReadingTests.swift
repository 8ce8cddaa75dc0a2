import Ledger
import Redis
import TestSupport
import Testing

/// Reads of several shards in one go: the same answers as shard by shard.
@Suite struct ShardsReadingTests {
    private let layout = KeyLayout()
    private var soon: ContinuousClock.Instant { .now + .seconds(10) }

    private func open() throws -> (TestRedis, CellReader) {
        let redis = try TestRedis()
        var connection = try redis.connect()
        try connection.command(
            "HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", "256", "directory:d", "0",
            "origin:t/0", "0 0")
        for shard in 0..<256 {
            try connection.command("HSET", marks(shard), "!contract", "1:a")
        }
        return (redis, CellReader(configuration: redis.configuration, layout: layout))
    }

    private func marks(_ shard: Int) -> String {
        String(decoding: layout.marksKey(shard: shard), as: UTF8.self)
    }

    private func key(_ shard: Int, _ name: String) -> String {
        String(decoding: layout.shardPrefix(shard), as: UTF8.self) + name
    }

    private func queries(_ shard: Int) -> ShardQueries {
        func bytes(_ name: String) -> [UInt8] { Array(key(shard, name).utf8) }
        return ShardQueries(
            shard: shard,
            queries: [
                .hash(bytes("h")), .members(bytes("m"), [[0x61], [0x62]]), .ranking(bytes("z")),
                .sketch([bytes("p"), bytes("q")]), .size(bytes("h")),
            ])
    }

    private func seed(_ connection: inout Connection) throws {
        for shard in stride(from: 0, to: 256, by: 3) {
            for member in 0..<(shard == 9 ? 12_000 : shard) {
                try connection.command("HSET", key(shard, "h"), "f\(member)", "\(shard)")
            }
            try connection.command("HSET", key(shard, "m"), "b", "\(shard)")
            try connection.command("ZADD", key(shard, "z"), "\(shard)", "x")
            try connection.command("PFADD", key(shard, "p"), "all", "own-\(shard)")
            try connection.command("PFADD", key(shard, "q"), "own-\(shard)", "more-\(shard % 2)")
            try connection.command("HSET", marks(shard), "t/0@", "4 \(1_000 + shard) 00")
        }
    }

    @Test func everyShardHasItsOwnAnswers() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        try seed(&connection)
        let found = try reader.read(shards: (0..<256).map(queries), deadline: soon)
        #expect(found.count == 256)
        var union = DistinctSketch()
        for (shard, snapshot) in found.enumerated() {
            let has = shard % 3 == 0
            var members = 0
            snapshot.forEachPair(0) { _, value in
                if value.elementsEqual("\(shard)".utf8) { members += 1 }
            }
            let right = !has ? 0 : shard == 9 ? 12_000 : shard
            #expect(members == right && snapshot.count(4) == right, "\(shard)")
            #expect(snapshot.member(1, 0) == nil, "\(shard)")
            #expect((snapshot.member(1, 1) != nil) == has, "\(shard)")
            #expect(snapshot.memberCount == right + (has ? 2 : 1), "\(shard)")
            let sketch = try #require(snapshot.sketch(3))
            #expect(sketch.count == (has ? 3 : 0), "\(shard)")
            union.merge(sketch)
            #expect(snapshot.asOfMilliseconds == (has ? Int64(1_000 + shard) : nil), "\(shard)")
            // What is too large for one piece shows no single moment.
            #expect(snapshot.isAtomic == (shard != 9), "\(shard)")
        }
        // `all`, 86 own ones and two more.
        #expect((87...91).contains(union.count), "\(union.count)")
        let summary = CellSnapshot.summary(of: found)
        #expect(summary.asOfMilliseconds == 1_255 && !summary.isAtomic && summary.parked == 0)
    }

    /// What is parked of a shard's cells is in its answers, also in a sketch.
    @Test func parkedCellsAreAdded() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        try seed(&connection)
        try connection.command("HSET", marks(3), "!parked", "2")
        try connection.command("HSET", key(3, "parked"), "H 0 \(key(3, "m")) b", "40")
        try connection.command("HSET", key(3, "parked"), "P 0 \(key(3, "p")) ", "1")
        try connection.command("PFADD", key(3, "p:parked"), "parked-1", "parked-2")
        let found = try reader.read(shards: [0, 3, 6].map(queries), deadline: soon)
        #expect(found[1].member(1, 1)?.elementsEqual("43".utf8) == true)
        #expect(found[1].sketch(3)?.count == 5)
        #expect(found.map(\.parked) == [0, 2, 0])
        #expect(found[0].sketch(3)?.count == 3)
    }

    /// A shard that is torn or lost is an error and no zeros.
    @Test func oneBadShardRefusesAll() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        try connection.command("HSET", marks(200), "!torn", "by a test")
        #expect(throws: CellReadError.self) {
            try reader.read(shards: (0..<256).map(queries), deadline: soon)
        }
        try connection.command("HDEL", marks(200), "!torn")
        _ = try reader.read(shards: (0..<256).map(queries), deadline: soon)
        try connection.command("DEL", marks(100))
        #expect(throws: CellReadError.self) {
            try reader.read(shards: (0..<256).map(queries), deadline: soon)
        }
        let some = try reader.read(shards: [queries(1)], deadline: soon)
        #expect(some.count == 1)
    }
}
