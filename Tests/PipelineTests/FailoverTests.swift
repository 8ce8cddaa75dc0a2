import Foundation
import Kafka
import Ledger
import Pipeline
import Redis
import TestSupport
import Testing

/// A failover that moves the name and leaves the connections alone.
@Suite struct FailoverTests {
    /// A name that leads to one of several servers: a symbolic link to a socket.
    private struct Name {
        let path: String

        init(_ server: TestRedis) throws {
            path = server.directory + "/name"
            try lead(to: server)
        }

        func lead(to server: TestRedis) throws {
            let next = path + ".next"
            try FileManager.default.createSymbolicLink(
                atPath: next, withDestinationPath: server.socket)
            // In one step, as a change of a name is.
            #expect(rename(next, path) == 0)
        }
    }

    /// A server with the content of another one, which keeps running.
    private func copy(of server: TestRedis) throws -> TestRedis {
        var connection = try server.connect()
        try connection.command("SAVE")
        let other = try TestRedis()
        other.stop()
        try FileManager.default.copyItem(
            atPath: server.directory + "/dump.rdb", toPath: other.directory + "/dump.rdb")
        try other.start()
        return other
    }

    /// Lets a server live on as the replica of one that is out of reach; connections stay open.
    private func demote(_ server: TestRedis) throws {
        var connection = try server.connect()
        try connection.command("REPLICAOF", "127.0.0.1", "1")
    }

    /// Keys that a server threw away in an earlier life.
    private func evict(on server: TestRedis) throws {
        var connection = try server.connect()
        try connection.command("SET", "junk", "x")
        try connection.command("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
        try connection.command("EXPIRE", "junk", "10000")
        try connection.command("CONFIG", "SET", "maxmemory", "1")
        try connection.command("PING")
        #expect(try connection.command("GET", "junk") == .null)
        try connection.command("CONFIG", "SET", "maxmemory", "0")
        try connection.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    }

    @Test func aDemotedMasterIsLeftBusyAndIdleAlsoForOneThatEvictedBefore() throws {
        let first = try TestRedis()
        let name = try Name(first)
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 4)
        var configuration = try SupervisorTests.configuration(cluster, first)
        configuration.redis.address = .unixSocket(path: name.path)
        let events = EventLog()
        let supervisor = Supervisor(configuration) { events.take($0) }
        try supervisor.start()
        defer { supervisor.stop(deadlineMilliseconds: 15_000) }
        let recovery = RecoveryTests()
        try recovery.produce(0..<400, to: cluster)
        #expect(recovery.wait(for: 400, first))

        // Busy: commits are refused.
        let second = try copy(of: first)
        try evict(on: second)
        try demote(first)
        try recovery.produce(400..<800, to: cluster)
        #expect(SupervisorTests.wait { !events.messages("no-master").isEmpty })
        try name.lead(to: second)
        #expect(recovery.wait(for: 800, second), "tokens: \(recovery.tokens(second) ?? -1)")
        #expect(SupervisorTests.wait { supervisor.isReady }, "\(supervisor.trouble ?? "")")

        // Idle: only the look at the server can tell.
        let third = try copy(of: second)
        try demote(second)
        try name.lead(to: third)
        #expect(
            SupervisorTests.wait {
                guard var connection = try? third.connect(),
                    let clients = try? connection.command("CLIENT", "LIST").text
                else { return false }
                // Ours, and the lane's.
                return clients.split(separator: "\n").count >= 2
            })
        try recovery.produce(800..<1_000, to: cluster)
        #expect(recovery.wait(for: 1_000, third), "tokens: \(recovery.tokens(third) ?? -1)")
        #expect(SupervisorTests.wait { supervisor.isReady }, "\(supervisor.trouble ?? "")")
        #expect(supervisor.finalError == nil, "\(supervisor.finalError?.message ?? "")")
        // Said when it began and when it ended, not with every try.
        #expect(events.messages("no-master").count <= 4, "\(events.messages("no-master"))")
    }

    @Test func keysThatWentWhileNobodyCountedEndTheNextStart() throws {
        let redis = try TestRedis()
        let cluster = try MockCluster()
        try SupervisorTests.makeTopics(cluster, partitions: 1)
        let configuration = try SupervisorTests.configuration(cluster, redis)
        func start() throws {
            let supervisor = Supervisor(configuration) { _ in }
            try supervisor.start()
            supervisor.stop(deadlineMilliseconds: 15_000)
        }
        try start()
        try evict(on: redis)
        for _ in 0..<2 {
            let error = #expect(throws: PipelineError.self) { try start() }
            #expect(
                error?.code == .unfitServer
                    && error?.message.contains("thrown away 1 keys") ?? false)
        }
        var connection = try redis.connect()
        try connection.command("CONFIG", "RESETSTAT")
        try start()
    }
}
