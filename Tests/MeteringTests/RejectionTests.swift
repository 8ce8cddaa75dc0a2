import Testing

@testable import Metering

/// What is said of records that cannot be counted, and how the types are counted that nobody takes.
@Suite struct RejectionTests {
    private static let catalog = """
        version: 1
        events:
          sale:
            fields:
              agent: {at: /data/agent, required: true}
              count: {at: /data/a~1b/count, is: integer}
              color: {at: /data/color, values: [red, blue]}
              at: {at: /data/at, is: time}
              tags: {at: /data/tags, each: true}
        meters:
          sales: {kind: sum, windows: [day, all], on: [{event: sale, amount: count}]}
          by_agent: {kind: count, by: [agent], windows: [day], on: [{event: sale}]}
          by_tag: {kind: count, by: [tags.value], windows: [day], on: [{event: sale}]}
        """

    private static let time: Int64 = 1_773_065_251_000

    /// Outcome and detail of a structured event.
    private func detail(_ value: String, _ catalog: String = catalog) throws -> [String] {
        try detail(
            LogRecord(timestamp: Self.time, key: nil, value: Array(value.utf8)), catalog)
    }

    private func detail(_ record: LogRecord, _ catalog: String = catalog) throws -> [String] {
        let twin = try Twin(try Catalogs.read(catalog), span: 0)
        twin.take([record], oneByOne: true)
        #expect(twin.differences == [])
        let rejected = twin.program.rejected
        return rejected.map { "\($0.outcome.name) \($0.detail)" }
    }

    private func event(_ data: String, _ more: String = "") -> String {
        """
        {"specversion":"1.0","id":"1","source":"/s","type":"sale","subject":"o"\(more),"data":\(data)}
        """
    }

    @Test func theDetailNamesTheField() throws {
        let cases = [
            ("{}", "required field is missing: /data/agent"),
            (#"{"agent":7}"#, "field has the wrong type: /data/agent"),
            (
                #"{"agent":"a","a/b":{"count":1.5}}"#,
                "number is not an integer within 2^53 - 1: /data/a~1b/count"
            ),
            (#"{"agent":"a","a/b":{"count":-1}}"#, "negative amount: /data/a~1b/count"),
            (
                #"{"agent":"a","color":"green"}"#,
                "text is none of the permitted values: /data/color"
            ),
            (#"{"agent":"a","at":"today"}"#, "time field is not RFC 3339 with a zone: /data/at"),
            (#"{"agent":"a","tags":[1]}"#, "field has the wrong type: /data/tags"),
        ]
        for (data, expected) in cases {
            #expect(try detail(event(data)) == ["bad_field " + expected])
        }
        let fine = #"{"agent":"a"}"#
        #expect(try detail(event(fine)) == [])
        #expect(
            try detail(event(fine, #","time":"soon""#))
                == ["malformed time is not RFC 3339 with a zone: /time"])
        #expect(
            try detail(event(fine, #","time":"2199-01-01T00:00:00Z""#))
                == ["future event time lies in the future: /time"])
        let long = String(repeating: "x", count: 300)
        let changed = event(fine).replacing(#""source":"/s""#, with: #""source":"\#(long)""#)
        #expect(
            try detail(changed)
                == ["bad_field id, source or subject longer than 256 bytes: /source"])
        #expect(try detail("{") == ["malformed value is not one JSON text"])
        #expect(
            try detail(event(fine).replacing(#""id":"1","#, with: ""))
                == ["malformed id is missing, empty or not a text: /id"])
    }

    @Test func ofABinaryEventItNamesTheHeader() throws {
        var headers = [
            ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "sale"),
            ("ce_subject", "o"), ("ce_time", "1773065251"),
        ].map { (name: Array($0.0.utf8), value: Optional(Array($0.1.utf8))) }
        func record() -> LogRecord {
            LogRecord(
                timestamp: Self.time, key: nil, value: Array(#"{"agent":"a"}"#.utf8),
                headers: headers)
        }
        #expect(
            try detail(record()) == ["malformed time is not RFC 3339 with a zone: ce_time"])
        headers.removeLast()
        headers.removeLast()
        #expect(
            try detail(record())
                == ["malformed subject is missing, empty or not a text: ce_subject"])
    }

    @Test(arguments: [
        ("unix", "time is not a number of seconds since 1970 (unix): /sent"),
        ("unix-ms", "time is not a number of milliseconds since 1970 (unix-ms): /sent"),
        ("rfc3339", "time is not RFC 3339 with a zone: /sent"),
    ])
    func aTimeOfAnotherFormNamesTheFormThatIsAskedFor(format: String, expected: String) throws {
        let catalog = """
            version: 1
            envelope:
              id: /id
              source: {const: s}
              type: {const: sale}
              subject: /org
              time: {at: /sent, format: \(format)}
            events: {sale: {fields: {agent: {at: /agent, required: true}}}}
            meters:
              sales: {kind: count, windows: [all], on: [{event: sale}]}
            """
        #expect(
            try detail(#"{"id":"1","org":"o","agent":"a","sent":"yesterday"}"#, catalog)
                == ["malformed " + expected])
    }

    @Test func ignoredTypesAreCountedApartUpToABound() throws {
        let twin = try Twin(try Catalogs.read(Self.catalog), span: 0)
        func send(_ types: [String]) {
            let records = types.map { type in
                let text = event("{}").replacing("\"sale\"", with: "\"\(type)\"")
                return LogRecord(timestamp: Self.time, key: nil, value: Array(text.utf8))
            }
            for (index, record) in records.enumerated() {
                var record = record
                record.offset = Int64(sent + index)
                twin.take([record], oneByOne: true)
            }
            sent += types.count
        }
        var sent = 0
        send((0..<25).map { "type.\($0)" })
        send(["type.3", "type.24", "other", String(repeating: "y", count: 300)])
        let counts = twin.program.counters.ignoredTypes
        #expect(counts.types.count == IgnoredTypeCounts.mostTypes)
        #expect(counts.types[3].bytes == Array("type.3".utf8) && counts.types[3].count == 2)
        #expect(counts.others == 8)
        #expect(twin.program.counters.outcomes[Int(Outcome.ignored.rawValue)] == 29)
        var sum = counts
        sum.add(counts)
        #expect(sum.types[3].count == 4 && sum.types[4].count == 2 && sum.others == 16)
        #expect(sum.types.count == IgnoredTypeCounts.mostTypes)
    }
}
