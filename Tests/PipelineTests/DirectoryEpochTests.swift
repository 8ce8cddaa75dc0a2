import Foundation
import Kafka
import Ledger
import Redis
import Synchronization
import TestSupport
import Testing

@testable import Pipeline

/// A directory topic that is another log than the one that was mirrored:
/// two clusters hold the two logs.
@Suite struct DirectoryEpochTests {
    private static let topic = "usage-directory"
    private static let layout = KeyLayout()

    private struct Redis {
        let server: TestRedis

        func fields(_ key: [UInt8]) throws -> [String: String] {
            var connection = try server.connect()
            return try connection.command([Array("HGETALL".utf8), key]).pairs
        }
        func credential(_ hash: String) throws -> [String: String] {
            try fields(layout.credentialKey(hash: Array(hash.utf8)))
        }
        func organization(_ id: String) throws -> [String: String] {
            try fields(
                layout.profileKey(
                    organization: Array(id.utf8), kind: "organization", id: nil))
        }
        func state() throws -> DirectoryState {
            var connection = try server.connect()
            return try DirectoryStore(layout: layout, topic: topic).state(on: &connection)
        }
        func forgetWitness() throws {
            var connection = try server.connect()
            try connection.command([
                Array("HDEL".utf8), layout.ledgerKey, Array("directory_witness:\(topic)".utf8),
            ])
        }
    }

    private func log(_ records: [(key: String, value: String)]) throws -> MockCluster {
        let cluster = try MockCluster()
        try cluster.createTopic(Self.topic, partitions: 1)
        let producer = try Producer(ClientConfiguration(bootstrap: cluster.bootstrap))
        for (key, value) in records {
            _ = try producer.produce(
                topic: Self.topic, partition: 0, key: Array(key.utf8), value: Array(value.utf8))
        }
        #expect(producer.flush(timeoutMilliseconds: 10_000))
        return cluster
    }

    private func configuration(
        _ cluster: borrowing MockCluster, _ redis: Redis
    ) throws -> PipelineConfiguration {
        PipelineConfiguration(
            client: ClientConfiguration(bootstrap: cluster.bootstrap),
            redis: redis.server.configuration, layout: Self.layout,
            catalog: try SupervisorTests.catalog())
    }

