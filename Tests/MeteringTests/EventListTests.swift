import Catalog
import Metering
import Testing
import Workload

/// Records of several events: all of their events count or none does.
@Suite struct EventListTests {
    private static let time: Int64 = 1_773_065_251_000

    private static func catalog(_ each: String, id: String = "/id", field: String = "/n") -> String
    {
        """
        version: 1
        envelope:
          each: \(each)
          id: \(id)
          source: {const: s}
          type: {const: use}
          subject: /org
          time: /at
        events: {use: {fields: {n: {at: \(field), is: integer}}}}
        meters: {sums: {kind: sum, windows: [all], on: [{event: use, amount: n}]}}
        """
    }

    private static let cloudEvents = """
        version: 1
        events: {use: {fields: {n: {at: /data/n, is: integer}}}}
        meters: {sums: {kind: sum, windows: [all], on: [{event: use, amount: n}]}}
        """

    private static func batch(_ value: String) -> LogRecord {
        let type = (Array("content-type".utf8), Optional(Array(Self.batchType.utf8)))
        return LogRecord(timestamp: time, key: nil, value: Array(value.utf8), headers: [type])
    }
    private static let batchType = "application/cloudevents-batch+json; charset=utf-8"

    private static func cloudEvent(_ id: Int, _ n: String, subject: String = "o") -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"/s","type":"use","subject":"\#(subject)","#
            + #""data":{"n":\#(n)}}"#
    }

    private static func record(_ value: String, at offset: Int64 = 0) -> LogRecord {
        LogRecord(offset: offset, timestamp: time, key: nil, value: Array(value.utf8))
    }

    /// The sums of organizations, and what was rejected.
    private static func count(
        _ catalog: String, _ records: [LogRecord], span: Int64 = 100
    ) throws -> (sums: [String: Int64], rejected: [String], twin: Twin) {
        let twin = try Twin(Catalogs.read(catalog), span: span)
        var rejected: [String] = []
        for record in records {
            twin.take([record], oneByOne: true)
            rejected += twin.program.rejected.map { "\($0.outcome.name) \($0.detail)" }
        }
        var sums: [String: Int64] = [:]
        for (key, content) in twin.contents where key.hasSuffix(":totals") {
            if case .integer(let sum)? = content.cells[Array("sums".utf8)] {
                sums[String(key.split(separator: ":")[3])] = sum
            }
        }
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences.joined(separator: "\n"))")
        return (sums, rejected, twin)
    }

    private struct Case: Sendable, CustomTestStringConvertible {
        var each: String
        var value: String
        /// The sum of organization o, or what is wrong.
        var expected: String
        var testDescription: String { "\(each) of \(value.prefix(60))" }

        init(_ each: String, _ value: String, _ expected: String) {
            (self.each, self.value, self.expected) = (each, value, expected)
        }
    }

    private static func event(_ id: Int, _ n: String) -> String {
        #"{"id":"\#(id)","org":"o","n":\#(n)}"#
    }
    private static let (one, two, bad) = (event(1, "1"), event(2, "20"), event(3, "-1"))
    private static let cases = [
        Case("/records", #"{"records":[\#(one),\#(two)]}"#, "21"),
        Case("/records", #"{ "x" : [1,"a\n"] , "records" : [ \#(one) , \#(two) ] }"#, "21"),
        Case("/a/b", #"{"a":{"b":[\#(one)],"c":2}}"#, "1"),
        Case("/records", #"{"records":[]}"#, "nothing"),
        Case("/records", #"{"records":null}"#, "malformed list of events is missing: /records"),
        Case("/records", "{}", "malformed list of events is missing: /records"),
        Case("/records", #"{"records":{}}"#, "malformed events are not a JSON array: /records"),
        Case("/records", #"{"records":"x\n"}"#, "malformed events are not a JSON array: /records"),
        Case("/records", "[]", "malformed value is not a JSON object"),
        Case("/records", "", "malformed empty value"),
        Case("/records", #"{"records":[\#(one)}"#, "malformed value is not one JSON text"),
        Case(
            "/records", #"{"records":[],"records":[]}"#,
            "malformed a member that is asked for is there twice"),
        Case(
            "/records", #"{"records":[\#(one),\#(bad)]}"#, "bad_field event 1: negative amount: /n"),
        Case(
            "/records", #"{"records":[\#(one),7]}"#, "malformed event 1: value is not a JSON object"
        ),
        Case(
            "/records", #"{"records":[\#(one),"a\u0062",null]}"#,
            "malformed event 1: value is not a JSON object"),
        Case(
            "/records", #"{"records":[\#(one),{"org":"o"}]}"#,
            "malformed event 1: id is missing, empty or not a text: /id"),
        Case("array", "[\(one),\(two)]", "21"), Case("array", " [ \(one) ,\n\(two) ]\n", "21"),
        Case("array", "[]", "nothing"),
        Case("array", #"["\n"]"#, "malformed event 0: value is not a JSON object"),
        Case("array", one, "malformed events are not a JSON array"),
        Case("array", "null", "malformed events are not a JSON array"),
        Case("array", "[\(one)] x", "malformed value is not one JSON text"),
        Case("lines", "\(one)\n\(two)", "21"), Case("lines", "\n\(one)\r\n \t\r\n\n\(two)\n", "21"),
        Case("lines", one, "1"), Case("lines", "", "nothing"), Case("lines", " \n", "nothing"),
        Case("lines", "\(one)\n{\n\(two)", "malformed event 1: value is not one JSON text"),
        Case("lines", "\(one) \(two)", "malformed event 0: value is not one JSON text"),
        Case("[/a, /b]", #"{"a":[{"b":[\#(one)]},{"b":[\#(two)],"c":"\t"}]}"#, "21"),
        Case("[/a, /b]", #"{"a":[{},{"b":null},{"b":[]}]}"#, "nothing"),
        Case(
            "[/a, /b]", #"{"a":[{"b":[\#(one)]},{"b":1}]}"#,
            "malformed events are not a JSON array: /b"),
        Case("[/a, /b]", #"{"a":[[]]}"#, "malformed entry of a list is not a JSON object: /a"),
        Case("[array, /b]", #"[{"b":[\#(one),\#(two)]}]"#, "21"),
    ]

    @Test(arguments: cases)
    private func everyEventOfTheListCounts(one: Case) throws {
        let found = try Self.count(Self.catalog(one.each), [Self.record(one.value)])
        let sum = found.sums["o"].map { "\($0)" } ?? "nothing"
        #expect((found.rejected.first ?? sum) == one.expected)
        let isEmpty = one.expected == "nothing"
        #expect(found.twin.program.counters.emptyLists == (isEmpty ? 1 : 0))
        if isEmpty { #expect(found.twin.oracle.count(.ignored) == 1) }
    }

    @Test func aBadEventTakesAllOthersOfItsRecordAlong() throws {
        let events = (0..<40).map { Self.cloudEvent($0, "1", subject: "org-\($0)") }
        let bad = Self.cloudEvent(40, "0.5", subject: "org-40")
        let batch = "[" + (events + [bad]).joined(separator: ",") + "]"
        let first = try Self.count(Self.cloudEvents, [Self.batch(batch)])
        #expect(first.sums.isEmpty && first.twin.oracle.count(.badField) == 1)
        #expect(
            first.rejected == [
                "bad_field event 40: number is not an integer within 2^53 - 1: /data/n"
            ])
        // None of them is known either: the same events count once they come without the bad one.
        var again = Self.batch("[" + events.joined(separator: ",") + "]")
        again.offset = 1
        let second = try Self.count(Self.cloudEvents, [Self.batch(batch), again])
        #expect(second.sums.count == 40 && second.twin.oracle.count(.accepted) == 40)
        #expect(second.twin.program.counters.furtherEvents == 39)
    }

    @Test func eventsOfOneRecordCanBeDuplicates() throws {
        let (a, b) = (Self.cloudEvent(1, "1"), Self.cloudEvent(2, "20"))
        var later = Self.batch("[\(b),\(Self.cloudEvent(3, "300"))]")
        later.offset = 5
        var single = LogRecord(offset: 6, timestamp: Self.time, key: nil, value: Array(a.utf8))
        single.offset = 6
        let found = try Self.count(
            Self.cloudEvents, [Self.batch("[\(a),\(b),\(a)]"), later, single])
        #expect(found.sums == ["o": 321])
        #expect(found.twin.oracle.count(.duplicate) == 3)
    }

    @Test func theWindowKeepsAsManyIdsAsOffsets() throws {
        // 10 ids: the first of 11 is forgotten, though its offset is still near.
        let events = (0..<11).map { Self.cloudEvent($0, "1") }
        var records = [Self.batch("[" + events.joined(separator: ",") + "]")]
        for (offset, id) in [(1, 1), (2, 0)] {
            var record = Self.batch("[\(Self.cloudEvent(id, "1"))]")
            record.offset = Int64(offset)
            records.append(record)
        }
        let found = try Self.count(Self.cloudEvents, records, span: 10)
        #expect(found.sums == ["o": 12] && found.twin.oracle.count(.duplicate) == 1)
    }

    @Test func aBatchNeedsItsContentType() throws {
        let value = "[\(Self.cloudEvent(1, "1"))]"
        let found = try Self.count(Self.cloudEvents, [Self.record(value)])
        #expect(found.rejected == ["malformed value is not a JSON object"])
        let none = try Self.count(Self.cloudEvents, [Self.batch(Self.cloudEvent(1, "1"))])
        #expect(none.rejected == ["malformed events are not a JSON array"])
        let empty = try Self.count(Self.cloudEvents, [Self.batch("[]")])
        #expect(empty.rejected == [] && empty.twin.program.counters.emptyLists == 1)
        // An envelope of other events does not ask what the header says.
        let other = Self.catalog("/records").replacing("  each: /records\n", with: "")
        var record = Self.batch(Self.event(1, "7"))
        record.offset = 3
        #expect(try Self.count(other, [record]).sums == ["o": 7])
    }

    @Test func valuesOfWhatContainsTheEvent() throws {
        let attributes = #"[{"key":"org","value":{"text":"acme"}},{"key":"x"}]"#
        let value = """
            {"batch":"b1","resources":[{"attributes":\(attributes),"metrics":[
            {"name":"tokens","points":[{"id":"1","n":1,"at":"2026-03-09T14:07:31Z"},{"id":"2","n":2}]},
            {"name":"calls","points":[{"id":"3","n":30}]}]},
            {"attributes":[],"metrics":[{"name":"tokens","points":[]}]}]}
            """
        let catalog = """
            version: 1
            envelope:
              each: [/resources, /metrics, /points]
              id: [/id]
              source: {in: record, at: /batch}
              type: {in: /metrics, at: /name}
              subject: {in: /resources, list: /attributes, key: key, value: value/text, name: org}
              time: /at
            events:
              tokens: {fields: {n: {at: /n, is: integer}}}
            meters: {sums: {kind: sum, windows: [all], on: [{event: tokens, amount: n}]}}
            """
        let found = try Self.count(catalog, [Self.record(value)])
        #expect(found.sums == ["acme": 3] && found.rejected == [])
        #expect(found.twin.oracle.count(.ignored) == 1)
        let lost = value.replacing(#""org","value""#, with: #""org","values""#)
        #expect(
            try Self.count(catalog, [Self.record(lost)]).rejected == [
                "malformed event 0: subject is missing, empty or not a text: "
                    + "/attributes[key=org]/value/text in /resources"
            ])
    }

    @Test func aRecordAsItsOwnIdEqualsNoOther() throws {
        let catalog = Self.catalog("/records", id: "[/id, {record: true}]")
        let anonymous = #"{"org":"o","n":1}"#
        // Without their first byte these would be the ids of the other two records' events.
        let posing = ["3:1:0", "3:1:1", "3:1", "3:2:0"].map {
            #"{"id":"\#($0)","org":"o","n":100}"#
        }
        let found = try Self.count(
            catalog,
            [
                Self.record(#"{"records":[\#(posing.joined(separator: ","))]}"#),
                Self.record(#"{"records":[\#(anonymous),\#(anonymous)]}"#, at: 1),
                Self.record(#"{"records":[\#(anonymous)]}"#, at: 2),
            ])
        #expect(found.sums == ["o": 403] && found.twin.oracle.count(.duplicate) == 0)
    }

    @Test func moreEventsThanPermittedAreOneRejection() throws {
        func list(_ count: Int) -> LogRecord {
            let events = Array(repeating: #"{"org":"o","n":1}"#, count: count)
            return Self.record(#"{"records":[\#(events.joined(separator: ","))]}"#)
        }
        let catalog = Self.catalog("/records", id: "{record: true}")
        let most = EventLimits.events
        let full = try Self.count(catalog, [list(most)])
        #expect(full.sums == ["o": Int64(most)])
        let tooMany = "malformed more than \(most) events in a record"
        #expect(try Self.count(catalog, [list(most + 1)]).rejected == [tooMany])
        let lines = Self.catalog("lines", id: "{record: true}")
        let text = String(repeating: "{\"org\":\"o\",\"n\":1}\n", count: most + 1)
        #expect(try Self.count(lines, [Self.record(text)]).rejected == [tooMany])
        // In two lists of which neither is too long.
        let half = "[" + Array(repeating: "{\"org\":\"o\"}", count: 6_000).joined(separator: ",")
        let halves = #"{"a":[{"b":\#(half)]},{"b":\#(half)]}]}"#
        #expect(
            try Self.count(
                Self.catalog("[/a, /b]", id: "{record: true}"), [Self.record(halves)]
            ).rejected == [tooMany])
    }

    @Test(arguments: [
        ("{in: record, at: /n}", "nothing contains the event", ""),
        ("{in: /c, at: /n}", "an event can be in record, /a", "[/a, /b]"),
        ("{in: /b, at: /n}", "an event can be in record, /a", "[/a, /b]"),
        ("{in: array, at: /n}", "an event can be in record", "/a"),
        ("{in: record, at: /n}", "an array without members", "array"),
        ("{in: record}", "'in' needs 'at' with one pointer, or a list", "/a"),
        ("{in: record, at: /a/0}", "events, and also asked for", "/a"),
        ("{in: record, list: /a, key: k, value: v, name: x}", "events, and also asked for", "/a"),
        ("/n", "'each' has '/a' twice", "[/a, /a]"),
        ("/n", "'each' must be 1 to 8 lists", "[]"),
        ("/n", "'array' is the record's value", "[/a, array]"),
        ("/n", "must be lines, array, a JSON pointer", "{a: b}"),
        ("/n", "must be a JSON pointer", "line"),
    ])
    func theCatalogRefuses(field: String, message: String, each: String) {
        var text = Self.catalog(each, field: field)
        if each.isEmpty { text = text.replacing("  each: \n", with: "") }
        let error = #expect(throws: CatalogError.self) {
            try CatalogReader.check(files: [(name: "test.yaml", text: Array(text.utf8))])
        }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func ofBinaryRecordsNothingContainsTheEvent() throws {
        let catalog = Self.catalog("/records", field: "[{in: record, at: /n}, /n]")
        let headers = [
            ("ce_specversion", "1.0"), ("ce_id", "9"), ("ce_source", "/s"), ("ce_type", "use"),
            ("ce_subject", "o"),
        ].map { (name: Array($0.0.utf8), value: Optional(Array($0.1.utf8))) }
        let list = Self.record(#"{"n":5,"records":[{"id":"1","org":"o"},{"id":"2","org":"o"}]}"#)
        let binary = LogRecord(
            offset: 1, timestamp: Self.time, key: nil, value: Array(#"{"n":100}"#.utf8),
            headers: headers)
        #expect(try Self.count(catalog, [list, binary]).sums == ["o": 10])
    }
}
