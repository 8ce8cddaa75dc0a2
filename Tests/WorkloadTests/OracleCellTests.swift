import Testing
import Workload

/// Every expectation here is written by hand from the published layout.
@Suite struct OracleCellTests {
    @Test func shardsHaveTheKnownAnswers() {
        for (id, shard) in [("org", 25), ("", 5), ("a", 44), ("o:r g", 43)] {
            #expect(Array(id.utf8).withUnsafeBytes { oracleShard(of: $0, shards: 64) } == shard)
        }
    }

    @Test func aCountStandsInSeriesOfEveryWindow() throws {
        let meter = OracleMeter(
            "calls", .count, windows: [.minute, .quarter, .day, .month, .all],
            on: [OracleClause("e")])
        var bench = try Bench(catalog([], [meter]))
        #expect(bench.feed(event("e")) == .accepted)
        #expect(bench.feed(event("e", id: "2")) == .accepted)
        #expect(
            bench.keys() == [
                "odo:1:{25}:org:calls:day:2026-03", "odo:1:{25}:org:calls:minute:2026-03-09T14",
                "odo:1:{25}:org:calls:month:2026", "odo:1:{25}:org:calls:quarter:2026-03-09",
                "odo:1:{25}:org:totals",
            ])
        #expect(bench.cells("odo:1:{25}:org:totals") == ["calls": "2"])
        #expect(bench.cells("odo:1:{25}:org:calls:month:2026") == ["03": "2"])
        #expect(bench.cells("odo:1:{25}:org:calls:day:2026-03") == ["09": "2"])
        #expect(bench.cells("odo:1:{25}:org:calls:quarter:2026-03-09") == ["1415": "2"])
        #expect(bench.cells("odo:1:{25}:org:calls:minute:2026-03-09T14") == ["15": "2"])
        // End of the hour + 26 h; next midnight + 92 days; days and months for ever.
        #expect(
            bench.expiry("odo:1:{25}:org:calls:minute:2026-03-09T14")
                == Int64(1_773_068_400 + 93_600))
        #expect(
            bench.expiry("odo:1:{25}:org:calls:quarter:2026-03-09")
                == Int64(1_773_100_800 + 7_948_800))
        #expect(bench.expiry("odo:1:{25}:org:calls:day:2026-03") == nil)
        #expect(bench.expiry("odo:1:{25}:org:totals") == nil)
    }

    @Test func aSumTakesAmountsFromAFieldAndALevelBothSigns() throws {
        let fields = [OracleField("n", at: "/data/n", is: .integer, standIn: "1")]
        let sum = OracleMeter(
            "bytes", .sum, windows: [.day],
            on: [OracleClause("e", amount: .field("n", isNegated: false))])
        let level = OracleMeter(
            "open", .level, windows: [.all],
            on: [OracleClause("e", amount: .field("n", isNegated: true))])
        var bench = try Bench(catalog(fields, [sum, level]))
        #expect(bench.feed(event("e", #"{"n":41}"#)) == .accepted)
        #expect(bench.feed(event("e", id: "2")) == .accepted)
        #expect(bench.cells("odo:1:{25}:org:bytes:day:2026-03") == ["09": "42"])
        #expect(bench.cells("odo:1:{25}:org:totals") == ["open": "-42"])
    }

    @Test func aCellAtZeroIsAbsent() throws {
        let up = OracleClause("e", amount: .constant(1))
        let down = OracleClause("e", amount: .constant(-1))
        var bench = try Bench(
            catalog([], [OracleMeter("open", .level, windows: [.all], on: [up, down])]))
        #expect(bench.feed(event("e")) == .accepted)
        #expect(bench.cells("odo:1:{25}:org:totals") == [:])
    }

    @Test func tablesEscapeDimensionsAndScopesStandInTheName() throws {
        let fields = [
            OracleField("a", at: "/data/a"), OracleField("b", at: "/data/b"),
            OracleField("project", at: "/data/project", standIn: ""),
        ]
        var meter = OracleMeter("t", .count, windows: [.quarter, .all], on: [OracleClause("e")])
        meter.by = ["a", "b"]
        meter.scopes = [[], ["project"]]
        var bench = try Bench(catalog(fields, [meter]))
        bench.feed(
            event("e", #"{"a":"x:y","b":"ä %{}\n\u007f","project":"p q"}"#, subject: "o:r g"))
        bench.feed(event("e", id: "2", subject: "o:r g"))
        #expect(
            bench.cells("odo:1:{43}:o%3Ar%20g:t:quarter:2026-03-09T1415") == [
                "x%3Ay:ä%20%25%7B%7D%0A%7F": "1", "unknown:unknown": "1",
            ])
        #expect(
            bench.cells("odo:1:{43}:o%3Ar%20g:project=p%20q:t:all") == [
                "x%3Ay:ä%20%25%7B%7D%0A%7F": "1"
            ])
        #expect(bench.cells("odo:1:{43}:o%3Ar%20g:project=:t:all") == ["unknown:unknown": "1"])
        #expect(
            bench.expiry("odo:1:{43}:o%3Ar%20g:t:quarter:2026-03-09T1415")
                == Int64(1_773_066_600 + 7_948_800))
    }

    @Test func rankingsAndDistinctCountsKeepDays400Days() throws {
        let fields = [OracleField("user", at: "/data/user")]
        var ranking = OracleMeter(
            "r", .ranking, windows: [.day, .month], on: [OracleClause("e", needs: ["user"])])
        ranking.by = ["user"]
        var distinct = OracleMeter("d", .distinct, windows: [.day, .all], on: [OracleClause("e")])
        distinct.of = "user"
        var bench = try Bench(catalog(fields, [ranking, distinct]))
        bench.feed(event("e", #"{"user":"a:b"}"#))
        bench.feed(event("e", #"{"user":"a:b"}"#, id: "2"))
        bench.feed(event("e", #"{"user":null}"#, id: "3"))
        let day = "odo:1:{25}:org:r:day:2026-03-09"
        #expect(bench.cells(day) == ["a%3Ab": "2"])
        #expect(bench.expiry(day) == Int64(1_773_100_800 + 34_560_000))
        #expect(bench.expiry("odo:1:{25}:org:r:month:2026-03") == nil)
        #expect(bench.cells("odo:1:{25}:org:d:day:2026-03-09") == ["a:b": "", "unknown": ""])
        #expect(bench.cells("odo:1:{25}:org:d:all") == ["a:b": "", "unknown": ""])
    }

    @Test func extremesAreTwentyDigits() throws {
        let fields = [
            OracleField("n", at: "/data/n", is: .integer), OracleField("t", at: "/data/t"),
        ]
        func extreme(_ name: String, _ keep: OracleMeter.Keep, _ value: String) -> OracleMeter {
            var meter = OracleMeter(name, .extreme, windows: [.all], on: [OracleClause("e")])
            meter.keep = keep
            meter.value = value
            return meter
        }
        var bench = try Bench(
            catalog(
                fields,
                [
                    extreme("low", .min, "n"), extreme("high", .max, "n"),
                    extreme("newest", .max, "time"), extreme("first", .first, "t"),
                    extreme("last", .last, "t"), extreme("lastn", .last, "n"),
                ]))
        bench.feed(event("e", #"{"n":-1,"t":"b"}"#))
        bench.feed(event("e", #"{"n":7,"t":"c"}"#, id: "2"))
        bench.feed(event("e", #"{"t":"a"}"#, id: "3"))
        #expect(
            bench.cells("odo:1:{25}:org:totals") == [
                "low": "09223372036854775807", "high": "09223372036854775815",
                "newest": "10996437752854775808",
                "first": "10996437752854775808:c", "last": "10996437752854775808:c",
                "lastn": "10996437752854775808:09223372036854775815",
            ])
    }

    @Test func histogramsHaveStepsAndGridsHours() throws {
        let fields = [OracleField("n", at: "/data/n", is: .integer)]
        var histogram = OracleMeter("h", .histogram, windows: [.month], on: [OracleClause("e")])
        histogram.value = "n"
        let grid = OracleMeter("g", .grid, on: [OracleClause("e")])
        var bench = try Bench(catalog(fields, [histogram, grid]))
        // 127 is itself; 128 = 1·64 + 64; 129 shares its step; 1,000 =
        // 3·64 + 125; 2^52 = 46·64 + 64.
        for (id, n) in [127, 128, 129, 1_000, 4_503_599_627_370_496].enumerated() {
            bench.feed(event("e", "{\"n\":\(n)}", id: "\(id)"))
        }
        bench.feed(event("e", id: "none", time: "2026-03-08T23:59:60Z"))
        #expect(
            bench.cells("odo:1:{25}:org:h:month:2026-03") == [
                "127": "1", "128": "2", "317": "1", "3008": "1",
            ])
        #expect(bench.cells("odo:1:{25}:org:g:grid:1") == ["14": "5", "00": "1"])
    }

    @Test func eachTextOfAFanOutIsCounted() throws {
        let fields = [
            OracleField("c", at: "/data/c", values: ["granted", "denied"], each: true)
        ]
        var meter = OracleMeter("m", .count, windows: [.day], on: [OracleClause("e")])
        meter.by = ["c.key", "c.value"]
        var bench = try Bench(catalog(fields, [meter]))
        bench.feed(event("e", #"{"c":{ "ads" : "granted" , "st\u0061ts":"denied"}}"#))
        #expect(bench.feed(event("e", #"{"c":{}}"#, id: "2")) == .accepted)
        #expect(bench.feed(event("e", #"{"c":{"ads":"maybe"}}"#, id: "3")) == .badField)
        #expect(bench.feed(event("e", #"{"c":{"ads":{"x":[1,"}"]}}}"#, id: "4")) == .badField)
        #expect(
            bench.feed(event("e", #"{"c":{"a":"denied","\u0061":"denied"}}"#, id: "5"))
                == .malformed)
        #expect(
            bench.cells("odo:1:{25}:org:m:day:2026-03-09") == [
                "ads:granted": "1", "stats:denied": "1",
            ])
    }

    @Test func aClauseMayTakeTimeAndDimensionsFromOtherFields() throws {
        let fields = [
            OracleField("created", at: "/data/created", is: .time, required: true),
            OracleField("to", at: "/data/to", required: true),
        ]
        var meter = OracleMeter(
            "s", .level, windows: [.month],
            on: [OracleClause("e", time: "created", with: ["status": "to"])])
        meter.by = ["status"]
        var bench = try Bench(catalog(fields, [meter]))
        bench.feed(event("e", #"{"created":"2025-12-31T23:30:00-01:00","to":"open"}"#))
        #expect(bench.cells("odo:1:{25}:org:s:month:2026-01") == ["open": "1"])
        #expect(
            bench.feed(
                event("e", #"{"created":"2026-03-09T14:25:00.000000001Z","to":"x"}"#, id: "2"))
                == .badField)
        #expect(
            bench.feed(event("e", #"{"created":"2026-03-09T14:25:00Z","to":"x"}"#, id: "3"))
                == .accepted)
    }

    @Test func expiredWindowsAreLeftOutOneByOne() throws {
        let meter = OracleMeter("m", .count, windows: [.minute, .quarter], on: [OracleClause("e")])
        var bench = try Bench(catalog([], [meter]))
        // 2026-03-08T12:20 + 26 h is exactly the record's time: the minute before it has expired.
        #expect(bench.feed(event("e", time: "2026-03-08T12:19:59.999Z")) == .accepted)
        #expect(bench.keys() == ["odo:1:{25}:org:m:quarter:2026-03-08"])
        #expect(bench.oracle.expiredWindows == 1)
        #expect(bench.feed(event("e", id: "2", time: "2026-03-08T12:20:00Z")) == .accepted)
        #expect(bench.cells("odo:1:{25}:org:m:minute:2026-03-08T12") == ["20": "1"])
        #expect(bench.feed(event("e", id: "3", time: "2025-12-01T00:00:00Z")) == .late)
        #expect(
            bench.feed(event("e", id: "4", time: "2025-12-01T00:00:00Z"), timestamp: -1)
                == .accepted)
    }
}
