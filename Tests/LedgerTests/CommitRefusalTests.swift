import Foundation
import Ledger
import Redis
import TestSupport
import Testing

/// Commits that Redis refuses as a whole: nothing of them may be left.
@Suite struct CommitRefusalTests {
    @Test func textInTheAuditUndoesAll() throws {
        let fixture = try LedgerFixture.filled()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.auditKey, "usage/0:delivered", "x", "kept", "5"])
        var committer = try fixture.committer()
        let before = try fixture.everything()
        var arguments = fixture.begun()
        arguments.addAudit(member: "kept", delta: 1)
        arguments.addAudit(member: "usage/0:delivered", delta: 1)
        arguments.beginGroup(.add, key: fixture.key("oldh"))
        arguments.addEntry(member: "there", delta: 1)
        guard case .cellRefused(let cell) = committer.commit(&arguments) else {
            Issue.record("not refused")
            return
        }
        #expect(cell.key == fixture.auditKey && cell.member == "usage/0:delivered")
        #expect(try fixture.everything() == before)
    }

    /// A committer whose user loses these commands once it is connected.
    private func committer(
        of fixture: LedgerFixture, losing commands: [String]
    ) throws -> Committer {
        var administrator = try fixture.server.connect()
        var configuration = fixture.server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        try administrator.command("ACL", "SETUSER", "odo", "reset", "on", ">p", "~*", "+@all")
        let committer = try Committer(Connection(configuration))
        for command in commands {
            try administrator.command("ACL", "SETUSER", "odo", "-\(command)")
        }
        return committer
    }

    @Test func anAccessListThatForbidsOneCommand() throws {
        let fixture = try LedgerFixture.filled()
        let before = try fixture.everything()
        for command in [
            "hincrby", "zincrby", "zscore", "pfadd", "expireat", "hget", "getrange", "zrange",
            "zcard", "hset", "hmget",
            "restore", "zunionstore", "pexpiretime", "pexpireat",
        ] {
            var committer = try committer(of: fixture, losing: [command])
            var arguments = fixture.begun()
            arguments.addAudit(member: "usage/0:delivered", delta: 1)
            arguments.beginGroup(.add, key: fixture.key("oldh"), expirySecond: fixture.later)
            arguments.addEntry(member: "there", delta: 1)
            arguments.beginGroup(.add, key: fixture.key("newh"), expirySecond: fixture.later)
            arguments.addEntry(member: "there", delta: 1)
            // United first: then it must be taken back where the
            // increment of the next group is refused.
            arguments.addScores(
                key: fixture.key("olds"), expirySecond: fixture.later, [("there", 1), ("new", 2)])
            arguments.beginGroup(.score, key: fixture.key("newz"), expirySecond: fixture.later)
            arguments.addEntry(member: "there", delta: 1)
            arguments.beginGroup(.distinct, key: fixture.key("newp"), expirySecond: fixture.later)
            arguments.addDistinct("m")
            let outcome = committer.commit(&arguments)
            guard case .refused("NOPERM", _) = outcome else {
                Issue.record("\(command): \(outcome)")
                continue
            }
            #expect(try fixture.everything() == before, "\(command)")
        }
    }

    /// Increments without an expiry do not look whether their key is there;
    /// an extreme of the same key does.
    @Test func aNewKeyOfTwoGroupsIsGoneAgain() throws {
        let fixture = try LedgerFixture.filled()
        var committer = try committer(of: fixture, losing: ["expireat"])
        let before = try fixture.everything()
        for isExtremeFirst in [false, true] {
            var arguments = fixture.begun()
            for isExtreme in [isExtremeFirst, !isExtremeFirst] {
                arguments.beginGroup(isExtreme ? .maximum : .add, key: fixture.key("both"))
                if isExtreme {
                    let value = Array("00000000000000000007".utf8)
                    arguments.addEntry(member: Array("top".utf8), value: value)
                } else {
                    arguments.addEntry(member: "there", delta: 3)
                }
            }
            arguments.beginGroup(.distinct, key: fixture.key("newp"), expirySecond: fixture.later)
            arguments.addDistinct("m")
            guard case .refused("NOPERM", _) = committer.commit(&arguments) else {
                Issue.record("not refused")
                return
            }
            #expect(try fixture.everything() == before)
        }
    }

    @Test func aFailedUndoLeavesTheMarker() throws {
        let fixture = try LedgerFixture.filled()
        var committer = try committer(of: fixture, losing: ["hdel", "zincrby"])
        var arguments = fixture.begun()
        arguments.beginGroup(.add, key: fixture.key("oldh"))
        arguments.addEntry(member: "a", delta: 1)
        arguments.beginGroup(.score, key: fixture.key("newz"))
        arguments.addEntry(member: "a", delta: 1)
        guard case .torn(let reason) = committer.commit(&arguments) else {
            Issue.record("not torn")
            return
        }
        #expect(reason.hasPrefix("undo failed"))
        #expect(try fixture.everything()[fixture.text(fixture.marksKey)]?["!torn"] == reason)
        var next = fixture.begun()
        #expect(committer.commit(&next) == .torn(reason))
    }

    @Test func aFullServerChangesNothing() throws {
        let fixture = try LedgerFixture.filled()
        var administrator = try fixture.server.connect()
        try administrator.command("CONFIG", "SET", "maxmemory", "1")
        var committer = try fixture.committer()
        let before = try fixture.everything()
        func commit() -> CommitOutcome {
            var arguments = fixture.begun()
            arguments.beginGroup(.add, key: fixture.key("oldh"))
            arguments.addEntry(member: "there", delta: 1)
            return committer.commit(&arguments)
        }
        guard case .refused("OOM", _) = commit() else {
            Issue.record("not refused")
            return
        }
        #expect(try fixture.everything() == before)
        try administrator.command("CONFIG", "SET", "maxmemory", "0")
        #expect(commit() == .applied(zerosLeft: 0))
    }

    @Test func aServerWithoutReplicasRefuses() throws {
        let fixture = try LedgerFixture.filled()
        var administrator = try fixture.server.connect()
        try administrator.command("CONFIG", "SET", "min-replicas-to-write", "1")
        var committer = try fixture.committer()
        let before = try fixture.everything()
        var arguments = fixture.begun()
        guard case .refused("NOREPLICAS", _) = committer.commit(&arguments) else {
            Issue.record("not refused")
            return
        }
        #expect(try fixture.everything() == before)
    }

    /// What was parked in a call is taken back with the rest of it.
    @Test func aServerThatRefusesTakesBackWhatWasParked() throws {
        let fixture = try LedgerFixture.filled()
        var administrator = try fixture.server.connect()
        try administrator.command(["HSET", fixture.key("bad"), "f", "many", "g", "1"])
        try administrator.command(["SET", fixture.key("text"), "text"])
        var configuration = fixture.server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        try administrator.command("ACL", "SETUSER", "odo", "reset", "on", ">p", "~*", "+@all")
        var committer = try Committer(Connection(configuration))
        func commit() -> CommitOutcome {
            var arguments = fixture.begun()
            arguments.beginGroup(.add, key: fixture.key("bad"))
            arguments.addEntry(member: "f", delta: 1)
            arguments.addEntry(member: "g", delta: 1)
            arguments.beginGroup(.distinct, key: fixture.key("text"))
            arguments.addDistinct("m")
            return committer.commit(&arguments)
        }
        // The members are parked last, and then may not be counted.
        let before = try fixture.everything()
        try administrator.command("ACL", "SETUSER", "odo", "-pfadd")
        guard case .refused("NOPERM", _) = commit() else {
            Issue.record("not refused")
            return
        }
        #expect(try fixture.everything() == before)
        try administrator.command("ACL", "SETUSER", "odo", "+pfadd")
        #expect(commit() == .applied(zerosLeft: 0))
        #expect(try fixture.parked()["H 0 \(fixture.name("bad")) f"] == "1")
    }

    @Test func aParkedHashOfAnotherTypeRefusesAndUndoesAll() throws {
        let fixture = try LedgerFixture.filled()
        var connection = try fixture.server.connect()
        try connection.command(["SET", fixture.layout.parkedKey(shard: 3), "text"])
        try connection.command(["HSET", fixture.key("bad"), "f", "many"])
        let before = try fixture.everything()
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        arguments.beginGroup(.add, key: fixture.key("oldh"))
        arguments.addEntry(member: "there", delta: 1)
        arguments.beginGroup(.add, key: fixture.key("bad"))
        arguments.addEntry(member: "f", delta: 1)
        guard case .cellRefused(let cell) = committer.commit(&arguments) else {
            Issue.record("not refused")
            return
        }
        #expect(cell.key == fixture.layout.parkedKey(shard: 3))
        #expect(try fixture.everything() == before)
        #expect(try !RefusalProbe.wouldPass(cell, on: &connection))
        try connection.command(["DEL", cell.key])
        #expect(try RefusalProbe.wouldPass(cell, on: &connection))
    }

    @Test func marksOfAnotherTypeAreARefusedCell() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        try connection.command(["SET", fixture.marksKey, "x"])
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        guard case .cellRefused(let cell) = committer.commit(&arguments) else {
            Issue.record("not refused")
            return
        }
        #expect(cell.key == fixture.marksKey)
    }
}
