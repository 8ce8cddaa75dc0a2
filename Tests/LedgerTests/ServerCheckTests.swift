import Foundation
import Redis
import TestSupport
import Testing

@testable import Ledger

/// What a server says of itself: its clock, the keys it threw away, its role.
@Suite struct ServerCheckTests {
    private func seconds(_ fixture: LedgerFixture) throws -> Int64 {
        var connection = try fixture.server.connect()
        return try connection.command("TIME").elements[0].integer ?? 0
    }

    @Test func aClockBeyondTheBoundRefusesACommitBeforeAnyCell() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        let before = try fixture.everything()
        let now = try seconds(fixture)
        var committer = try fixture.committer()
        func commit() -> CommitOutcome {
            var arguments = fixture.begun()
            arguments.beginGroup(.add, key: fixture.key("h"), expirySecond: fixture.later)
            arguments.addEntry(member: "f", delta: 1)
            return committer.commit(&arguments)
        }
        committer.latestSecond = now - 1
        guard case .refused(CommitOutcome.clockAhead, let message) = commit() else {
            Issue.record("not refused")
            return
        }
        #expect(Int64(message) ?? 0 >= now)
        #expect(try fixture.everything() == before)
        committer.latestSecond = now + 60
        #expect(commit() == .applied(zerosLeft: 0))
    }

    @Test func aUserWhoMayNotRunTIMECommitsWithoutBeingRefused() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        try connection.command("ACL", "SETUSER", "default", "-time")
        var committer = try Committer(fixture.server.connect(), readsClock: false)
        committer.latestSecond = 1
        var arguments = fixture.begun()
        let outcome = committer.commit(&arguments)
        #expect(outcome == .applied(zerosLeft: 0))
        #expect(try connection.refusals() == 0)
    }

    private func evict(_ connection: inout Connection) throws {
        for number in 0..<20 { try connection.command("SET", "junk\(number)", "x") }
        try connection.command("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        try connection.command("CONFIG", "SET", "maxmemory", "1")
        try connection.command("PING")
        try connection.command("CONFIG", "SET", "maxmemory", "0")
        try connection.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    }

    @Test func keysThrownAwayAreComparedWithinOneRunOfTheServer() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        // An earlier life: nothing of the ledger was in it.
        try evict(&connection)
        let key = fixture.layout.ledgerKey
        let first = try ServerCheck(&connection, layout: fixture.layout)
        #expect(first.evictedKeys ?? 0 > 0 && first.fatalFindings.isEmpty)
        try first.noteEvictions(on: &connection)
        #expect(try connection.command(["EXISTS", key]).integer == 0, "no ledger: nothing is left")
        try connection.command(["HSET", key, "layout", "1"])
        try first.noteEvictions(on: &connection)
        #expect(
            try connection.command(["HGET", key, "evicted"]).text
                == "\(first.runID ?? "") \(first.evictedKeys ?? 0)")
        // Nobody counted when the next ones went; the ledger itself is among them here.
        let note = try connection.command(["HGET", key, "evicted"]).bytes ?? []
        try evict(&connection)
        try connection.command(["HSET", key, "layout", "1", "evicted", note])
        let second = try ServerCheck(&connection, layout: fixture.layout)
        #expect(second.newlyEvicted > 0)
        #expect(second.fatalFindings.contains { $0.contains("has thrown away") })
        // It is told again until somebody has looked, not noted.
        try second.noteEvictions(on: &connection)
        #expect(try connection.command(["HGET", key, "evicted"]).bytes == note)
        // Another server with a counter of its own.
        try connection.command(["HSET", key, "evicted", "0123456789abcdef 0"])
        let other = try ServerCheck(&connection, layout: fixture.layout)
        #expect(other.fatalFindings.isEmpty && other.newlyEvicted == 0)
        try connection.command(["HSET", key, "evicted", note])
        try connection.command("CONFIG", "RESETSTAT")
        #expect(try ServerCheck(&connection, layout: fixture.layout).fatalFindings.isEmpty)
    }

    @Test func aReaderFollowsANameToTheNewMasterAndStaysWithAReplicaByChoice() {
        func answers(_ ages: [(isReplica: Bool, seconds: Int)]) -> [Bool] {
            var role = ServerRole()
            return ages.map {
                role.mustResolve(isReplica: $0.isReplica, age: .seconds($0.seconds))
            }
        }
        #expect(answers([(false, 3_600), (true, 4), (true, 5)]) == [false, false, true])
        #expect(answers([(true, 5), (true, 59), (true, 60)]) == [false, false, true])
    }

    /// The old master lives on as a replica with open connections;
    /// the name leads to another server.
    @Test func aDemotedMasterIsLeftByReaders() throws {
        let (old, new) = (try TestRedis(), try TestRedis())
        let name = old.directory + "/name"
        let layout = KeyLayout(prefix: "t")
        for (server, count) in [(old, "1"), (new, "2")] {
            var connection = try server.connect()
            try connection.command([
                "HSET", layout.ledgerKey, "layout", "1", "shards", "256", "directory:d", "1",
            ])
            try connection.command([
                "HSET",
                layout.profileKey(
                    organization: "acme", kind: "plan", id: nil), "name", Array(count.utf8),
            ])
        }
        let files = FileManager.default
        try files.createSymbolicLink(atPath: name, withDestinationPath: old.socket)
        let reader = CellReader(
            configuration: RedisConfiguration(address: .unixSocket(path: name)), layout: layout)
        func read() throws -> [[UInt8]?]? {
            try reader.directoryMembers(
                layout.profileKey(organization: "acme", kind: "plan", id: nil), ["name"],
                deadline: .now + .seconds(5))
        }
        #expect(try read() == [Array("1".utf8)])
        try files.removeItem(atPath: name)
        try files.createSymbolicLink(atPath: name, withDestinationPath: new.socket)
        var connection = try old.connect()
        try connection.command("REPLICAOF", "127.0.0.1", "1")
        let deadline = Date().addingTimeInterval(30)
        while try read() != [Array("2".utf8)] {
            guard Date() < deadline else {
                Issue.record("still reads the old server")
                return
            }
            usleep(100_000)
        }
    }
}
