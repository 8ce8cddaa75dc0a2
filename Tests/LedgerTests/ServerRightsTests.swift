import Foundation
import Ledger
import Redis
import TestSupport
import Testing

extension Connection {
    /// How often the server has refused a user something.
    mutating func refusals() throws(RedisError) -> Int {
        try command("ACL", "LOG", "100").elements.reduce(0) {
            // An entry begins with the word "count" and its number.
            $0 + Int($1.elements.dropFirst().first?.integer ?? 0)
        }
    }
}

/// The one list of Redis commands, against the sources, the manual and a real server.
@Suite struct ServerRightsTests {
    @Test func theManualHasTheListOfTheCode() throws {
        let manual = try Checkout.text("docs/OPERATIONS.md")
        let lines = Set(manual.split(separator: "\n").map { String($0) })
        for line in ServerRights.table {
            #expect(lines.contains(line), "docs/OPERATIONS.md must have:\n\(line)")
        }
    }

    /// Every word of the sources that is one of Redis' commands is in the list.
    @Test func theListHasEveryCommandOfTheSources() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        let known = Set(
            try connection.command("COMMAND", "LIST").elements.compactMap {
                $0.text?.uppercased()
            })
        let listed = Set(
            (ServerRights.all() + ServerRights.cluster + ServerRights.split).flatMap {
                $0.split(separator: " ").map { String($0) }
            })
        // Words that are names of commands as well; entry, and what asks
        // no right; the demo's own server; what serves for SCRIPT LOAD.
        let other: Set<String> = ["AUTH", "HELLO", "PING", "READONLY", "ROLE", "KEYS", "EVAL"]
        let pattern = /["']([A-Z]{3,})["']/
        var found: Set<String> = []
        for room in ["Ledger", "Verify", "Pipeline", "Query", "Replay", "odometer"] {
            let folder = Checkout.root.appending(path: "Sources/\(room)")
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
            while let file = files?.nextObject() as? URL {
                guard file.pathExtension == "swift", !file.path.contains("/Demo/") else { continue }
                let text = try String(contentsOf: file, encoding: .utf8)
                for match in text.matches(of: pattern) { found.insert(String(match.1)) }
            }
        }
        #expect(found.contains("EVALSHA") && found.contains("HSCAN"))
        let missing = found.intersection(known).subtracting(listed).subtracting(other)
        #expect(missing.isEmpty, "not in ServerRights: \(missing.sorted())")
    }

    @Test func aUserOfThePrintedLineMayRunEverything() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        let line = ServerRights.aclLine(user: "odo", prefix: "t")
        let words = line.replacingOccurrences(of: ">PASSWORD", with: ">p").split(separator: " ")
        try connection.command(words.map { Array($0.utf8) })
        var configuration = server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        var limited = try Connection(configuration)
        let check = try ServerCheck(
            &limited, layout: KeyLayout(prefix: "t"), uses: ServerRights.Use.allCases)
        #expect(check.forbidden.isEmpty && check.unchecked.isEmpty, "\(check.unchecked)")
        #expect(check.fatalFindings.isEmpty)
    }

    @Test func aUserOfTheLineForAClusterMayRunEverythingThere() throws {
        let ledger = try ClusterLedger()
        let line = ServerRights.aclLine(user: "odo", prefix: "t", isCluster: true)
        let words = line.replacingOccurrences(of: ">PASSWORD", with: ">p").split(separator: " ")
        for node in ledger.cluster.masters {
            var connection = try node.connect()
            try connection.command(words.map { Array($0.utf8) })
        }
        let configuration = try RedisConfiguration(
            url: ledger.cluster.url.replacingOccurrences(of: "cluster://", with: "cluster://odo:p@")
        )
        var limited = try Connection(configuration)
        var refusals = ServerCheck.Refusals()
        let checks = try ServerChecks(
            configuration, &limited, layout: ledger.layout, uses: ServerRights.Use.allCases,
            refusals: &refusals)
        try checks.validate()
        #expect(checks.all.allSatisfy { $0.forbidden.isEmpty } && checks.unchecked.isEmpty)
        let status = try #require(try LedgerStatus.read(configuration, layout: ledger.layout))
        #expect(status.unread.isEmpty)
        var sample = MemorySample(layout: ledger.layout)
        try sample.look(configuration)
        for node in ledger.cluster.masters {
            var connection = try node.connect()
            #expect(try connection.refusals() == 0)
        }
    }

    /// Each refusal is a line in the server's log, so what was refused is not asked again.
    @Test func aUserWithoutRightsIsRefusedOnceAConnection() throws {
        let server = try TestRedis()
        var connection = try server.connect()
        try connection.command(
            "ACL", "SETUSER", "odo", "on", ">p", "~*", "+@all", "-acl", "-config", "-info", "-time")
        var configuration = server.configuration
        configuration.user = "odo"
        configuration.password = "p"
        var limited = try Connection(configuration)
        var refusals = ServerCheck.Refusals()
        func refused() throws -> Int {
            try connection.refusals()
        }
        for _ in 0..<3 {
            let check = try ServerCheck(
                &limited, layout: KeyLayout(), refusals: &refusals)
            #expect(
                Set(check.unchecked) == [
                    "access list", "clock", "maxmemory-policy", "evicted keys",
                ])
            // Who it is and which role it has needs no right.
            #expect(check.product.hasPrefix("Redis 7") && check.isReplica == false)
            #expect(try refused() == 4)
        }
    }

    @Test func bothWordingsOfAMissingRightAreTold() {
        for text in [
            "NOPERM User odo has no permissions to run the 'zincrby' command",
            "ERR The user executing the script can't run this command or subcommand",
            "ERR ACL failure in script: User odo has no permissions to run the 'zincrby' command",
        ] { #expect(RedisError(serverText: text).serverPrefix == "NOPERM", "\(text)") }
        #expect(RedisError.code(ofText: "ERR hash value is not an integer") == "ERR")
        #expect(RedisError(serverText: "READONLY You can't write").leavesServer)
        #expect(!RedisError(serverText: "OOM command not allowed").leavesServer)
    }

    /// A right that is taken away is the server's refusal, never a cell's.
    @Test func aRightTakenAwayRefusesTheCommit() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        var committer = try fixture.committer()
        for right in ["hget", "hincrby", "zincrby", "hset"] {
            try connection.command("ACL", "SETUSER", "default", "-\(right)")
            var arguments = fixture.begun()
            arguments.beginGroup(.score, key: fixture.key("z"))
            arguments.addEntry(member: "m", delta: 3)
            let outcome = committer.commit(&arguments)
            guard case .refused("NOPERM", _) = outcome else {
                Issue.record("-\(right): \(outcome)")
                continue
            }
            try connection.command("ACL", "SETUSER", "default", "+\(right)")
        }
        var arguments = fixture.begun()
        arguments.beginGroup(.score, key: fixture.key("z"))
        arguments.addEntry(member: "m", delta: 3)
        let outcome = committer.commit(&arguments)
        #expect(outcome == .applied(zerosLeft: 0))
    }
}
