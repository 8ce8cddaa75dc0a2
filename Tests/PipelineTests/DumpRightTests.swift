import Ledger
import Pipeline
import Redis
import TestSupport
import Testing

/// A machine whose Redis user may make keys of dumps, or may not: the numbers are the same.
@Suite struct DumpRightTests {
    /// How often RESTORE was called and done, by the server's own count.
    private func restores(_ connection: inout Connection) throws -> Int {
        let text = try connection.command("INFO", "commandstats").text ?? ""
        let line = text.split(whereSeparator: \.isNewline).first {
            $0.hasPrefix("cmdstat_restore:calls=")
        }
        return line.flatMap { Int($0.drop { $0 != "=" }.dropFirst().prefix { $0 != "," }) } ?? 0
    }

    /// `withoutDryRun`: whether only a dump itself can tell.
    @Test(arguments: [false, true])
    func theRightComesAndGoesWhileItCounts(withoutDryRun: Bool) throws {
        let events = EventLog()
        let recovery = RecoveryTests()
        try recovery.withMachine(lanes: 2, events: events) { cluster, redis, supervisor in
            var connection = try redis.connect()
            let first = try restores(&connection)
            #expect(first > 2, "keys were made of dumps")
            if withoutDryRun { try connection.command("ACL", "SETUSER", "default", "-acl|dryrun") }
            try connection.command("ACL", "SETUSER", "default", "-restore")
            try recovery.produce(400..<2_400, to: cluster)
            #expect(recovery.wait(for: 2_400, redis), "tokens: \(recovery.tokens(redis) ?? -1)")
            #expect(SupervisorTests.wait { supervisor.isReady }, "\(supervisor.trouble ?? "")")
            let isTold = SupervisorTests.wait(15) {
                events.messages("dumps").contains { $0.contains("may not run RESTORE") }
            }
            #expect(isTold, "\(events.messages("dumps"))")
            let denied = try restores(&connection)
            try recovery.produce(2_400..<3_000, to: cluster)
            #expect(recovery.wait(for: 3_000, redis))
            #expect(try restores(&connection) == denied, "none is made while it is forbidden")
            if withoutDryRun { return }
            try connection.command("ACL", "SETUSER", "default", "+restore")
            let isBack = SupervisorTests.wait(15) {
                events.messages("dumps").contains { $0.contains("again") }
            }
            #expect(isBack, "\(events.messages("dumps"))")
        }
        #expect(events.messages("unfit").isEmpty && events.messages("shard-aside").isEmpty)
    }
}
