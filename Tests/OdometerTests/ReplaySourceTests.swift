import Foundation
import Kafka
import Metering
import Testing
import Workload
import Zones

@testable import Replay
@testable import odometer

/// Foreign files, changed records, profiles and other topics.
struct ReplaySourceTests {
    private func file(_ text: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private func rows(_ text: String, _ format: CSVFormat = CSVFormat()) throws -> [[String]] {
        let path = try file(text)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let reader = try CSVReader(path: path, format: format)
        var rows = [reader.columns]
        while let row = try reader.next() {
            rows.append(row.map { String(decoding: $0, as: UTF8.self) })
        }
        return rows
    }

    @Test func csvIsReadAsItIsMeant() throws {
        let text =
            "\u{FEFF}a,\"b c\",d\r\n1,\"x, \"\"y\"\"\",\r\n\r\n"
            + ",\"two\n\nlines\",\"\"\n\"\",,z"
        #expect(
            try rows(text) == [
                ["a", "b c", "d"], ["1", "x, \"y\"", ""], ["", "two\n\nlines", ""], ["", "", "z"],
            ])
        var other = CSVFormat()
        other.delimiter = UInt8(ascii: ";")
        other.quote = UInt8(ascii: "'")
        other.columns = ["one", "two"]
        #expect(try rows("'a;b';c\n", other) == [["one", "two"], ["a;b", "c"]])
        for broken in ["a\n\"open", "a\n\"x\"y", "a\n\"x\" ,y"] {
            #expect(throws: ReplayError.self) { try rows(broken) }
        }
    }

