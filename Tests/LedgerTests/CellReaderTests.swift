import Ledger
import Redis
import Synchronization
import TestSupport
import Testing

@Suite struct CellReaderTests {
    private func open() throws -> (TestRedis, CellReader) {
        let redis = try TestRedis()
        var connection = try redis.connect()
        try connection.command(
            "HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", "256", "directory:d", "0",
            "origin:t/0", "0 0", "origin:t/1", "0 0", "origin:t/2", "0 0")
        try connection.command("HSET", marks, "!contract", "1:a")
        return (redis, CellReader(configuration: redis.configuration, layout: KeyLayout()))
    }

    /// The marks of the shard of organization `o`.
    private let marks = String(
        decoding: KeyLayout().marksKey(shard: KeyLayout().shard(of: "o".utf8)), as: UTF8.self)

    private var soon: ContinuousClock.Instant { .now + .seconds(10) }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func anOutageIsToldOnceForAllReaders() throws {
        let (redis, _) = try open()
        var connection = try redis.connect()
        try connection.command("SET", "text", "no hash")
        let told = Mutex<[String]>([])
        let reach = ReaderReach(settling: .zero) { change in
            told.withLock { told in
                if case .lost(let reason) = change, !reason.isEmpty { told.append("lost") }
                if case .returned = change { told.append("returned") }
            }
        }
        let readers = (0..<3).map { _ in
            CellReader(configuration: redis.configuration, layout: KeyLayout(), reach: reach)
        }
        func failures() -> Int {
            readers.count { (try? $0.probe(deadline: soon)) == nil }
        }
        #expect(failures() == 0)
        // An answer that is an error is an answer.
        #expect(throws: CellReadError.self) {
            try readers[0].read([.hash(bytes("text"))], organization: bytes("o"), deadline: soon)
        }
        // Nor is it an outage that the server closes connections which are idle.
        for _ in 0..<3 {
            try connection.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            readers[1].beginRequest(1)
            _ = try readers[1].read(
                [.hash(bytes("h"))], organization: bytes("o"), deadline: soon)
            readers[1].endRequest()
            #expect(failures() == 0)
        }
        #expect(told.withLock { $0 } == [])
        redis.stop()
        #expect(failures() == 3)
        #expect(failures() == 3)
        #expect(told.withLock { $0 } == ["lost"])
        try redis.start()
        // The ledger is gone with the server: that is an answer, too.
        #expect(failures() == 3)
        #expect(told.withLock { $0 } == ["lost", "returned"])
    }

    @Test func oneState() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        try connection.command(
            "HSET", marks, "t/0", "5", "t/0@", "4 1500 ab", "t/1@", "9 1700 cd",
            "t/2@", "1 -1 ef", "!torn", "")
        try connection.command("HSET", "h", "a", "1", "b", "2")
        try connection.command("ZADD", "z", "3", "x", "9007199254740992", "y")
        try connection.command("PFADD", "p1", "a", "b")
        try connection.command("PFADD", "p2", "b", "c")
        let snapshot = try reader.read(
            [
                .hash(bytes("h")), .members(bytes("h"), [bytes("b"), bytes("c")]),
                .size(bytes("h")),
                .ranking(bytes("z")), .distinct([bytes("p1"), bytes("p2"), bytes("none")]),
                .hash(bytes("none")), .ranking(bytes("none")), .distinct([bytes("none")]),
            ], organization: bytes("o"), deadline: soon)
        #expect(snapshot.isAtomic)
        #expect(snapshot.asOfMilliseconds == 1_700)
        var texts: [String] = []
        for value in snapshot.values {
            switch value {
            case .hash(let pairs):
                texts.append(
                    pairs.map {
                        String(decoding: $0.member + bytes("=") + $0.value, as: UTF8.self)
                    }.sorted().joined(separator: " "))
            case .members(let fields):
                texts.append(
                    fields.map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "nil" }
                        .joined(separator: " "))
            case .ranking(let members):
                texts.append(
                    members.map { "\(String(decoding: $0.member, as: UTF8.self))=\($0.score)" }
                        .joined(separator: " "))
            case .count(let count): texts.append(String(count))
            }
        }
        #expect(
            texts == ["a=1 b=2", "2 nil", "2", "x=3 y=9007199254740992", "3", "", "", "0"])
    }

    /// Every kind of read has what is parked of it, where that has 64 bits.
    @Test func withWhatIsParked() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        let late = "09223372036854775900"
        try connection.command(
            "HSET", "h", "a", "1", "b", "9223372036854775807", "x", "00000000000000000007")
        try connection.command("ZADD", "z", "3", "x")
        try connection.command("PFADD", "p", "a")
        try connection.command("PFADD", "p:parked", "b", "c")
        try connection.command(
            "HSET", marks.replacing("marks", with: "parked"), "H 0 h a", "5", "H#2 0 h a", "6",
            "H 0 h b", "1", "H 99 h n", "-4", "M 0 h x", late, "Z 0 z x", "-3", "Z 0 z y", "2",
            "P 0 p ", "2", "H 0 other a", "7")
        try connection.command("HSET", marks, "!parked", "9")
        let snapshot = try reader.read(
            [
                .hash(bytes("h")), .members(bytes("h"), ["n", "b", "x", "none"].map(bytes)),
                .ranking(bytes("z")), .rankingSum([bytes("z"), bytes("zz")]),
                .distinct([bytes("p"), bytes("q")]), .size(bytes("q")),
            ], organization: bytes("o"), deadline: soon)
        guard case .hash(let pairs) = snapshot.values[0],
            case .members(let fields) = snapshot.values[1],
            case .ranking(let members) = snapshot.values[2],
            case .ranking(let sums) = snapshot.values[3],
            case .count(let count) = snapshot.values[4]
        else {
            Issue.record("values of other kinds")
            return
        }
        #expect(
            Dictionary(uniqueKeysWithValues: pairs.map { ($0.member, $0.value) }) == [
                bytes("a"): bytes("12"), bytes("b"): bytes("9223372036854775807"),
                bytes("n"): bytes("-4"), bytes("x"): bytes(late),
            ])
        #expect(fields == [bytes("-4"), bytes("9223372036854775807"), bytes(late), nil])
        #expect(members.map(\.member) == [bytes("y")] && members.map(\.score) == [2])
        #expect(sums.map(\.score) == [2])
        #expect(count == 3)
        // Four of the hash, three of its fields, two and two of the ranking, one count.
        #expect(snapshot.parked == 12 && !snapshot.isAtomic)
    }

    /// What would hold Redis too long is read in pieces, and the pieces say so.
    @Test func inPieces() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        try connection.command(
            "EVAL",
            """
            for i = 1, 25000 do
              redis.call('HSET', 'h', 'f' .. i, i)
              redis.call('ZADD', 'z', i, 'm' .. i)
            end
            for k = 1, 200 do
              redis.call('PFADD', 'p' .. k)
              for i = 1, 40 do redis.call('PFADD', 'p' .. k, k * 30 + i) end
              redis.call('SETRANGE', 'q' .. k, 0, '')
            end
            """, "0")
        // Dense sketches are made by merging many members into one.
        try connection.command(
            "EVAL", "for i = 1, 30000 do redis.call('PFADD', 'dense', i) end", "0")
        for number in 1...181 {
            try connection.command("PFMERGE", "d\(number)", "dense", "p\(number)")
        }
        let dense = (1...181).map { bytes("d\($0)") }
        let sparse = (1...200).map { bytes("p\($0)") }
        let snapshot = try reader.read(
            [
                .hash(bytes("h")), .ranking(bytes("z")), .distinct(dense), .distinct(sparse),
            ], organization: bytes("o"), deadline: soon)
        #expect(!snapshot.isAtomic)
        if case .hash(let pairs) = snapshot.values[0] {
            #expect(Set(pairs.map(\.member)).count == 25_000)
        }
        if case .ranking(let members) = snapshot.values[1] {
            #expect(members.count == 25_000)
            #expect(members.reduce(0) { $0 + $1.score } == 25_000 * 25_001 / 2)
        }
        for (index, keys) in [(2, dense), (3, sparse)] {
            guard case .count(let count) = snapshot.values[index] else { continue }
            #expect(count == (try connection.command([bytes("PFCOUNT")] + keys).integer))
        }
        // Many small reads: several groups, each one state of its own.
        let many = try reader.read(
            (1...60).map {
                .members(bytes("h"), (($0 * 100)..<($0 * 100 + 200)).map { bytes("f\($0)") })
            },
            organization: bytes("o"), deadline: soon)
        #expect(!many.isAtomic)
        #expect(many.values.count == 60)
    }

    /// Sorted sets are added up by Redis, exactly and in bounded time; else here.
    @Test func sumsOfRankings() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        try connection.command("ZADD", "a", "3", "x", "4503599627370496", "y", "-2", "z")
        try connection.command("ZADD", "b", "4", "x", "4503599627370495", "y", "2", "z")
        func sums(_ keys: String...) throws -> (sums: [String: Int64], isAtomic: Bool) {
            let snapshot = try reader.read(
                [.rankingSum(keys.map { bytes($0) })], organization: bytes("o"), deadline: soon)
            guard case .ranking(let members) = snapshot.values[0] else { return ([:], false) }
            let pairs = members.map { (String(decoding: $0.member, as: UTF8.self), $0.score) }
            return (Dictionary(uniqueKeysWithValues: pairs), snapshot.isAtomic)
        }
        let exact: [String: Int64] = ["x": 7, "y": 9_007_199_254_740_991, "z": 0]
        #expect(try sums("a", "b", "none") == (exact, true))
        // What floating point cannot hold is read set by set: these
        // parts are exact, their sum is odd.
        try connection.command("ZADD", "d", "9007199254740990", "y")
        try connection.command("ZADD", "e", "7", "y")
        let large = try sums("d", "e", "a")
        #expect(!large.isAtomic)
        #expect(large.sums["y"] == 13_510_798_882_111_493)
        #expect(large.sums["x"] == 3)
        // Beyond 10^17 Redis writes a short text of a number that is not the sum.
        try connection.command("ZADD", "f", "60000000000000000", "w")
        try connection.command("ZADD", "g", "40000000000000000", "w")
        try connection.command("ZADD", "h1", "1", "w")
        #expect(try sums("f", "g", "h1").sums["w"] == 100_000_000_000_000_001)
        try connection.command(
            "EVAL",
            """
            for k = 1, 3 do
              for i = 1, 9000 do redis.call('ZADD', 'many' .. k, i * k, 'm' .. i + k) end
            end
            """, "0")
        let many = try sums("many1", "many2", "many3")
        #expect(!many.isAtomic)
        #expect(many.sums.count == 9_002)
        let fourth: Int64 = 3 + 4 + 3
        #expect(many.sums["m4"] == fourth)
        let total: Int64 = 6 * 9_000 * 9_001 / 2
        #expect(many.sums.values.reduce(0, +) == total)
    }

    /// A sum of sorted sets is asked for without their sizes only as long as these are believed.
    @Test func sizesOfSumsGrowOld() throws {
        let (redis, _) = try open()
        var connection = try redis.connect()
        try connection.command("ZADD", "a", "3", "x")
        for (lifetime, asked) in [(Duration.seconds(60), 2), (.zero, 6)] {
            let reader = CellReader(
                configuration: redis.configuration, layout: KeyLayout(), sumsLifetime: lifetime)
            try connection.command("CONFIG", "RESETSTAT")
            for _ in 0..<3 {
                reader.beginRequest(1)
                let snapshot = try reader.read(
                    [.rankingSum([bytes("a"), bytes("b")])], organization: bytes("o"),
                    deadline: soon)
                reader.endRequest()
                #expect(snapshot.isAtomic)
            }
            let statistics = try connection.command("INFO", "commandstats").text ?? ""
            #expect(statistics.contains("cmdstat_zcard:calls=\(asked),"), "\(statistics)")
        }
    }

    /// What an answer needs of the marks is asked for by name, however many partitions and moves
    /// stand there.
    @Test(arguments: [3, 64, 65, 500])
    func marksOfManyPartitions(count: Int) throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        for number in 0..<count {
            try connection.command(
                "HSET", "odo:1:{dir}:ledger", "origin:t/\(number)", "0 0")
            try connection.command(
                "HSET", marks, "t/\(number)", "9", "t/\(number)@",
                "8 \(1_000 + number) ab", "!since:\(number)", "t/0=1")
        }
        try connection.command("CONFIG", "RESETSTAT")
        for _ in 0..<5 {
            reader.beginRequest(1)
            let snapshot = try reader.read(
                [.size(bytes("h"))], organization: bytes("o"), deadline: soon)
            reader.endRequest()
            #expect(snapshot.asOfMilliseconds == Int64(999 + count))
            #expect(snapshot.isAtomic)
        }
        let statistics = try connection.command("INFO", "commandstats").text ?? ""
        // The ledger, once a second; a machine that takes longer for these five looks twice.
        let looks = statistics.split(separator: "cmdstat_hgetall:calls=").dropFirst().first
        #expect(Int(looks?.prefix { $0.isNumber } ?? "") ?? 0 < 5, "\(statistics)")
    }

    /// A partition that is added while requests come is known within a second.
    @Test func partitionAdded() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        func asOfMilliseconds() throws -> Int64? {
            reader.beginRequest(1)
            defer { reader.endRequest() }
            return try reader.read(
                [.size(bytes("h"))], organization: bytes("o"), deadline: soon
            ).asOfMilliseconds
        }
        try connection.command("HSET", marks, "t/0", "5", "t/0@", "4 1500 ab")
        for _ in 0..<3 { #expect(try asOfMilliseconds() == 1_500) }
        try connection.command("HSET", "odo:1:{dir}:ledger", "origin:u/7", "0 0")
        try connection.command("HSET", marks, "u/7", "5", "u/7@", "4 1900 ab")
        let deadline = soon
        while try asOfMilliseconds() != 1_900 { try #require(ContinuousClock.now < deadline) }
        #expect(try asOfMilliseconds() == 1_900)
    }

    @Test func failures() throws {
        let (redis, reader) = try open()
        var connection = try redis.connect()
        func code(_ reads: [CellQuery], _ deadline: ContinuousClock.Instant) -> CellReadError.Code?
        {
            do throws(CellReadError) {
                _ = try reader.read(reads, organization: bytes("o"), deadline: deadline)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code([], soon) == nil)
        try connection.command("SET", "s", "text")
        #expect(code([.hash(bytes("s"))], soon) == .unavailable)
        #expect(code([.members(bytes("s"), [bytes("f")])], soon) == .unavailable)
        #expect(code([.hash(bytes("none"))], soon) == nil)
        #expect(code([], .now - .seconds(1)) == .timeout)
        #expect(code([], soon) == nil)
        try connection.command("HSET", marks, "!torn", "half a commit")
        #expect(code([], soon) == .torn)
        redis.stop()
        #expect(code([], soon) == .unavailable)
        try redis.start()
        #expect(code([], soon) == .ledgerAbsent)
        connection = try redis.connect()
        try connection.command("HSET", "odo:1:{dir}:ledger", "layout", "2", "shards", "256")
        #expect(code([], soon) == .ledgerAbsent)
        try connection.command("HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", "256")
        // A shard without contract was lost with its cells: no answer, rather than zeros.
        #expect(code([], soon) == .ledgerAbsent)
        try connection.command("HSET", marks, "!contract", "1:a")
        #expect(code([], soon) == nil)
        #expect(
            try reader.directoryMembers(bytes("k"), [bytes("f")], deadline: soon) == nil)
        try connection.command("HSET", "odo:1:{dir}:ledger", "directory:d", "0")
        #expect(
            try reader.directoryMembers(bytes("k"), [bytes("f")], deadline: soon) == [nil])
    }
}
