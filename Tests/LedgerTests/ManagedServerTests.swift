import Redis
import TestSupport
import Testing

@testable import Ledger

/// Servers as services offer them: commands renamed or forbidden, and rights taken away.
@Suite struct ManagedServerTests {
    /// A connection of a user with all rights but these.
    private func connection(_ fixture: LedgerFixture, _ rules: String...) throws -> Connection {
        var administrator = try fixture.server.connect()
        try administrator.command(
            (["ACL", "SETUSER", "odo", "reset", "on", ">p", "~*", "+@all"] + rules).map {
                Array($0.utf8)
            })
        var configuration = fixture.server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        return try Connection(configuration)
    }

    private func check(
        _ fixture: LedgerFixture, _ connection: inout Connection
    ) throws -> ServerCheck {
        try ServerCheck(&connection, layout: fixture.layout)
    }

    private func finding(_ check: ServerCheck, _ name: String) -> Finding? {
        check.findings(refill: .complete).first { $0.check == name }
    }

    @Test func withoutCONFIGThePolicyIsInINFO() throws {
        let fixture = try LedgerFixture(["--rename-command", "CONFIG", ""])
        var connection = try fixture.server.connect()
        let check = try check(fixture, &connection)
        #expect(check.evictionPolicy == "noeviction")
        #expect(check.fatalFindings == [] && check.unchecked == [])
        // CONFIG is no advice here.
        let persistence = try #require(finding(check, "redis-persistence"))
        #expect(persistence.grade == .warning)
        #expect(persistence.message.contains("AOF is off"))
        let remedies = check.findings(refill: .complete).compactMap(\.remedy)
        #expect(!remedies.contains { $0.contains("CONFIG SET") || $0.contains("RESETSTAT") })
        #expect(check.evictionReset == "HDEL t:1:{dir}:ledger evicted")
    }

    @Test func anotherPolicyIsRefusedAlsoWithoutCONFIG() throws {
        let fixture = try LedgerFixture([
            "--rename-command", "CONFIG", "", "--maxmemory-policy", "volatile-lru",
        ])
        var connection = try fixture.server.connect()
        let refused = try #require(try check(fixture, &connection).fatalFindings.first)
        #expect(refused.contains("volatile-lru"))
    }

    @Test func aPolicyThatNobodySaysNeedsAPerson() throws {
        let fixture = try LedgerFixture(["--rename-command", "CONFIG", "hidden"])
        var limited = try connection(fixture, "-info")
        let refused = try check(fixture, &limited)
        #expect(throws: LedgerError.self) { try refused.validate() }
        #expect(refused.fatalFindings.count == 1)
        #expect(refused.fatalFindings[0].contains("--redis-eviction-checked"))
        let looked = try ServerCheck(
            &limited, layout: fixture.layout, isEvictionChecked: true)
        #expect(looked.fatalFindings == [])
        let told = try #require(finding(looked, "redis-eviction"))
        #expect(told.grade == .warning && told.message.contains("a person looked"))
    }

    /// Whether a dump is taken, as the server's kind decides it.
    @Test func aServerSaysWhetherItTakesDumps() throws {
        let sound = try LedgerFixture()
        var own = try sound.server.connect()
        #expect(try check(sound, &own).dumpRefusal == nil)
        #expect(try own.command("DBSIZE").integer == 0, "the sample leaves nothing")

        var denied = try connection(sound, "-restore")
        let limited = try check(sound, &denied)
        #expect(limited.dumpRefusal == "the Redis user may not run RESTORE")
        #expect(limited.fatalFindings == [])
        #expect(finding(limited, "redis-dumps")?.grade == .warning)
        // ACL DRYRUN tells it, and sees the right when it is back.
        #expect(try own.refusals() == 0)
        try own.command("ACL", "SETUSER", "odo", "+restore")
        #expect(try check(sound, &denied).dumpRefusal == nil)

        let renamed = try LedgerFixture(["--rename-command", "RESTORE", ""])
        var other = try renamed.server.connect()
        #expect(try check(renamed, &other).dumpRefusal == "the server has no RESTORE")
    }

    @Test func withoutACLADumpIsTriedOnceAConnection() throws {
        let fixture = try LedgerFixture()
        var administrator = try fixture.server.connect()
        var limited = try connection(fixture, "-acl", "-restore")
        var refusals = ServerCheck.Refusals()
        for _ in 0..<3 {
            let check = try ServerCheck(&limited, layout: fixture.layout, refusals: &refusals)
            #expect(check.dumpRefusal == "the Redis user may not run RESTORE")
        }
        // ACL WHOAMI and RESTORE.
        #expect(try administrator.refusals() == 2)
    }

