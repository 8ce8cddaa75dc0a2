import Foundation
import Testing
import Workload

@testable import Metering

/// Where data may be, which times are taken, and which of two envelopes of one record decides.
@Suite struct EventDataTests {
    private static let time: Int64 = 1_773_065_251_000

    /// What became of records under the shipped catalog (or another), and what was counted.
    private func take(
        _ records: [LogRecord], _ catalog: MeterCatalog? = nil
    ) throws -> (outcomes: [String], twin: Twin) {
        let twin = try Twin(try catalog ?? Catalogs.shipped(), span: 0)
        var outcomes: [String] = []
        for (offset, record) in records.enumerated() {
            var record = record
            record.offset = Int64(offset)
            let before = twin.program.counters.outcomes
            twin.take([record], oneByOne: true)
            let after = twin.program.counters.outcomes
            let outcome = Outcome.allCases.first {
                after[Int($0.rawValue)] > before[Int($0.rawValue)]
            }
            let detail = twin.program.rejected.first.map { " " + $0.detail } ?? ""
            outcomes.append((outcome?.name ?? "none") + detail)
        }
        twin.finish()
        #expect(twin.differences == [])
        return (outcomes, twin)
    }

    private func structured(
        _ members: String, type: String = "bucket.created", timestamp: Int64 = time,
        headers: [(String, String)] = []
    ) -> LogRecord {
        let event =
            #"{"specversion":"1.0","id":"e1","source":"t","type":"\#(type)","subject":"o1""#
        return LogRecord(
            timestamp: timestamp, key: nil, value: Array((event + members + "}").utf8),
            headers: headers.map { (Array($0.0.utf8), Array($0.1.utf8)) })
    }

    private func binary(_ value: String, type: String = "bucket.created") -> LogRecord {
        let attributes = [
            ("ce_specversion", "1.0"), ("ce_id", "e1"), ("ce_source", "t"), ("ce_type", type),
            ("ce_subject", "o1"),
        ]
        return LogRecord(
            timestamp: Self.time, key: nil, value: Array(value.utf8),
            headers: attributes.map { (Array($0.0.utf8), Array($0.1.utf8)) })
    }

    /// The organization's number of a meter without windows.
    private func total(_ meter: String, _ twin: Twin) -> Int64 {
        for (key, content) in twin.contents where key.hasSuffix(":o1:totals") {
            if case .integer(let value) = content.cells[Array(meter.utf8)] { return value }
        }
        return 0
    }

    // MARK: Data

