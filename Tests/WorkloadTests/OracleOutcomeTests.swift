import Testing
import Workload

@Suite struct OracleOutcomeTests {
    private static let fields = [
        OracleField("n", at: "/data/n", is: .integer), OracleField("t", at: "/data/t"),
        OracleField("kind", at: "/data/kind", values: ["a", "b"]),
    ]
    private static let meter = OracleMeter(
        "m", .sum, windows: [.all], on: [OracleClause("e", amount: .field("n", isNegated: false))])

    private func outcome(
        _ value: String?, headers: [(String, String?)] = [], timestamp: Int64 = Bench.now
    ) throws -> OracleOutcome {
        var bench = try Bench(catalog(Self.fields, [Self.meter]))
        return bench.feed(value, headers: headers, timestamp: timestamp)
    }

    @Test func recordsThatAreNoEventAreMalformed() throws {
        let huge = event("e", "{\"t\":\"\(String(repeating: "x", count: 1_048_576))\"}")
        let values: [String?] = [
            nil, "", " ", "[]", "null", "{", event("e") + "x", "\u{FEFF}" + event("e"), huge,
            event("e", id: ""), event("e", subject: ""), event(""),
            event("e").replacing("\"1.0\"", with: "\"1.1\""),
            event("e").replacing("\"1.0\"", with: "1.0"),
            event("e").replacing("\"id\"", with: "\"Id\""),
            event("e").replacing("\"s\"", with: "null"),
            event("e").replacing("\"id\":\"1\"", with: "\"id\":\"1\",\"i\\u0064\":\"1\""),
            event("e", #"{"t":"\ud800"}"#), event("e", #"{"x":"\ude00\ud800"}"#),
            event("e", #"{"n":1,"n":1}"#), event("x", #"{"n":1,"n":1}"#),
            event("e", time: "2026-03-09T14:15:16"),
            event("e", time: "2026-02-29T00:00:00Z"), event("e", time: ""),
            event("e").replacing("\"2026-03-09T14:15:16Z\"", with: "5"),
            event(
                "e", "[\(String(repeating: "[", count: 63))\(String(repeating: "]", count: 63))]"),
        ]
        for value in values { #expect(try outcome(value) == .malformed, "\(value ?? "nil")") }
        #expect(try outcome(event("e", time: nil), timestamp: -1) == .malformed)
        #expect(try outcome(event("e", time: nil)) == .accepted)
        #expect(
            try outcome(event("e").replacing("\"2026-03-09T14:15:16Z\"", with: "null")) == .accepted
        )
        #expect(
            try outcome(
                event(
                    "e",
                    #"{"x":\#(String(repeating: "[", count: 62))\#(String(repeating: "]", count: 62))}"#
                )
            ) == .accepted)
    }

    @Test func binaryRecordsHaveTheirAttributesInHeaders() throws {
        let headers: [(String, String?)] = [
            ("ce_specversion", "1.0"), ("ce_id", "old"), ("ce_source", "s"), ("ce_type", "e"),
            ("ce_subject", "org"), ("ce_time", "2026-03-09T14:15:16Z"), ("ce_id", "1"),
            ("content-type", "application/json"),
        ]
        var bench = try Bench(catalog(Self.fields, [Self.meter]))
        #expect(bench.feed(#"{"n":5}"#, headers: headers) == .accepted)
        #expect(bench.feed(event("e", #"{"n":5}"#)) == .duplicate)
        #expect(bench.cells("odo:1:{25}:org:totals") == ["m": "5"])
        #expect(try outcome(nil, headers: headers) == .accepted)
        #expect(try outcome("", headers: headers) == .accepted)
        #expect(try outcome("[1]", headers: headers) == .badField)
        #expect(try outcome("null", headers: headers) == .accepted)
        #expect(try outcome("{", headers: headers) == .malformed)
        #expect(try outcome("{}", headers: Array(headers.dropFirst())) == .malformed)
        #expect(try outcome(event("e"), headers: [("ce_x", "y")]) == .malformed)
        #expect(try outcome(event("e"), headers: [("x", "ce_")]) == .accepted)
        #expect(try outcome("{}", headers: headers + [("ce_subject", nil)]) == .malformed)
        #expect(try outcome("{}", headers: headers + [("ce_time", "x")]) == .malformed)
    }

    @Test func unknownTypesAreIgnoredBeforeFieldsAreLookedAt() throws {
        let long = String(repeating: "i", count: 257)
        #expect(try outcome(event("x", id: long)) == .ignored)
        #expect(try outcome(event("e", id: long)) == .badField)
        #expect(try outcome(event("e", subject: long)) == .badField)
        #expect(try outcome(event("e", id: String(long.dropLast()))) == .accepted)
    }

    @Test func fieldsOfTheWrongKindAreBad() throws {
        let long = String(repeating: "ä", count: 128)
        for data in [
            #"{"n":"1"}"#, #"{"n":1.5}"#, #"{"n":-1}"#, #"{"n":9007199254740992}"#,
            #"{"n":1e400}"#, #"{"n":true}"#, #"{"t":1}"#, "{\"t\":\"\(long)x\"}", #"{"kind":"c"}"#,
            "5", #""text""#, "[]", "true",
        ] {
            #expect(try outcome(event("e", data)) == .badField, "\(data)")
        }
        for data in [
            #"{"n":1.0}"#, #"{"n":-0}"#, #"{"n":15e-1,"n2":0}"#.replacing("15e-1", with: "150e-1"),
            #"{"n":1099511627776}"#, #"{"n":549755813888.00000000}"#, "{\"t\":\"\(long)\"}",
            #"{"n":null,"t":null}"#, "{}", "null",
        ] {
            #expect(try outcome(event("e", data)) == .accepted, "\(data)")
        }
        var wide = Self.fields
        wide[0].most = 9_007_199_254_740_991
        for (data, most) in [
            (#"{"n":9007199254740991}"#, 0), (#"{"n":4503599627370497.00}"#, 0),
            (#"{"n":1099511627777}"#, 1_099_511_627_776), (#"{"n":8}"#, 7),
        ] as [(String, Int64)] {
            var narrow = Self.fields
            narrow[0].most = most == 1_099_511_627_776 ? nil : most
            var bench = try Bench(catalog(most == 0 ? wide : narrow, [Self.meter]))
            #expect(bench.feed(event("e", data)) == (most == 0 ? .accepted : .badField), "\(data)")
        }
        var signed = Self.meter
        signed.isSigned = true
        var bench = try Bench(catalog(Self.fields, [signed]))
        #expect(bench.feed(event("e", #"{"n":-3}"#)) == .accepted)
        #expect(bench.cells("odo:1:{25}:org:totals") == ["m": "-3"])
    }

    @Test func theFutureBeginsFiveMinutesAfterTheRecord() throws {
        #expect(try outcome(event("e", time: "2026-03-09T14:25:00Z")) == .accepted)
        #expect(try outcome(event("e", time: "2026-03-09T14:25:00.000000001Z")) == .future)
        #expect(
            try outcome(event("e", time: "2199-03-09T14:25:00Z"), timestamp: -1) == .accepted)
    }

    @Test func duplicatesAreLookedForInTheOffsetsBefore() throws {
        var bench = try Bench(catalog(), dedupeWindow: 3)
        #expect(bench.feed(event("e")) == .accepted)
        #expect(bench.feed(event("e", id: "2")) == .accepted)
        #expect(bench.feed(event("e", subject: "other")) == .accepted)
        #expect(bench.feed(event("e")) == .duplicate)
        for id in 3..<6 { #expect(bench.feed(event("e", id: "\(id)")) == .accepted) }
        // Four offsets after the duplicate, which itself counts as valid.
        #expect(bench.feed(event("e")) == .accepted)
        for id in 10..<12 { bench.feed(event("e", id: "\(id)")) }
        #expect(bench.feed(event("e")) == .duplicate)
        // A rejected record does not enter.
        #expect(bench.feed(event("e", id: "9", time: "2199-01-01T00:00:00Z")) == .future)
        #expect(bench.feed(event("e", id: "9")) == .accepted)
    }

    @Test func recordsBeforeTheOriginOnlyWarmUpTheWindow() throws {
        var oracle = try Oracle(catalog: catalog(), settings: .test())
        let partition = oracle.addPartition(topic: "t", number: 0, origin: 1)
        for offset in 0..<2 {
            let outcome = Array(event("e").utf8).withUnsafeBytes {
                oracle.feed(
                    partition, offset: Int64(offset), timestamp: Bench.now, value: $0, headers: [])
            }
            #expect(outcome == (offset == 0 ? .accepted : .duplicate))
        }
        #expect(oracle.partitions[0].delivered == 1)
        #expect(oracle.partitions[0].audit[25].duplicate == 1)
        #expect(oracle.partitions[0].audit[25].accepted == 0)
    }

    @Test func theAuditBelongsToTheSubjectsShard() throws {
        var bench = try Bench(catalog(Self.fields, [Self.meter]), number: 70)
        bench.feed(event("e"))
        bench.feed(event("e"))
        bench.feed(event("x"))
        bench.feed(event("e", #"{"n":"1"}"#, id: "2"))
        bench.feed(nil)
        let audit = bench.oracle.partitions[0].audit
        var expected = OracleAudit()
        expected.accepted = 1
        expected.duplicate = 1
        expected.ignored = 1
        expected.rejected = 1
        #expect(audit[25] == expected)
        #expect(audit[6].rejected == 1)
        #expect(bench.oracle.partitions[0].delivered == 5)
    }

    @Test func aForeignEnvelopeNamesItsOwnPlaces() throws {
        var foreign = catalog([OracleField("n", at: "/n", is: .integer)], [Self.meter])
        foreign.envelope = OracleEnvelope(
            id: .pointer("/meta/id"), source: .constant("shop"), type: .pointer("/what"),
            subject: .pointer("/a~1b"), time: .pointer("/at"),
            timeRule: OracleTimeRule(formats: [.unix(digits: 6)]))
        var bench = try Bench(foreign)
        let value = #"{"meta":{"id":"1"},"what":"e","a/b":"org","at":1773065716000,"n":4}"#
        #expect(bench.feed(value) == .accepted)
        #expect(bench.feed(value) == .duplicate)
        #expect(bench.feed(value.replacing("1773065716000", with: "\"x\"")) == .malformed)
        #expect(bench.cells("odo:1:{25}:org:totals") == ["m": "4"])
    }
}