    @Test func onlyAnErrorAboutDumpsRefusesThem() {
        func refusal(_ text: String) -> String? {
            ServerCheck.dumpRefusal(RedisError(serverText: text))
        }
        let format = "ERR DUMP payload version or checksum are wrong"
        #expect(refusal(format) == "the server refuses dumps of Redis 7.0 (\(format))")
        #expect(refusal("ERR Bad data format")?.contains("refuses dumps") == true)
        #expect(refusal("ERR unknown command 'RESTORE'") == "the server has no RESTORE")
        #expect(refusal("NOPERM no permissions") == "the Redis user may not run RESTORE")
        for text in [
            "OOM command not allowed when used memory > 'maxmemory'.", "READONLY no writes",
            "MISCONF no disk", "MOVED 1 a:1", "CLUSTERDOWN", "BUSYKEY Target key name exists",
        ] { #expect(refusal(text) == nil, "\(text)") }
    }

    /// What says nothing about dumps decides nothing.
    @Test func aServerThatTakesNoWritesSaysNothingAboutDumps() throws {
        let fixture = try LedgerFixture()
        var own = try fixture.server.connect()
        try own.command("REPLICAOF", "127.0.0.1", "1")
        #expect(try check(fixture, &own).dumpRefusal == nil)
    }

    @Test func aCommandThatTheServerDoesNotHaveIsNamed() throws {
        let fixture = try LedgerFixture(["--rename-command", "HINCRBY", ""])
        var own = try fixture.server.connect()
        let check = try check(fixture, &own)
        #expect(check.fatalFindings == ["this server has no command: HINCRBY"])
        try fixture.prepare()
        // Without a check the whole server refuses, and no cell is blamed.
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        arguments.beginGroup(.add, key: fixture.key("h"))
        arguments.addEntry(member: "f", delta: 1)
        let outcome = committer.commit(&arguments)
        guard case .refused("NOPERM", _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    /// The first call of a script brings its text, those behind it know its digest.
    @Test(arguments: ["-script", "-script|load"])
    func withoutSCRIPTTheTextComesByEVAL(_ rule: String) throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var administrator = try fixture.server.connect()
        var committer = try Committer(try connection(fixture, rule))
        func submit(from: Int64) {
            var arguments = fixture.begun(from: from, to: from + 10)
            arguments.beginGroup(.add, key: fixture.key("h"), expirySecond: fixture.later)
            arguments.addEntry(member: "f", delta: 1)
            committer.submit(&arguments, tag: Int(from))
        }
        func outcomes() -> [Int: CommitOutcome] {
            var found: [Int: CommitOutcome] = [:]
            while let result = committer.receive() { found[result.tag] = result.outcome }
            return found
        }
        let applied = CommitOutcome.applied(zerosLeft: 0)
        for from in [100, 110, 120] as [Int64] { submit(from: from) }
        #expect(outcomes() == [100: applied, 110: applied, 120: applied])
        try administrator.command("SCRIPT", "FLUSH")
        for from in [130, 140] as [Int64] { submit(from: from) }
        #expect(outcomes() == [130: applied, 140: applied])
        #expect(try administrator.command(["HGET", fixture.key("h"), "f"]).text == "5")
        let calls = try administrator.command("INFO", "commandstats").text ?? ""
        func count(_ command: String) -> Int? {
            let line = calls.split(whereSeparator: \.isNewline).first {
                $0.hasPrefix("cmdstat_\(command):calls=")
            }
            return line.flatMap { Int($0.drop { $0 != "=" }.dropFirst().prefix { $0 != "," }) }
        }
        // For the digest, and after each time that Redis did not know it.
        #expect(count("eval") == 3)

        var small = Script("#!lua\nreturn redis.call('HGET', KEYS[1], 'f')")
        var limited = try connection(fixture, rule)
        for _ in 0..<2 {
            let answer = try small.call(on: &limited, keys: [fixture.key("h")], arguments: [])
            #expect(answer.text == "5")
        }
    }

    @Test func withoutSCRIPTAndEVALTheRightIsNamed() throws {
        let fixture = try LedgerFixture()
        var limited = try connection(fixture, "-script", "-eval")
        #expect(
            try check(fixture, &limited).fatalFindings
                == ["the Redis user may not run: SCRIPT LOAD"])
        var script = Script("return 1")
        #expect(throws: RedisError.self) { try script.load(on: &limited) }
    }
}