    @Test func base64IsDecodedAndCounted() throws {
        let (outcomes, twin) = try take([
            structured(#","data_base64":"eyJjb3VudCI6M30=""#),
            // What the data hold may be asked for behind other members, too, and with escapes.
            structured(#","datacontenttype":"application\/json","data_base64":"eyJjb3VudCI6M30=""#),
            structured(#","data_base64":null,"data":{"count":5}"#),
            // No bytes, and null, are no data: one bucket.
            structured(#","data_base64":"""#), structured(#","data_base64":"bnVsbA==""#),
        ])
        #expect(outcomes == Array(repeating: "accepted", count: 5))
        #expect(total("buckets", twin) == 3 + 3 + 5 + 1 + 1)
    }

    @Test func base64ThatHoldsNoDataIsABadField() throws {
        func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
        let (outcomes, twin) = try take([
            structured(#","data_base64":"\#(encoded("hello"))""#),
            structured(#","data_base64":"\#(encoded("[1]"))""#),
            structured(#","data_base64":"eyJjb3VudCI6M30""#),
            structured(#","data_base64":"eyJj b3VudCI6M30=""#),
            structured(#","data_base64":7"#),
            structured(#","data":{},"data_base64":"eyJjb3VudCI6M30=""#),
            structured(#","data_base64":"\#(encoded(#"{"count":1,"count":2}"#))""#),
            // A brace of its own must not let it write members of the event.
            structured(#","data_base64":"\#(encoded(#"{},"source":"x""#))""#),
            structured(#","data_base64":"\#(encoded(#"{"count":-3}"#))""#),
        ])
        #expect(
            outcomes == [
                "bad_field data_base64 does not hold one JSON text: /data_base64",
                "bad_field data is not a JSON object: /data_base64",
                "bad_field data_base64 is not base64: /data_base64",
                "bad_field data_base64 is not base64: /data_base64",
                "bad_field data_base64 is not base64: /data_base64",
                "bad_field data and data_base64 are both given: /data_base64",
                "bad_field a member that is asked for is there twice",
                "bad_field data_base64 does not hold one JSON text: /data_base64",
                "bad_field negative amount: /data/count",
            ])
        #expect(total("buckets", twin) == 0)
    }

    /// Decoding scans the event again, which ends the texts of the scan before, also of what was
    /// found inside of one.
    @Test func textsWithJSONAreReadBesideEncodedData() throws {
        func cells(_ inside: String, _ records: [LogRecord]) throws -> [String: ExpectedValue] {
            let catalog = try Catalogs.read(
                """
                version: 1
                envelope: {data: {at: \(inside), inside: json}}
                events: {e: {fields: {n: {at: \(inside)/n}, m: {at: /data/m}}}}
                meters:
                  ns: {kind: count, windows: [all], by: [n], on: [{event: e}]}
                  ms: {kind: count, windows: [all], by: [m], on: [{event: e}]}
                """)
            let (outcomes, twin) = try take(records, catalog)
            #expect(outcomes == records.map { _ in "accepted" })
            return twin.contents.reduce(into: [:]) { cells, one in
                for (name, value) in one.value.cells {
                    cells[String(decoding: name, as: UTF8.self)] = value
                }
            }
        }
        func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
        let text = #"{\"n\":\"in\\u0020side\"}"#
        let long = String(repeating: "x", count: 100_000)
        let beside = ["b", long].map {
            structured(
                #","context":"\#(text)","data_base64":"\#(encoded(#"{"m":"m","l":"\#($0)"}"#))""#,
                type: "e")
        }
        let first = try cells("/context", beside)
        #expect(first == ["in%20side": .integer(2), "m": .integer(2)])
        let within = structured(
            #","data_base64":"\#(encoded(#"{"m":"m","text":"\#(text)"}"#))""#, type: "e")
        let second = try cells("/data/text", [within])
        #expect(second == ["in%20side": .integer(1), "m": .integer(1)])
    }

    @Test func dataThatAreNoObjectAreABadField() throws {
        let wrong = [#""{\"count\":3}""#, "[3]", "3", "true"]
        let (structured, first) = try take(wrong.map { self.structured(#","data":\#($0)"#) })
        let detail = "bad_field data is not a JSON object"
        #expect(structured == wrong.map { _ in detail + ": /data" })
        let (binary, second) = try take(wrong.map { self.binary($0) })
        #expect(binary == wrong.map { _ in detail })
        #expect(total("buckets", first) + total("buckets", second) == 0)
        // None, and null, are what the schema allows.
        let (right, third) = try take([
            self.structured(""), self.structured(#","data":null"#), self.binary("null"),
            self.binary(""), self.binary(#"{"count":4}"#),
        ])
        #expect(right == Array(repeating: "accepted", count: 5))
        #expect(total("buckets", third) == 8)
        // What no meter asks for is no concern of ours.
        #expect(
            try take([self.structured(#","data":"text""#, type: "other")]).outcomes == ["ignored"])
    }

    @Test func aCatalogMayAskForTheWholeData() throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            events: {note: {fields: {text: {at: /data}}}, list: {fields: {all: {at: /data, each: true}}}}
            meters:
              notes: {kind: count, windows: [all], by: [text], on: [{event: note}]}
              entries: {kind: count, windows: [all], by: [all.value], on: [{event: list}]}
            """)
        let (outcomes, twin) = try take(
            [
                structured(#","data":"a""#, type: "note"), binary(#""a""#, type: "note"),
                structured(#","data_base64":"ImEi""#, type: "note"),
                structured(#","data":["x","y"]"#, type: "list"),
                binary(#"["x"]"#, type: "list"), binary(#"{"k":"y"}"#, type: "list"),
            ], catalog)
        #expect(outcomes == Array(repeating: "accepted", count: 6))
        let cells = twin.contents.reduce(into: [String: ExpectedValue]()) { cells, one in
            for (name, value) in one.value.cells {
                cells[String(decoding: name, as: UTF8.self)] = value
            }
        }
        #expect(cells == ["a": .integer(3), "x": .integer(2), "y": .integer(2)])
    }

    // MARK: Modes

    /// The binding lets a structured record repeat its attributes in headers.
    @Test func theContentTypeDecidesTheMode() throws {
        let attributes = [
            ("ce_specversion", "1.0"), ("ce_id", "other"), ("ce_source", "t"),
            ("ce_type", "bucket.deleted"), ("ce_subject", "o2"),
        ]
        let data = #","data":{"count":3}"#
        let (outcomes, twin) = try take([
            structured(
                data,
                headers: [("content-type", "application/cloudevents+json; charset=UTF-8")]
                    + attributes),
            structured(
                data,
                headers: [("ce_traceparent", "00-1"), ("content-type", "Application/CloudEvents")]),
            // Without such a type the headers are the event, and the value its data.
            structured(data, headers: [("content-type", "application/json")] + attributes),
            structured(data, headers: [("ce_traceparent", "00-1")]),
            structured(
                data,
                headers: [
                    ("content-type", "application/cloudevents+json"),
                    ("content-type", "application/json"), ("ce_traceparent", "00-1"),
                ]),
        ])
        #expect(
            outcomes == [
                "accepted", "accepted", "accepted",
                "malformed specversion is not 1.0: ce_specversion",
                "malformed specversion is not 1.0: ce_specversion",
            ])
        #expect(total("buckets", twin) == 6)
    }

    // MARK: Times

    private static let milliseconds = """
        version: 1
        envelope: {id: /id, source: {const: s}, type: {const: use}, subject: /org, time: {at: /t, format: unix-ms}BOUND}
        events: {use: {fields: {day: {at: /day, is: time}}}}
        meters:
          uses: {kind: count, windows: [all], on: [{event: use}]}
          days: {kind: count, windows: [day], on: [{event: use, time: day}]}
        """

    @Test func timesBeforeTheYear2000AreABadField() throws {
        func record(
            _ time: String, _ more: String = "", at timestamp: Int64 = Self.time
        ) -> LogRecord {
            LogRecord(
                timestamp: timestamp, key: nil,
                value: Array(#"{"id":"1","org":"o1","t":\#(time)\#(more)}"#.utf8))
        }
        let past = "bad_field time is before the catalog's not_before: /t"
        let records = [
            record("1795908209"), record("0"), record("-5"), record("946684799999"),
            record("946684800000"), record("null", at: 0),
            record("1773065251000", #","day":"1970-01-01T00:00:00Z""#),
        ]
        let standard = try Catalogs.read(Self.milliseconds.replacing("BOUND", with: ""))
        #expect(
            try take(records, standard).outcomes == [
                past, past, past, past, "accepted",
                "bad_field record timestamp is before the catalog's not_before",
                "bad_field time field is before the catalog's not_before: /day",
            ])
        let early = try Catalogs.read(
            Self.milliseconds.replacing("BOUND", with: ", not_before: 1970-01-01"))
        #expect(
            try take(records, early).outcomes == [
                "accepted", "accepted", past, "accepted", "accepted", "accepted", "accepted",
            ])
        let (outcomes, twin) = try take([
            structured(#","time":"1999-12-31T23:59:59.999999999Z""#),
            structured(#","time":"2000-01-01T00:00:00Z""#),
        ])
        #expect(
            outcomes == ["bad_field time is before the catalog's not_before: /time", "accepted"])
        #expect(total("buckets", twin) == 1)
    }

    /// A bound alone is no envelope of one's own, and the default one is no part of the contract.
    @Test func theBoundIsPartOfTheEnvelope() throws {
        func catalog(_ envelope: String) throws -> MeterCatalog {
            try Catalogs.read(
                """
                version: 1
                \(envelope)
                events: {e: {}}
                meters: {m: {kind: count, windows: [all], on: [{event: e}]}}
                """)
        }
        func digest(_ catalog: MeterCatalog) throws -> String? {
            try Program(
                catalog: catalog, shardCount: 1, dedupeKey: (0, 0), futureBoundMilliseconds: 0
            )
            .contractEntries.first { $0.name == "envelope" }?.digest
        }
        let plain = try catalog("")
        let bound = try catalog("envelope: {not_before: 1995-07-01}")
        #expect(bound.envelope == .cloudEvents && bound.notBefore.day == 9_312)
        // The digest that ledgers of earlier builds hold.
        #expect(try digest(plain) == "5eee3e5e9b2bf53fee2895caa81456bb")
        #expect(try digest(try catalog("envelope: {not_before: 2000}")) == digest(plain))
        #expect(try digest(bound) != digest(plain))
        for wrong in ["199", "1995-02-30", "2300", "soon", "1699"] {
            #expect(throws: (any Error).self) {
                _ = try catalog("envelope: {not_before: \(wrong)}")
            }
        }
    }
}
