import Foundation
import Ledger
import Redis
import Testing

/// Commits that Redis refuses, as a whole or in one cell: nothing of them may be left.
@Suite struct CommitRefusalTests {
    /// Commits cells of every kind around one cell that cannot be changed, and checks that all is as before.
    func refusal(
        _ fixture: LedgerFixture, kind: CommitArguments.Kind, key: String, field: String,
        value: String = ""
    ) throws -> RefusedCell? {
        var committer = try fixture.committer()
        let before = try fixture.everything()
        var arguments = fixture.begun()
        arguments.addAudit(field: "usage/0:delivered", delta: 10)
        for name in ["old", "new"] {
            arguments.beginGroup(.add, key: fixture.key(name + "h"), expiry: fixture.later)
            arguments.addEntry(field: "there", delta: 5)
            arguments.addEntry(field: "gone", delta: -3)
            arguments.addEntry(field: "ends", delta: -10)
            arguments.beginGroup(.score, key: fixture.key(name + "z"), expiry: fixture.later)
            arguments.addEntry(field: "there", delta: 5)
            arguments.addEntry(field: "gone", delta: -3)
            arguments.addScores(
                key: fixture.key(name + "s"), expiry: fixture.later, [("there", 5), ("gone", 3)])
            arguments.addScores(key: fixture.key(name + "m"), [("there", 5), ("gone", 3)])
            arguments.beginGroup(.maximum, key: fixture.key(name + "x"), expiry: fixture.later)
            arguments.addEntry(field: "there", value: "99999999999999999999")
            arguments.addEntry(field: "gone", value: "99999999999999999999")
            arguments.beginGroup(.distinct, key: fixture.key(name + "p"), expiry: fixture.later)
            arguments.addMember("same")
        }
        arguments.beginGroup(kind, key: fixture.key(key))
        switch kind {
        case .add, .score:
            arguments.addEntry(field: "fine", delta: 1)
            arguments.addEntry(field: Array(field.utf8), delta: Int64(value) ?? 0)
        case .distinct: arguments.addMember(Array(field.utf8))
        default: arguments.addEntry(field: Array(field.utf8), value: Array(value.utf8))
        }
        arguments.beginGroup(.add, key: fixture.key("after"))
        arguments.addEntry(field: "a", delta: 1)
        let outcome = committer.commit(&arguments)
        #expect(try fixture.everything() == before)
        guard case .cellRefused(let cell) = outcome else {
            Issue.record("outcome \(outcome)")
            return nil
        }
        #expect(cell.key == fixture.key(key))
        #expect(cell.kind == kind)
        return cell
    }

    /// A ledger with cells of every kind, some of them about to be changed.
    func filled(_ options: [String] = []) throws -> LedgerFixture {
        let fixture = try LedgerFixture(options)
        try fixture.prepare()
        var committer = try fixture.committer()
        var arguments = fixture.begun(from: 100, to: 100)
        arguments.beginGroup(.add, key: fixture.key("oldh"), expiry: fixture.later)
        arguments.addEntry(field: "there", delta: 1)
        arguments.addEntry(field: "ends", delta: 10)
        arguments.beginGroup(.score, key: fixture.key("oldz"), expiry: fixture.later)
        arguments.addEntry(field: "there", delta: 1)
        arguments.beginGroup(.score, key: fixture.key("olds"), expiry: fixture.later)
        arguments.addEntry(field: "there", delta: 1)
        arguments.addEntry(field: "other", delta: 7)
        // Too many beside two: these are added one by one.
        arguments.addScores(
            key: fixture.key("oldm"), (0..<12).map { ("m\($0)", 1) } + [("there", 4)])
        arguments.beginGroup(.maximum, key: fixture.key("oldx"))
        arguments.addEntry(field: "there", value: "00000000000000000001")
        arguments.beginGroup(.distinct, key: fixture.key("oldp"))
        arguments.addMember("same")
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        return fixture
    }