    @Test func latinBytesBecomeUTF8() throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent(UUID().uuidString)
        try Data([0x61, 0x0A, 0xC4, 0xDF, 0x41]).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        var format = CSVFormat()
        format.isLatin1 = true
        let reader = try CSVReader(path: path.path, format: format)
        #expect(try reader.next() == [Array("ÄßA".utf8)])
    }

    @Test(
        arguments: [
            ("%d.%m.%Y %H:%M:%S", "09.03.2026 14:15:16", "2026-03-09T13:15:16.000Z"),
            ("%d.%m.%Y %H:%M", "9.7.2026 1:05", "2026-07-08T23:05:00.000Z"),
            ("%m/%d/%y %I:%M %p", "03/09/26 12:15 am", "2026-03-08T23:15:00.000Z"),
            ("%b %d %Y %H:%M:%S.%f", "Mar 09 2026 14:15:16.5", "2026-03-09T13:15:16.500Z"),
            ("%Y%m%dT%H%M%S%z", "20260309T141516+0530", "2026-03-09T08:45:16.000Z"),
            // The hour that is left out, and the hour that comes twice.
            ("%Y-%m-%d %H:%M", "2026-03-29 02:30", "2026-03-29T01:30:00.000Z"),
            ("%Y-%m-%d %H:%M", "2026-10-25 02:30", "2026-10-25T00:30:00.000Z"),
            ("%d.%m.%Y", "31.02.2026", nil), ("%d.%m.%Y", "1.1.2026 ", nil),
            ("%Y-%m-%d %H:%M", "2026-01-01 24:00", nil), ("%Y-%m-%d", "26-01-01", nil),
        ] as [(String, String, String?)])
    func timesOfOtherFormatsAreRead(_ form: String, _ text: String, _ wanted: String?) throws {
        let berlin = try ZoneDatabase.system.zone(named: "Europe/Berlin")
        let time = try foreign(form, LocalZone(berlin))
        let found = time.milliseconds(Array(text.utf8)).map {
            String(decoding: EventTime.text($0), as: UTF8.self)
        }
        #expect(found == wanted)
    }

    private func foreign(
        _ form: String, _ zone: LocalZone? = nil
    ) throws -> ForeignTime {
        let reader = TimeReader([try #require(try TimeFormat(form))], zone: zone)
        return ForeignTime { reader.nanoseconds($0) }
    }

    /// What `date +%s.%N` writes, and what PostgreSQL and nginx do.
    @Test(
        arguments: [
            ("unix", "1773065251.123456789", 1_773_065_251_123),
            ("unix", "1773065251.1234567", 1_773_065_251_123),
            ("unix-us", "1773065251123456", 1_773_065_251_123),
            ("unix-ns", "1773065251123456789", 1_773_065_251_123),
            ("iso8601", "2026-03-09 14:07:31.5+00", 1_773_065_251_500),
            ("common-log", "09/Mar/2026:15:07:31 +0100", 1_773_065_251_000),
        ])
    func timesOfProgramsAreRead(_ form: String, _ text: String, _ milliseconds: Int64) throws {
        #expect(try foreign(form).milliseconds(Array(text.utf8)) == milliseconds)
    }

    @Test func timesFarFromAllThatIsCountedAreRefused() throws {
        for text in ["9223372036854775807", "-9223372036854775808", "7289654400000"] {
            #expect(try foreign("unix-ms").milliseconds(Array(text.utf8)) == nil, "\(text)")
        }
        #expect(try foreign("unix").milliseconds(Array("9999999999".utf8)) == nil)
        let last = try foreign("unix-ms").milliseconds(Array("7289654399999".utf8))
        #expect(
            last.map { String(decoding: EventTime.text($0), as: UTF8.self) }
                == "2200-12-31T23:59:59.999Z")
    }

    @Test func aQuoteThatIsNeverClosedDoesNotFillTheMemory() throws {
        let line = String(repeating: "x", count: 1_000_000) + "\n"
        let text = "a\n\"" + String(repeating: line, count: 6)
        #expect {
            try rows(text)
        } throws: { error in
            (error as? ReplayError)?.message.hasSuffix(":2: a row over 4 MiB") == true
        }
    }

    @Test func patternsWithoutADateAreRefused() {
        for text in ["", "%H:%M", "%Y-%m", "%Y-%m-%d %Q", "%Y-%m-%d %"] {
            #expect(throws: TimePatternError.self, "\(text)") { try TimePattern(text) }
        }
    }

    @Test(
        arguments: [
            ("12,50", 100, 1_250), ("1.234,5", 10, 12_345), ("-0,07", 100, -7), ("+3", 1, 3),
            ("0,001", 100, nil), ("", 1, nil), ("-", 1, nil), ("1,2,3", 1, nil), ("12a", 1, nil),
            ("9999999999999999999", 1, nil), ("900000000000000000", 100, nil),
        ] as [(String, Int64, Int64?)])
    func amountsAreReadExactly(_ text: String, _ factor: Int64, _ wanted: Int64?) {
        let found = ForeignDecimal.integer(
            Array(text.utf8), factor: factor, decimal: UInt8(ascii: ","), group: UInt8(ascii: "."))
        #expect(found == wanted)
    }

    private static let mapping = """
        format: json
        only: {at: /kind, values: [sale, refund]}
        bad_rows: skip
        event:
          id: {at: /no}
          source: {const: till}
          type: {at: /kind, map: {sale: order.paid, refund: order.returned}}
          subject: {at: /shop/0}
          time: {at: /at, format: unix}
        data:
          cents: {at: /sum, is: integer, factor: 100, required: true}
          card: {at: /card, is: boolean, "true": ["yes"]}
          raw: {at: /more, is: json}
          note: {at: /note, default: none}
        """

    @Test func foreignJSONBecomesEvents() throws {
        let path = try file(
            """
            {"no":1,"kind":"sale","shop":["a\\u00e4"],"at":1773065716.25,"sum":12.5,"card":"yes","more":[1, 2]}
            {"no":2,"kind":"other"}
            {"no":3,"kind":"refund","shop":["b"],"sum":"0.005"}
            {"no":4,"kind":"refund","shop":["b"],"sum":1,"note":"\\"q\\""}
            not json
            """)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let mapping = try MappingFile.read(Array(Self.mapping.utf8), name: "m")
        let source = try MappedSource(path: path, mapping: mapping)
        let first = try #require(try source.next())
        #expect(first.key == Array("aä".utf8))
        #expect(first.timeMilliseconds == 1_773_065_716_250)
        #expect(
            first.value.map { String(decoding: $0, as: UTF8.self) } == #"""
                {"specversion":"1.0","id":"1","source":"till","type":"order.paid","subject":"aä",\#
                "time":"2026-03-09T14:15:16.250Z","datacontenttype":"application/json",\#
                "data":{"cents":1250,"card":true,"raw":[1, 2],"note":"none"}}
                """#)
        let second = try #require(try source.next())
        #expect(
            second.value.map { String(decoding: $0, as: UTF8.self) }?.hasSuffix(
                #""data":{"cents":100,"note":"\"q\""}}"#) == true)
        #expect(try source.next() == nil)
        #expect(source.skipped == 2)
    }

    @Test(
        arguments: [
            "event: {id: {column: a}}", "format: xml", "event: {id: {at: /x}}", "- a",
            "event: {id: {column: a, const: b}}", "nonsense: 1",
        ])
    func badMappingsAreRefusedWithTheirPlace(_ text: String) {
        #expect {
            try MappingFile.read(Array(text.utf8), name: "m.yaml")
        } throws: { error in
            (error as? CommandFailure)?.message.hasPrefix("m.yaml:1: ") == true
        }
    }

    // MARK: Changes

    @Test func modesAndTimesOfRecordsAreChanged() throws {
        let text =
            #"{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"o","#
            + #""time":"2026-03-09T14:15:16+01:00","datacontenttype":"application/json","data":{"a": [1]}}"#
        var record = SourceRecord(
            key: Array("o".utf8), value: Array(text.utf8), timeMilliseconds: 5_000)
        var change = RecordChange()
        change.shiftMilliseconds = 60_000
        change.mode = .binary
        change.apply(to: &record)
        func header(_ name: String) -> String? {
            record.headers.first { $0.name == name }?.value.map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        #expect(record.timeMilliseconds == 65_000)
        #expect(header("ce_time") == "2026-03-09T13:16:16.000Z")
        #expect(header("ce_id") == "1" && header("content-type") == "application/json")
        #expect(record.value == Array(#"{"a": [1]}"#.utf8))
        change.mode = .structured
        change.apply(to: &record)
        let whole = try #require(
            try JSONSerialization.jsonObject(with: Data(record.value ?? [])) as? [String: Any])
        #expect(whole["time"] as? String == "2026-03-09T13:17:16.000Z")
        #expect((whole["data"] as? [String: [Int]]) == ["a": [1]])
        #expect(whole["subject"] as? String == "o" && record.headers.isEmpty)
        var odd = SourceRecord(key: nil, value: Array("not json".utf8))
        change.mode = .binary
        change.apply(to: &odd)
        #expect(odd.value == Array("not json".utf8) && odd.headers.isEmpty)
    }

    @Test func allEventsOfARecordAreMoved() {
        func moved(_ text: String) -> String {
            var record = SourceRecord(key: nil, value: Array(text.utf8))
            var change = RecordChange()
            change.shiftMilliseconds = 60_000
            change.mode = .binary
            change.apply(to: &record)
            #expect(record.headers.isEmpty)
            return String(decoding: record.value ?? [], as: UTF8.self)
        }
        let before = #"{"id":"1","time":"2026-03-09T14:15:16Z","data":{"time":"x"}}"#
        let after = before.replacing("14:15:16Z", with: "14:16:16.000Z")
        #expect(moved("[\(before), \(before),{}]") == "[\(after), \(after),{}]")
        // Lines are events, too; of a member that is there twice the first is the time.
        let two = #"{"time":"2026-03-09T14:16:16.000Z","time":"2026-03-09T14:15:16Z"}"#
        #expect(moved(two.replacing("14:16:16.000Z", with: "14:15:16Z")) == two)
        #expect(moved("\(before)\n\n\(before)\n") == "\(after)\n\n\(after)\n")
        #expect(moved("[\"time\": 1]") == "[\"time\": 1]" && moved("[") == "[" && moved("") == "")
    }

    @Test func jsonIsReadStrictly() {
        for text in ["{}", "[1,2.5e-3,true,null]", #"{"a":{"b":"\ud83d\ude00\n"}}"#, " 0 "] {
            #expect(JSONNodeReader.read(Array(text.utf8)[...]) != nil, "\(text)")
        }
        let wrong = ["", "{", "[1,]", "01", "1.", "\"\\x\"", #""\ud83d""#, "{} {}", "tru", "-"]
        for text in wrong { #expect(JSONNodeReader.read(Array(text.utf8)[...]) == nil, "\(text)") }
        #expect(JSONPointer.parts("/a~1b/~0") == [Array("a/b".utf8), Array("~".utf8)])
        #expect(JSONPointer.parts("a") == nil && JSONPointer.parts("/~2") == nil)
    }

    // MARK: Profiles

    @Test func aProfileFileSaysEverything() throws {
        let text = """
            events: 5000
            span: 14d
            organizations: 3
            skew: 0.5
            hours: [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 8, 8, 8, 8, 8, 8, 8, 4, 2, 1, 0, 0, 0, 0]
            weekdays: [0, 1, 1, 1, 1, 1, 0]
            late: {share: 0.5, at_most: 1h, jitter: 1s}
            shares: {duplicate: 0, malformed: 0.25}
            bursts: {every: 1d, length: 1h, factor: 3}
            """
        let profile = try ProfileFile.read(
            Array(text.utf8), name: "p", end: 1_773_066_000_000)
        #expect(profile.events == 5_000 && profile.spanMilliseconds == 14 * 86_400_000)
        #expect(profile.skewQuarters == 2 && profile.lateArrivalShare == 0.5)
        #expect(profile.latestArrivalMilliseconds == 3_600_000 && profile.malformedShare == 0.25)
        #expect(
            profile.burst
                == EventBurst(
                    everyMilliseconds: 86_400_000, lengthMilliseconds: 3_600_000, factor: 3))
        let wrong = [
            "skew: 0.3", "hours: [1, 2]", "weekdays: [0, 0, 0, 0, 0, 0, 0]", "users: 0", "what: 1",
            "bursts: {every: 1h, length: 2h}", "shares: {binary: 2}", "span: forever",
        ]
        for text in wrong {
            #expect(throws: CommandFailure.self, "\(text)") {
                try ProfileFile.read(Array(text.utf8), name: "p", end: 0)
            }
        }
    }

    // MARK: Another topic

    @Test func aTopicIsMergedByItsTimesAndKeepsItsOrder() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("source", partitions: 3)
        let kafka = ClientConfiguration(bootstrap: cluster.bootstrap)
        let producer = try Producer(kafka)
        let base: Int64 = 1_773_066_000_000
        for number in 0..<900 {
            // Partitions in turns, of which the second has times that go back now and then.
            let back: Int64 = number % 3 == 1 && number % 5 == 0 ? 40 : 0
            let isSent = try producer.produce(
                topic: "source", partition: Int32(number % 3), key: [1],
                value: Array("\(number)".utf8),
                headers: [("ce_subject", Array("o".utf8)), (Replayer.dueHeader, [49])],
                timestamp: base + Int64(number) - back)
            #expect(isSent)
        }
        #expect(producer.flush(timeoutMilliseconds: 20_000))
        var range = TopicRange()
        range.firstOffset = 10
        range.endOffset = 290
        let source = try TopicSource(kafka, topic: "source", range: range)
        var numbers: [Int] = []
        while let record = try source.next() {
            numbers.append(Int(String(decoding: record.value ?? [], as: UTF8.self)) ?? -1)
            #expect(record.subject == Array("o".utf8) && record.headers.count == 1)
        }
        #expect(numbers.count == 840 && source.total == 840 && source.share == 1)
        for partition in 0..<3 {
            let own = numbers.filter { $0 % 3 == partition }
            #expect(own == own.sorted() && own.first == 30 + partition)
        }
        // No time goes back by more than what the partition itself has.
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 - $0 > -45 })
    }
}
