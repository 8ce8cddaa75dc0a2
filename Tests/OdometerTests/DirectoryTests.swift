import Foundation
import Kafka
import Ledger
import Pipeline
import Printing
import TestSupport
import Testing

@testable import odometer

/// The directory topic, written and read back.
struct DirectoryTests {
    @Test func keysAreInjectiveAndReadBack() throws {
        for ids in [["a:b", "c"], ["a", "b:c"], ["a%3Ab", "c"], ["{ü} \n", "100%"]] {
            let key = try DirectoryKey(kind: .user, ids: ids)
            #expect(DirectoryKey(record: key.bytes) == key)
        }
        let first = try DirectoryKey(kind: .user, ids: ["a:b", "c"])
        #expect(String(decoding: first.bytes, as: UTF8.self) == "user:a%3Ab:c")
        let longID = "plan:" + String(repeating: "x", count: 257)
        for foreign in [
            "", "user:a", "plan:a:b", "user:a%:b", "thing:a", "user", "plan:", "user::b", longID,
        ] {
            #expect(DirectoryKey(record: Array(foreign.utf8)) == nil, "\(foreign)")
        }
        #expect(throws: CommandFailure.self) { try DirectoryKey(kind: .plan, ids: ["a", "b"]) }
        #expect(throws: CommandFailure.self) { try DirectoryKey(kind: .plan, ids: [""]) }
    }

