import Kafka
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
        for foreign in ["", "user:a", "plan:a:b", "user:a%:b", "thing:a", "user"] {
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
        #expect(try writer.finish(timeoutMilliseconds: 20_000) == 3)
        let objects = try DirectoryReader.read(
            kafka, topic: "directory", timeoutMilliseconds: 20_000)
        #expect(objects.map(\.key) == [plan, user])
        #expect(objects.map(\.offset) == [2, 3])
        #expect(objects[0].value == Array(#"{"name":"pro"}"#.utf8))
        #expect(objects[1].value == nil)
        #expect(throws: CommandFailure.self) { try DirectoryWriter(kafka, topic: "wide") }
    }

    @Test func aCredentialKeepsItsMembers() throws {
        var record = CredentialRecord(
            hash: "ab", prefix: "dakkio_a_", organization: "acme", dialects: ["overview"],
            role: "admin", createdAt: "2026-03-09T14:15:00Z")
        let text = String(decoding: record.json, as: UTF8.self)
        #expect(!text.contains("expiresAt") && !text.contains("revokedAt"))
        #expect(record.state(at: 0) == "live")
        record.expiresAt = "2026-03-09T14:15:00Z"
        #expect(record.state(at: 1_773_065_699_999) == "live")
        #expect(record.state(at: 1_773_065_700_000) == "expired")
        record.revokedAt = "2026-03-09T14:15:00Z"
        #expect(CredentialRecord.decode(record.json)?.state(at: 0) == "revoked")
        #expect(CredentialRecord.decode([]) == nil)
    }
}
