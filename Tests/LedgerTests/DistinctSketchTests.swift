import Ledger
import Redis
import TestSupport
import Testing

@Suite struct DistinctSketchTests {
    /// Unions of sparse and dense sketches count exactly what PFCOUNT counts.
    @Test func countsLikeRedis() throws {
        let redis = try TestRedis()
        var connection = try redis.connect()
        var merged = DistinctSketch()
        #expect(merged.count == 0)
        var keys: [String] = []
        var member = 0
        for size in [0, 1, 2, 100, 900, 3_000, 20_000, 150_000] {
            let key = "h\(size)"
            keys.append(key)
            // Half of each sketch overlaps the one before.
            try connection.command(
                "EVAL",
                """
                redis.call('PFADD', KEYS[1])
                for i = 1, ARGV[2] do redis.call('PFADD', KEYS[1], ARGV[1] + i) end
                """, "1", key, String(member), String(size))
            member += size / 2
            let stored = try #require(try connection.command("GET", key).bytes)
            var single = DistinctSketch()
            #expect(stored.withUnsafeBytes { single.merge($0) })
            #expect(single.count == (try connection.command("PFCOUNT", key).integer))
            #expect(stored.withUnsafeBytes { merged.merge($0) })
            let union = try connection.command(
                [Array("PFCOUNT".utf8)] + keys.map { Array($0.utf8) })
            #expect(merged.count == union.integer)
        }
    }

    @Test func refusesWhatIsNoSketch() throws {
        let redis = try TestRedis()
        var connection = try redis.connect()
        try connection.command("PFADD", "k", "a", "b", "c")
        let good = try #require(try connection.command("GET", "k").bytes)
        var sketch = DistinctSketch()
        let merges = { (bytes: [UInt8]) in bytes.withUnsafeBytes { sketch.merge($0) } }
        #expect(!merges([]))
        #expect(!merges(Array("HYLL".utf8)))
        #expect(!merges(Array(good.dropLast())))
        #expect(!merges(good + [0x80]))
        var other = good
        other[4] = 0
        #expect(!merges(other))
        other[4] = 9
        #expect(!merges(other))
        other = good
        other[0] = 0
        #expect(!merges(other))
        #expect(merges(good))
        #expect(sketch.count == 3)
    }
}