    @Test func theLastRecordOfAnObjectWins() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("directory", partitions: 1)
        try cluster.createTopic("wide", partitions: 2)
        let kafka = ClientConfiguration(bootstrap: cluster.bootstrap)
        #expect(
            try DirectoryReader.read(kafka, topic: "directory", timeoutMilliseconds: 20_000).isEmpty
        )
        let writer = try DirectoryWriter(kafka, topic: "directory")
        let plan = try DirectoryKey(kind: .plan, ids: ["acme"])
        let user = try DirectoryKey(kind: .user, ids: ["acme", "u"])
        try writer.put(plan, Array(#"{"name":"free"}"#.utf8))
        try writer.put(user, Array(#"{"name":"Ada"}"#.utf8))
        try writer.put(plan, Array(#"{"name":"pro"}"#.utf8))
        try writer.put(user, nil)
        #expect(
            try writer.finish(timeoutMilliseconds: 20_000)?.map(\.offset) == [2, 3])
        let objects = try DirectoryReader.read(
            kafka, topic: "directory", timeoutMilliseconds: 20_000)
        #expect(objects.map(\.key) == [plan, user])
        #expect(objects.map(\.offset) == [2, 3])
        #expect(objects[0].value == Array(#"{"name":"pro"}"#.utf8))
        #expect(objects[1].value == nil)
        #expect(throws: KafkaError.self) { try DirectoryWriter(kafka, topic: "wide") }
    }

    @Test func aCredentialKeepsItsMembers() throws {
        var record = CredentialRecord(
            hash: "ab", prefix: "dakkio_a_", organization: "acme", dialects: ["overview"],
            role: "admin", createdAt: "2026-03-09T14:15:00Z")
        let text = String(decoding: try record.json, as: UTF8.self)
        #expect(!text.contains("expiresAt") && !text.contains("revokedAt"))
        #expect(record.state(at: 0) == "live")
        record.expiresAt = "2026-03-09T14:15:00Z"
        #expect(record.state(at: 1_773_065_699_999) == "live")
        #expect(record.state(at: 1_773_065_700_000) == "expired")
        record.revokedAt = "2026-03-09T14:15:00Z"
        let revoked = try record.json
        #expect(CredentialRecord.decode(revoked)?.state(at: 0) == "revoked")
        #expect(CredentialRecord.decode([]) == nil)
    }

    @Test func theShapesAreThoseOfTheSchemas() throws {
        for kind in DirectoryKey.Kind.allCases where kind != .credential {
            let text = try Checkout.bytes("schemas/directory/\(kind.rawValue).schema.json")
            let schema = try #require(JSONText.object(text))
            let properties = try #require(schema["properties"] as? [String: [String: Any]])
            let required = schema["required"] as? [String] ?? []
            var members: [String: DirectoryShape.Member] = [:]
            for (name, property) in properties {
                let types = property["type"] as? [String] ?? [property["type"] as? String ?? ""]
                members[name] = DirectoryShape.Member(
                    rule: try #require(Self.rule(types[0], property), "\(kind) \(name)"),
                    isRequired: required.contains(name), isNullable: types.contains("null"))
            }
            #expect(DirectoryShape.of(kind)?.members == members, "\(kind)")
        }
    }

    private static func rule(_ type: String, _ property: [String: Any]) -> DirectoryShape.Rule? {
        func number(_ name: String) -> Int? { (property[name] as? NSNumber)?.intValue }
        switch type {
        case "string" where property["pattern"] != nil: return .moment
        case "string":
            return number("maxLength").map { .text((number("minLength") ?? 0)...$0) }
        case "integer":
            guard let least = number("minimum"), let most = number("maximum") else { return nil }
            return .integer(Int64(least)...Int64(most))
        case "boolean": return .flag
        case "array":
            let items = property["items"] as? [String: Any]
            // What is in them is compared by Tests/Clients/check_limits.py.
            if items?["type"] as? String == "object" { return .limits }
            guard let count = number("maxItems"), items?["type"] as? String == "string",
                let length = (items?["maxLength"] as? NSNumber)?.intValue
            else { return nil }
            return .texts(count: count, length: length)
        default: return nil
        }
    }

    @Test func aProfileOfAnotherShapeIsRefusedWithItsMember() throws {
        func refusal(
            _ kind: DirectoryKey.Kind, _ ids: [String], _ json: String
        ) throws -> String? {
            let object = try #require(DirectoryObject(Array(json.utf8)))
            return DirectoryShape.refusal(
                of: object, under: try DirectoryKey(kind: kind, ids: ids))
        }
        #expect(try refusal(.organization, ["a"], #"{"name":"A","x":[1]}"#) == nil)
        #expect(try refusal(.plan, ["a"], #"{"name":"A","maxBuckets":null}"#) == nil)
        #expect(try refusal(.user, ["a", "u"], #"{"id":"u","org_id":"a"}"#) == nil)
        let limits = #"[{"meter":"calls","limit":1e6,"period":"billing","anchor":31}]"#
        #expect(try refusal(.plan, ["a"], #"{"name":"A","limits":\#(limits)}"#) == nil)
        for number in ["1000000.0", "1e6", "0", "-0", "9007199254740991", "2.5e1"] {
            #expect(try refusal(.plan, ["a"], #"{"name":"A","maxApiCalls":\#(number)}"#) == nil)
        }
        #expect(
            try refusal(.organization, ["a"], #"{"na\u006de":"A", "billingDay" : 2.8e1 }"#) == nil
        )
        let wrong: [(DirectoryKey.Kind, [String], String, String)] = [
            (.organization, ["a"], #"{"slug":"s"}"#, "name is missing"),
            (.organization, ["a"], #"{"name":null}"#, "name must be a text"),
            (.organization, ["a"], #"{"name":"A","slug":""}"#, "slug must be"),
            (.organization, ["a"], #"{"name":"A","billingDay":29}"#, "1 to 28"),
            (.organization, ["a"], #"{"name":"A","billingDay":true}"#, "billingDay"),
            (
                .organization, ["a"], #"{"name":"A","billingDay":1.5}"#,
                "billingDay must be an integer from 1 to 28, not 1.5"
            ),
            // Doubles would round these to integers.
            (
                .organization, ["a"], #"{"name":"A","billingDay":28.0000000000000000001}"#,
                "not 28.0"
            ),
            (.plan, ["a"], #"{"name":"A","maxBuckets":9007199254740990.9}"#, "maxBuckets"),
            (.plan, ["a"], #"{"name":"A","maxBuckets":9007199254740992}"#, "maxBuckets"),
            (.plan, ["a"], #"{"name":"A","maxApiCalls":1e400}"#, "maxApiCalls must be an integer"),
            (.plan, ["a"], #"{"name":"A","maxApiCalls":1e-400}"#, "not 1e-400"),
            (.plan, ["a"], #"{"name":"A","maxApiCalls":-1}"#, "maxApiCalls"),
            (.plan, ["a"], #"{"name":"A","maxApiCalls":"9"}"#, "or null"),
            (.user, ["a", "u"], #"{"id":"v"}"#, #"the key says "u""#),
            (.user, ["a", "u"], #"{"org_id":"b"}"#, #"the key says "a""#),
            (.user, ["a", "u"], #"{"roles":["x",1]}"#, "roles must be a list"),
            (.user, ["a", "u"], #"{"created_at":"yesterday"}"#, "created_at must be a time"),
            (.project, ["a", "p"], #"{"is_pinned":1}"#, "is_pinned must be true or false"),
            (.plan, ["a"], #"{"name":"A","limits":null}"#, "plan: limits must be a list"),
            (
                .organization, ["a"], #"{"name":"A","limits":[{"meter":"calls"}]}"#,
                "organization: limits[0]: limit is missing"
            ),
        ]
        for (kind, ids, json, word) in wrong {
            let said = try refusal(kind, ids, json)
            #expect(said?.contains(word) ?? false, "\(json): \(said ?? "nothing")")
        }
        let misspelt = try #require(DirectoryObject(Array(#"{"nam":"A","name":"A"}"#.utf8)))
        #expect(DirectoryShape.unknown(in: misspelt, of: .plan) == ["nam"])
    }
}