    /// Runs a mirror until the condition holds; what it said.
    private func mirror(
        _ cluster: borrowing MockCluster, _ redis: Redis,
        until condition: (DirectoryState) throws -> Bool
    ) throws -> [String] {
        let events = EventLog()
        let mirror = DirectoryMirror(
            configuration: try configuration(cluster, redis), topic: Self.topic,
            report: { events.take($0) })
        let thread = try WorkerThread { mirror.run() }
        defer {
            mirror.isStopping.store(true, ordering: .relaxed)
            #expect(thread.join(deadline: SteadyClock.milliseconds + 20_000))
        }
        let isReached = try SupervisorTests.wait {
            let state = try redis.state()
            return try condition(state) && mirror.trouble == nil
        }
        let state = try redis.state()
        #expect(
            isReached, "\(state) \(mirror.trouble ?? "") \(events.messages("directory"))")
        return events.messages("directory")
    }

    private static func filler(_ count: Int) -> [(key: String, value: String)] {
        (0..<count).map { (key: "organization:filler-\($0)", value: #"{"name":"f"}"#) }
    }

    /// Key `kept` is revoked and key `gone` absent in the new log; `acme` is gone, too.
    private func check(records: Int, forgetsWitness: Bool = false) throws {
        let redis = Redis(server: try TestRedis())
        let old = try log(
            Self.filler(3) + [
                ("credential:kept", #"{"revokedAt":null}"#),
                ("credential:gone", #"{"revokedAt":null}"#),
                ("organization:acme", #"{"name":"Acme"}"#), ("organization:both", #"{"name":"1"}"#),
            ])
        _ = try mirror(old, redis) { $0.mark == 7 }
        let first = try redis.state()
        #expect(first.epoch == 0 && first.witness?.offset == 6)
        #expect(try redis.credential("gone")["revokedAt"] == "null")
        #expect(try redis.credential("gone")["@epoch"] == nil)
        if forgetsWitness { try redis.forgetWitness() }

        let new = try log(
            [
                ("credential:kept", #"{"revokedAt":"now"}"#),
                ("organization:both", #"{"name":"2"}"#),
            ] + Self.filler(records - 2))
        let finding = Checkup.directory(try configuration(new, redis)).first
        if !forgetsWitness {
            #expect(finding?.grade == .error && finding?.message.contains("not the log") == true)
        }
        let said = try mirror(new, redis) { $0.epoch == 1 && $0.mark == Int64(records) }
        #expect(said.contains { $0.contains("is not the log that was mirrored") })
        let closed = ["@offset": "\(records - 1)", "@epoch": "1", "@deleted": "1"]
        #expect(try redis.credential("kept")["revokedAt"] == #""now""#)
        #expect(try redis.credential("gone") == closed)
        #expect(try redis.organization("acme") == closed)
        #expect(
            try redis.organization("both") == ["@offset": "1", "@epoch": "1", "name": #""2""#])
        #expect(Checkup.directory(try configuration(new, redis)).map(\.grade) == [.ok])
        // Once more: it is known now.
        let again = try mirror(new, redis) { $0.mark == Int64(records) }
        #expect(again.isEmpty)
        #expect(try redis.state().epoch == 1)
    }

    /// Others write to the topic, too: what has a wrong shape does not
    /// take the place of what is right.
    @Test func aRecordOfAWrongShapeIsRefusedCountedAndToldOnce() throws {
        let redis = Redis(server: try TestRedis())
        let wrong = (0..<5).map { (key: "organization:acme", value: "{\"name\":\($0)}") }
        let cluster = try log([("organization:acme", #"{"name":"Acme"}"#)] + wrong)
        var configuration = try configuration(cluster, redis)
        configuration.directoryRefusal = { key, value in
            value.contains(UInt8(ascii: "A"))
                ? nil : "\(String(decoding: key, as: UTF8.self)) is odd"
        }
        let events = EventLog()
        let mirror = DirectoryMirror(
            configuration: configuration, topic: Self.topic, report: { events.take($0) })
        let thread = try WorkerThread { mirror.run() }
        defer {
            mirror.isStopping.store(true, ordering: .relaxed)
            #expect(thread.join(deadline: SteadyClock.milliseconds + 20_000))
        }
        #expect(try SupervisorTests.wait { try redis.state().mark == 6 })
        #expect(try redis.organization("acme") == ["@offset": "0", "name": #""Acme""#])
        #expect(mirror.refusals.count == 5)
        #expect(
            events.messages("directory-record")
                == ["directory record at offset 1 is not mirrored: organization:acme is odd"])
    }

    private final class Clock: Sendable {
        let time = Atomic<Int64>(0)
    }

    @Test func refusalsAreToldOnceAMinuteWithTheirNumber() {
        let now = Clock()
        let refusals = DirectoryRefusals { now.time.load(ordering: .relaxed) }
        #expect(refusals.add(3, "odd") == "directory record at offset 3 is not mirrored: odd")
        #expect(refusals.add(4, "odd") == nil && refusals.add(5, "odd") == nil)
        now.time.store(DirectoryRefusals.interval, ordering: .relaxed)
        #expect(
            refusals.add(6, "odd")
                == "directory record at offset 6 is not mirrored: odd (and 2 others since the last line)"
        )
        #expect(refusals.count == 4)
    }

    @Test func anotherLogThatIsShorter() throws { try check(records: 3) }

    @Test func anotherLogThatIsAsLong() throws { try check(records: 7) }

    @Test func anotherLogThatIsLonger() throws { try check(records: 20) }

    @Test func anotherLogWhereNothingButTheObjectsBearsWitness() throws {
        try check(records: 20, forgetsWitness: true)
    }

    @Test func aMarkOfAnOlderBuildIsTakenOverAndGetsItsWitness() throws {
        let redis = Redis(server: try TestRedis())
        let cluster = try log(
            [("credential:k", #"{"revokedAt":null}"#), ("organization:acme", #"{"name":"A"}"#)])
        _ = try mirror(cluster, redis) { $0.mark == 2 }
        let before = try redis.state()
        try redis.forgetWitness()
        let said = try mirror(cluster, redis) { $0.witness != nil }
        #expect(said.isEmpty)
        #expect(before.epoch == 0)
        #expect(try redis.state() == before)
        #expect(try redis.credential("k")["revokedAt"] == "null")
    }

    /// It goes with the topic, so its absence tells that the topic was deleted
    /// (Tests/Clients/check_directory.py).
    @Test func theMirrorCommitsHowFarItIs() throws {
        let redis = Redis(server: try TestRedis())
        let cluster = try log([("credential:k", #"{"revokedAt":null}"#)])
        let log = try DirectoryLog(try configuration(cluster, redis), topic: Self.topic)
        _ = try mirror(cluster, redis) { $0.mark == 1 && log.hasCommit() == true }
    }

    @Test func theDoctorComparesTheDirectoryWithItsLog() throws {
        func grade(
            _ mark: Int64?, epoch: Int64 = 0, _ verdict: DirectoryLog.Verdict = .same
        ) -> Finding.Grade {
            Checkup.finding(
                "d", DirectoryState(mark: mark, witness: nil, epoch: epoch), verdict, end: 7
            ).grade
        }
        #expect(grade(7) == .ok && grade(7, epoch: 2) == .ok && grade(7, .unknown) == .ok)
        #expect(grade(6) == .warning)
        #expect(grade(nil, epoch: 1) == .error)
        #expect(grade(7, .other("x")) == .error && grade(9, .other("x")) == .error)
        let redis = Redis(server: try TestRedis())
        let cluster = try log([])
        #expect(Checkup.directory(try configuration(cluster, redis)).isEmpty)
    }
}
