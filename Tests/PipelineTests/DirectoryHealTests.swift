import Foundation
import Kafka
import Ledger
import Pipeline
import Redis
import TestSupport
import Testing

/// The directory while Redis forgets: a key that was revoked is revoked again.
@Suite struct DirectoryHealTests {
    private static let key = KeyLayout().credentialKey(hash: Array("c1".utf8))
    private static let profile = KeyLayout().profileKey(
        organization: Array("acme".utf8), kind: "organization", id: nil)

    private func write(_ key: String, _ value: String, to cluster: borrowing MockCluster) throws {
        let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
        _ = try producer.produce(
            topic: "usage-directory", partition: 0, key: Array(key.utf8), value: Array(value.utf8))
        #expect(producer.flush(timeoutMilliseconds: 10_000))
    }

    /// A field of an object in Redis; nil where there is none, or Redis is away.
    private func field(_ name: String, of key: [UInt8], _ redis: TestRedis) -> String? {
        guard var connection = try? redis.connect() else { return nil }
        return (try? connection.command([Array("HGET".utf8), key, Array(name.utf8)]))?.text
    }

    /// Revokes a key after a copy of Redis was made, lets Redis go back, and waits for the healing.
    private func check(goBack: (TestRedis) throws -> Void) throws {
        try RecoveryTests().withMachine { cluster, redis, _ in
            try write("credential:c1", #"{"revokedAt":null}"#, to: cluster)
            try write("organization:acme", #"{"name":"one"}"#, to: cluster)
            #expect(SupervisorTests.wait { field("name", of: Self.profile, redis) == #""one""# })
            #expect(field("revokedAt", of: Self.key, redis) == "null")
            var connection = try redis.connect()
            try connection.command("SAVE")
            try write("credential:c1", #"{"revokedAt":"now"}"#, to: cluster)
            #expect(SupervisorTests.wait { field("revokedAt", of: Self.key, redis) == #""now""# })
            try goBack(redis)
            // A later record must not carry the mark past what is missing.
            try write("organization:acme", #"{"name":"two"}"#, to: cluster)
            // The check interval of the mirror is 2 s; the rest is for a
            // machine that shares its processor.
            let isHealed = SupervisorTests.wait(8) {
                field("revokedAt", of: Self.key, redis) == #""now""#
            }
            #expect(isHealed, "\(field("revokedAt", of: Self.key, redis) ?? "gone")")
            #expect(SupervisorTests.wait { field("name", of: Self.profile, redis) == #""two""# })
        }
    }

    @Test func aRevokedKeyIsRevokedAgainAfterAnOlderCopy() throws {
        try check { redis in
            redis.stop()
            try redis.start()
        }
    }

    @Test func aRevokedKeyIsRevokedAgainWhenNoConnectionBroke() throws {
        try check { redis in
            var connection = try redis.connect()
            try connection.command("FLUSHALL")
        }
    }
}