    @Test(arguments: CommitArguments.Kind.allCases)
    func aKeyOfAnotherType(kind: CommitArguments.Kind) throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        try connection.command(["SET", fixture.key("bad"), "text"])
        let cell = try refusal(
            fixture, kind: kind, key: "bad", field: "f", value: "00000000000000000001:")
        #expect(cell?.error.hasPrefix("WRONGTYPE") == true)
    }

    @Test func anEmptyStringIsNoHyperLogLog() throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        try connection.command(["SET", fixture.key("bad"), ""])
        #expect(try refusal(fixture, kind: .distinct, key: "bad", field: "f") != nil)
    }

    @Test func aBrokenHyperLogLogIsFoundLate() throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        try connection.command(["SET", fixture.key("bad"), "HYLL but broken"])
        let cell = try refusal(fixture, kind: .distinct, key: "bad", field: "f")
        #expect(cell?.field == "f" && cell?.value == "f")
    }

    @Test func anOverflowInTheMiddle() throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("bad"), "f", "9223372036854775800"])
        let cell = try refusal(
            fixture, kind: .add, key: "bad", field: "f", value: "9007199254740993")
        #expect(cell?.field == "f" && cell?.value == "9007199254740993")
        #expect(cell?.error == "ERR increment or decrement would overflow")
    }

    @Test func textInACounter() throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("bad"), "f", "many"])
        let cell = try refusal(fixture, kind: .add, key: "bad", field: "f", value: "1")
        #expect(cell?.error == "ERR hash value is not an integer")
        #expect(cell?.field == "f" && cell?.value == "1")
    }

    @Test func textInTheAuditUndoesAll() throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.auditKey, "usage/0:delivered", "x", "kept", "5"])
        var committer = try fixture.committer()
        let before = try fixture.everything()
        var arguments = fixture.begun()
        arguments.addAudit(field: "kept", delta: 1)
        arguments.addAudit(field: "usage/0:delivered", delta: 1)
        arguments.beginGroup(.add, key: fixture.key("oldh"))
        arguments.addEntry(field: "there", delta: 1)
        guard case .cellRefused(let cell) = committer.commit(&arguments) else {
            Issue.record("not refused")
            return
        }
        #expect(cell.key == fixture.auditKey && cell.field == "usage/0:delivered")
        #expect(try fixture.everything() == before)
    }

    @Test func noExtremeInAnExtreme() throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("bad"), "f", "12"])
        for kind in [CommitArguments.Kind.minimum, .maximum, .first, .last] {
            let value = kind == .minimum || kind == .maximum ? "0" : "0:x"
            let cell = try refusal(
                fixture, kind: kind, key: "bad", field: "f",
                value: String(repeating: "0", count: 19) + value)
            #expect(cell?.error == "ERR cell holds no extreme")
        }
    }

    @Test func scoresStayBelowTheLimitOfDoubles() throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        let limit: Int64 = 1 << 53
        for (score, delta) in [(limit - 1, 1), (limit - 1, limit - 2), (1 - limit, -2), (5, limit)]
        {
            try connection.command(["ZADD", fixture.key("bad"), Array(String(score).utf8), "f"])
            let cell = try refusal(
                fixture, kind: .score, key: "bad", field: "f", value: String(delta))
            #expect(cell?.field == "f")
        }
        try connection.command(["ZADD", fixture.key("bad"), "9007199254740990", "f"])
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        arguments.beginGroup(.score, key: fixture.key("bad"))
        arguments.addEntry(field: "f", delta: 1)
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        #expect(try fixture.everything()[fixture.name("bad")]?["f"] == "9007199254740991")
    }

    @Test func aScoreOfASetThatWouldPassTheLimit() throws {
        let fixture = try filled()
        var connection = try fixture.server.connect()
        let least = String((1 << 53) - 2)
        try connection.command(["ZADD", fixture.key("bad"), Array(least.utf8), "f", "1", "a"])
        var committer = try fixture.committer()
        let before = try fixture.everything()
        for (delta, isApplied) in [(2, false), (1, true)] as [(Int64, Bool)] {
            var arguments = fixture.begun()
            arguments.addScores(
                key: fixture.key("olds"), expiry: fixture.later, [("there", 1), ("new", 2)])
            arguments.addScores(key: fixture.key("bad"), [("a", 5), ("f", delta), ("g", 1)])
            let outcome = committer.commit(&arguments)
            guard !isApplied else {
                #expect(outcome == .applied(zerosLeft: 0))
                continue
            }
            guard case .cellRefused(let cell) = outcome else {
                Issue.record("outcome \(outcome)")
                return
            }
            #expect(cell.key == fixture.key("bad") && cell.kind == .score)
            #expect(cell.field == "f" && cell.value == "2")
            #expect(try fixture.everything() == before)
        }
        #expect(try fixture.everything()[fixture.name("bad")]?["f"] == String((1 << 53) - 1))
    }

    @Test func anAccessListThatForbidsOneCommand() throws {
        let fixture = try filled()
        var administrator = try fixture.server.connect()
        var configuration = fixture.server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        let before = try fixture.everything()
        for command in [
            "hincrby", "zincrby", "zscore", "pfadd", "expireat", "hget", "getrange", "zrange",
            "zcard", "hset", "hmget",
            "restore", "zunionstore", "pexpiretime", "pexpireat",
        ] {
            try administrator.command("ACL", "SETUSER", "odo", "reset", "on", ">p", "~*", "+@all")
            var committer = try Committer(Connection(configuration))
            try administrator.command("ACL", "SETUSER", "odo", "-\(command)")
            var arguments = fixture.begun()
            arguments.addAudit(field: "usage/0:delivered", delta: 1)
            arguments.beginGroup(.add, key: fixture.key("oldh"), expiry: fixture.later)
            arguments.addEntry(field: "there", delta: 1)
            arguments.beginGroup(.add, key: fixture.key("newh"), expiry: fixture.later)
            arguments.addEntry(field: "there", delta: 1)
            // United first: then it must be taken back where the increment of the next group is refused.
            arguments.addScores(
                key: fixture.key("olds"), expiry: fixture.later, [("there", 1), ("new", 2)])
            arguments.beginGroup(.score, key: fixture.key("newz"), expiry: fixture.later)
            arguments.addEntry(field: "there", delta: 1)
            arguments.beginGroup(.distinct, key: fixture.key("newp"), expiry: fixture.later)
            arguments.addMember("m")
            let outcome = committer.commit(&arguments)
            guard case .refused("NOPERM", _) = outcome else {
                Issue.record("\(command): \(outcome)")
                continue
            }
            #expect(try fixture.everything() == before, "\(command)")
        }
    }

    @Test func aFailedUndoLeavesTheMarker() throws {
        let fixture = try filled()
        var administrator = try fixture.server.connect()
        var configuration = fixture.server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        try administrator.command("ACL", "SETUSER", "odo", "reset", "on", ">p", "~*", "+@all")
        var committer = try Committer(Connection(configuration))
        try administrator.command("ACL", "SETUSER", "odo", "-hdel", "-zincrby")
        var arguments = fixture.begun()
        arguments.beginGroup(.add, key: fixture.key("oldh"))
        arguments.addEntry(field: "a", delta: 1)
        arguments.beginGroup(.score, key: fixture.key("newz"))
        arguments.addEntry(field: "a", delta: 1)
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
        let fixture = try filled()
        var administrator = try fixture.server.connect()
        try administrator.command("CONFIG", "SET", "maxmemory", "1")
        var committer = try fixture.committer()
        let before = try fixture.everything()
        func commit() -> CommitOutcome {
            var arguments = fixture.begun()
            arguments.beginGroup(.add, key: fixture.key("oldh"))
            arguments.addEntry(field: "there", delta: 1)
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
        let fixture = try filled()
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
