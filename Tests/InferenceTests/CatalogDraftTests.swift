import Catalog
import Foundation
import Metering
import TestSupport
import Testing
import Workload

@testable import Inference

/// Drafts of topics whose events are known.
@Suite struct CatalogDraftTests {
    static let start: Int64 = 1_773_065_716

    /// A draft of a hundred records, and the catalog that its text is.
    func draft(
        topic: String = "usage", count: Int = 100, _ record: (Int) -> String
    ) throws -> (text: String, catalog: MeterCatalog) {
        let records = (0..<count).map {
            SampledRecord(
                value: Array(record($0).utf8),
                timestampMilliseconds: (Self.start + Int64($0)) * 1_000 + 250)
        }
        let text = try #require(CatalogDraft(records, topic: topic).text)
        return (text, try CatalogReader.check(files: [("draft", Array(text.utf8))]))
    }

    @Test func anAccessLogWithNumbersInTexts() throws {
        let (text, catalog) = try draft(topic: "web.access") { index in
            """
            {"id":"r\(index * 7919)","host":"h\(index % 5).example","msec":"\(Self.start + Int64(index)).123",
            "status":"\(index % 9 == 0 ? 404 : 200)","bytes":"\(index * 311)","seconds":"0.0\(index % 90 + 10)"}
            """
        }
        #expect(text.contains("\n  id: /id\n"))
        #expect(text.contains("\n  time: {at: /msec, format: unix}\n"))
        #expect(text.contains("\n  subject: /host  # 5 different values\n"))
        #expect(text.contains("\n  type: {const: web_access}\n"))
        #expect(text.contains("      status: {at: /status}\n"))
        #expect(
            text.contains("      bytes: {at: /bytes, is: integer, from: text, required: true}\n"))
        #expect(
            text.contains(
                "      seconds: {at: /seconds, is: decimal, scale: 3, from: text, required: true}\n"
            ))
        #expect(
            catalog.meters.map(\.name).sorted() == [
                "web_access_by_status", "web_access_bytes", "web_access_count",
                "web_access_seconds",
            ])
    }

    @Test func eventsOfSeveralTypesHaveFieldsOfTheirOwn() throws {
        let (text, catalog) = try draft { index in
            index % 3 == 0
                ? """
                {"event_name":"Storage Used","identifier":"k\(index)","timestamp":"2026-03-09T14:15:\(10 + index % 50)Z",
                "payload":{"stripe_customer_id":"cus_\(index % 4)","gb":\(index).25}}
                """
                : """
                {"event_name":"ai.tokens","identifier":"k\(index)","timestamp":"2026-03-09T14:15:\(10 + index % 50)Z",
                "payload":{"stripe_customer_id":"cus_\(index % 4)","value":\(index),"cached":\(index % 2 == 0)}}
                """
        }
        #expect(text.contains("\n  id: /identifier\n"))
        #expect(text.contains("\n  type: /event_name\n"))
        #expect(text.contains("\n  time: /timestamp\n"))
        #expect(text.contains("\n  subject: /payload/stripe_customer_id  # 4 different values\n"))
        #expect(catalog.events.map(\.name).sorted() == ["ai_tokens", "storage_used"])
        #expect(catalog.events.map(\.type).sorted() == ["Storage Used", "ai.tokens"])
        let tokens = try #require(catalog.events.first { $0.name == "ai_tokens" })
        #expect(tokens.fields.map(\.name) == ["payload_cached", "payload_value"])
        #expect(tokens.fields.map(\.kind) == [.boolean, .integer])
    }

    @Test func cloudEventsNeedNoEnvelope() throws {
        let (text, catalog) = try draft { index in
            """
            {"specversion":"1.0","id":"e\(index)","source":"/s","type":"com.x.call","subject":"a\(index % 3)",
            "time":"2026-03-09T14:15:16.123Z","data":{"region":"eu-\(index % 2)","ms":\(index)}}
            """
        }
        #expect(!text.contains("envelope:"))
        #expect(text.contains("    type: com.x.call\n"))
        #expect(text.contains("      region: {at: /data/region}\n"))
        #expect(text.contains("      ms: {at: /data/ms, is: integer, required: true}\n"))
        #expect(catalog.envelope.requiresSpecVersion)
    }

    @Test func eventsInBinaryModeAreReadFromTheirHeaders() throws {
        let records = (0..<50).map { index in
            SampledRecord(
                value: Array("{\"ms\":\(index)}".utf8),
                headers: [
                    ("ce_specversion", "1.0"), ("ce_id", "\(index)"), ("ce_source", "/s"),
                    ("ce_type", "call"), ("ce_subject", "a"),
                ].map { ($0.0, Array($0.1.utf8)) })
        }
        let draft = CatalogDraft(records, topic: "calls")
        let text = try #require(draft.text)
        #expect(text.contains("  call:  # 50 in the sample\n"))
        #expect(text.contains("      ms: {at: /data/ms, is: integer, required: true}\n"))
        #expect(draft.notes == ["50 of 50 records: CloudEvents in binary mode"])
    }

    @Test func jsonInsideATextIsOpened() throws {
        let (text, catalog) = try draft { index in
            """
            {"id":"\(index)x","type":"prompt","subject":"c-\(index % 6)","time":\(Self.start + Int64(index)),
            "data":"{\\"tokens\\":\\"\(index)\\",\\"model\\":\\"m\(index % 2)\\"}"}
            """
        }
        #expect(text.contains("\n  data: {at: /data, inside: json}\n"))
        #expect(text.contains("      tokens: {at: /data/tokens, is: integer, from: text"))
        #expect(catalog.envelope.inside != nil)
    }

    @Test func whatASampleCannotKnowIsAQuestion() throws {
        let (text, catalog) = try draft { "{\"level\":\($0 % 3),\"bytes\":\($0)}" }
        #expect(text.contains("{record: true}"))
        #expect(text.contains("subject: {const: all}"))
        #expect(text.split(separator: "\n").filter { $0.contains("# ?") }.count == 3)
        #expect(catalog.meters.count == 3)
    }

    @Test func numbersAsIdsAndSubjectsAndTheKeyAsAHint() throws {
        let records = (0..<60).map { index in
            SampledRecord(
                value: Array(
                    """
                    {"order_id":\(9_007_199_254_740_993 + index),"shop":\(index % 7),"kind":"paid",
                    "amount":\(index).5,"created_at":\((Self.start + Int64(index)) * 1_000)}
                    """.utf8), key: Array("\(index % 7)".utf8),
                timestampMilliseconds: (Self.start + Int64(index)) * 1_000)
        }
        let text = try #require(CatalogDraft(records, topic: "orders").text)
        #expect(text.contains("\n  id: {at: /order_id, from: any}\n"))
        #expect(text.contains("\n  subject: {at: /shop, from: any}  # 7 different values\n"))
        #expect(text.contains("\n  time: {at: /created_at, format: unix-ms}\n"))
        #expect(text.contains("is: decimal, scale: 2, required: true"))
    }

    @Test func theTimeIsTheOneNearTheRecordsAndAFewBadValuesDoNotDecide() throws {
        let (text, _) = try draft(count: 200) { index in
            let begun = index == 77 ? Self.start : (Self.start + Int64(index)) * 1_000
            let consumer =
                index % 25 == 0
                ? "null"
                : "{\"custom_id\":\"c-\(index % 4)\",\"created_at\":\(1_700_000_000 + index % 4)}"
            return """
                {"request":{"id":"b\(index)","headers":{"host":"api.example","x-a":"\(index % 2)"}},
                "response":{"status":\(index % 9 == 0 ? 404 : 200),"size":\(index == 5 ? "\"-\"" : "\(index)")},
                "workspace_name":"default","consumer":\(consumer),"started_at":\(begun)}
                """
        }
        #expect(text.contains("\n  id: /request/id\n"))
        #expect(text.contains("\n  time: {at: /started_at, format: unix-ms}"))
        #expect(text.contains("\n  subject: [/consumer/custom_id, {const: unknown}]"))
        #expect(text.contains("\n  type: {const: usage}\n"))
        #expect(text.contains("response_size: {at: /response/size, is: integer"))
        #expect(text.contains("by: [response_status], windows: [day, month, all]"))
        #expect(!text.contains("at: /request/headers"))
    }

    @Test func recordsOfSeveralEventsAreTakenApart() throws {
        func event(_ number: Int) -> String {
            "{\"id\":\"e\(number)\",\"tenant\":\"t\(number % 3)\",\"bytes\":\(number)}"
        }
        let (lines, first) = try draft { "\(event($0 * 2))\n\(event($0 * 2 + 1))" }
        #expect(lines.contains("made of 200 events in its newest 100 records"))
        #expect(lines.contains("\nenvelope:\n  each: lines\n  id: /id\n"))
        #expect(first.envelope.each == .lines)
        let (array, second) = try draft { "[\(event($0 * 2)),\(event($0 * 2 + 1))]" }
        #expect(array.contains("\n  each: array\n  id: /id\n"))
        #expect(second.envelope.each != nil)
    }

    @Test func eventsInListsWithinListsAreTakenApart() throws {
        let (text, catalog) = try draft { index in
            let points = (0..<3).map { number in
                let at = Self.start + Int64(index)
                return #"{"ts":\#(at),"bytes":\#(index * number),"kind":"k\#(number)"}"#
            }.joined(separator: ",")
            return """
                {"tenant":"t\(index % 3)","sent":"now","groups":[{"host":"h\(index % 2)","points":[\(points)]},
                {"host":"idle"}]}
                """
        }
        #expect(text.contains("made of 300 events in its newest 100 records"))
        #expect(text.contains("\nenvelope:\n  each: [/groups, /points]\n"))
        #expect(text.contains("  # ? 100 entries have no such list inside"))
        #expect(text.contains("\n  subject: {in: record, at: /tenant}  # 3 different values"))
        #expect(text.contains("\n  time: {at: /ts, format: unix}"))
        #expect(text.contains("      host: {at: {in: /groups, at: /host}}\n"))
        #expect(text.contains("      bytes: {at: /bytes, is: integer, required: true}\n"))
        #expect(catalog.envelope.each == .arrays([["groups"], ["points"]]))
    }

    /// An order is one event, whatever its items have.
    @Test func whatIsAnEventItselfIsNotTakenApart() throws {
        let (text, catalog) = try draft { index in
            """
            {"id":"o\(index)","time":\(Self.start + Int64(index)),"shop":"s\(index % 3)",
            "items":[{"id":"i\(index)","time":\(Self.start),"n":1}]}
            """
        }
        #expect(catalog.envelope.each == nil)
        #expect(text.contains("\n  id: /id\n"))
    }

    @Test func headersHoldValuesToo() throws {
        let records = (0..<60).map { index in
            SampledRecord(
                value: Array("{\"id\":\"e\(index)\",\"ms\":\(index)}".utf8),
                headers: [
                    ("tenant-id", "t\(index % 4)"), ("zone", "z\(index % 2)"),
                    ("size", "\(index * 7)"), ("traceparent", "00-\(index % 2)"),
                    ("__id", "\(index % 2)"),
                ].map { ($0.0, Array($0.1.utf8)) })
        }
        let text = try #require(CatalogDraft(records, topic: "calls").text)
        #expect(text.contains("\n  subject: {header: tenant-id}  # 4 different values"))
        #expect(text.contains("      zone: {at: {header: zone}}\n"))
        #expect(
            text.contains(
                "      size: {at: {header: size}, is: integer, from: text, required: true}\n"))
        #expect(!text.contains("traceparent") && !text.contains("__id"))
        let catalog = try CatalogReader.check(files: [("draft", Array(text.utf8))])
        #expect(catalog.meters.contains { $0.name == "calls_size" })
    }

    @Test func recordsThatAreNoEventsAreNamedAndNotRead() {
        let records = [
            SampledRecord(value: nil), SampledRecord(value: [0, 0, 0, 0, 7, 1, 2]),
            SampledRecord(value: Array("[1]".utf8)), SampledRecord(value: Array("[]".utf8)),
            SampledRecord(value: Array("hello".utf8)),
        ]
        let draft = CatalogDraft(records, topic: "t")
        #expect(draft.text == nil)
        #expect(
            draft.notes.map { String($0.prefix(24)) } == [
                "1 of 5 records: null val", "2 of 5 records: several ",
                "1 of 5 records: a zero b", "1 of 5 records: no JSON ",
            ])
    }

    @Test func noValueOfTheSampleIsInTheText() throws {
        let (text, _) = try draft { index in
            """
            {"id":"secret\(index)","type":"t","user":"secret\(index % 3)","plan":"secret\(index % 2)",
            "amount":\(770_077 + index),"note":"secret \(index) \(index)"}
            """
        }
        #expect(!text.contains("secret"))
        #expect(!text.contains("7700"))
    }

    @Test func keysOfMapsAreDataAndNotInTheText() throws {
        let (text, _) = try draft { index in
            "{\"id\":\"e\(index)\",\"balances\":{\"user\(index)@example.com\":\(index)}}"
        }
        #expect(!text.contains("@example.com"))
    }

    /// Names of every kind of character, values of every kind: the text is always a catalog.
    @Test func everyDraftIsACatalog() throws {
        var random = SeededRandom(seed: 2_026)
        let names = [
            "id", "time", "type", "a/b", "a~b", "", "@timestamp", "ü", "\\u0001", "\\n", "x y",
            "\\\"q", "#", "- a", "{", "1", "true", "data", "subject", "userID", "Z", "a:b",
        ]
        func value(_ depth: Int) -> String {
            switch random.below(depth > 2 ? 6 : 8) {
            case 0: return "null"
            case 1: return random.below(2) == 0 ? "true" : "false"
            case 2: return "\(random.below(2_000_000_000_000))"
            case 3: return "\(Double(random.below(1_000_000)) / 1_000_000)"
            case 4: return "\"\(random.below(40))\""
            case 5: return "\"v\(random.below(1_000))\""
            case 6: return "[\(value(depth + 1))]"
            default: return object(depth + 1)
            }
        }
        func object(_ depth: Int) -> String {
            var members: Set<String> = []
            for _ in 0...random.below(6) { members.insert(names[random.below(names.count)]) }
            return "{" + members.sorted().map { "\"\($0)\":\(value(depth))" }.joined(separator: ",")
                + "}"
        }
        for number in 0..<300 {
            let shared = object(0)
            let records = (0..<20).map { _ in
                SampledRecord(
                    value: Array((random.below(3) == 0 ? object(0) : shared).utf8),
                    headers: random.below(2) == 0
                        ? [] : [(names[random.below(names.count)], Array("v".utf8))])
            }
            let text = try #require(CatalogDraft(records, topic: "t.\(number)").text)
            #expect(throws: Never.self, "\(text)") {
                try CatalogReader.check(files: [("draft", Array(text.utf8))])
            }
        }
    }
}
