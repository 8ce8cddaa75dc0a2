import Foundation
import Redis
import Testing
import Verify
import Workload

@Suite(.serialized) struct VerificationTests {
    @Test func aLedgerThatIsRightIsEqualAndEveryFaultIsFound() throws {
        var world = try HandWrittenLedger.make(events: 3_000)
        let report = try Verification.run(world.configuration)
        #expect(report.ending == .equal, "\(report.differences)")
        #expect(report.exitCode == 0)
        #expect(report.records == 3_000)
        #expect(report.keys > 1_000 && report.cells > report.keys / 2)
        #expect(report.outcomes.allSatisfy { $0.name == "late" || $0.count > 0 })
        #expect(try world.connection.command("KEYS", "odo:verify:*").elements.isEmpty)

        try breakCells(&world)
        let broken = try Verification.run(world.configuration)
        #expect(broken.ending == .different && broken.exitCode == 1)
        let found = Set(broken.differences.map { "\($0.kind) \($0.key) \($0.member ?? "")" })
        let hash = text(world.hash)
        let sortedSet = text(world.sortedSet)
        let distinct = text(world.distinct)
        let expected = Set([
            "extra \(hash) intruder", "different \(hash) ", "different \(distinct) ",
            "extra \(sortedSet) nobody", "extra odo:1:{0}:nobody:totals ",
            "audit odo:1:{9}:audit usage/1:delivered",
            "audit odo:1:{9}:audit usage/1:delivered+gaps+lost",
        ])
        #expect(found == expected)
        #expect((broken.missing, broken.extra, broken.different, broken.audit) == (0, 3, 2, 2))
    }

    private func breakCells(_ world: inout HandWrittenLedger) throws {
        try world.connection.command(
            [Array("HSET".utf8), world.hash, Array("intruder".utf8), Array("1".utf8)])
        try world.connection.command(
            [Array("EXPIREAT".utf8), world.hash, Array("9999999999".utf8)])
        try world.connection.command(
            [Array("ZADD".utf8), world.sortedSet, Array("1".utf8), Array("nobody".utf8)])
        try world.connection.command(
            [Array("PFADD".utf8), world.distinct] + (0..<50).map { Array("x\($0)".utf8) })
        try world.connection.command("HSET", "odo:1:{0}:nobody:totals", "api_calls", "1")
        try world.connection.command("HINCRBY", "odo:1:{9}:audit", "usage/1:delivered", "1")
    }

    @Test func whatIsMissingOrOfAnotherTypeIsFound() throws {
        var world = try HandWrittenLedger.make(events: 500)
        try world.connection.command([Array("DEL".utf8), world.hash])
        try world.connection.command([Array("DEL".utf8), world.distinct])
        try world.connection.command([Array("SET".utf8), world.sortedSet, Array("1".utf8)])
        let report = try Verification.run(world.configuration)
        #expect(report.missing >= 2 && report.extra == 0 && report.different == 1)
        #expect(report.differences.contains { $0.kind == .missing && $0.key == text(world.hash) })
        #expect(
            report.differences.contains { $0.kind == .missing && $0.key == text(world.distinct) })
    }

    @Test func aLedgerOfAnotherCatalogIsRefusedAndNotCompared() throws {
        var world = try HandWrittenLedger.make(events: 50)
        try world.connection.command(
            "HSET", "odo:1:{dir}:ledger", "contract", "layout 1\nmeter kong_requests 0123\n")
        let error = #expect(throws: VerifyError.self) { try Verification.run(world.configuration) }
        #expect(error?.code == .catalog && error?.message.contains("kong_requests") == true)
    }

    @Test func aMeterThatWasAddedLaterIsNotCompared() throws {
        var world = try HandWrittenLedger.make(events: 500)
        try world.connection.command("HSET", "odo:1:{dir}:ledger", "since:tokens", "2")
        let key = try #require(
            try world.connection.command("KEYS", "*:tokens:day:*").elements.first?.bytes)
        try world.connection.command([Array("DEL".utf8), key])
        let report = try Verification.run(world.configuration)
        #expect(report.ending == .equal, "\(report.differences)")
        #expect((report.notComparable[.meterAddedLater] ?? 0) > 0)
    }

    @Test func answersOfNamedOrganizationsAreExpectedWithTheDistinctCountsOfThisRedis() throws {
        var world = try HandWrittenLedger.make(events: 500)
        let organization = String(text(world.hash).split(separator: ":")[3])
        var configuration = try world.configuration
        configuration.organizations = [organization]
        let report = try Verification.run(configuration)
        #expect(report.ending == .equal && report.unchecked.isEmpty)
        #expect(Set(report.routes.map(\.document)) == Set(ExpectedRoute.Document.allCases))
        #expect(report.answers.count == 18 && report.routes.count > 20)
        for route in report.routes {
            #expect(route.organization == organization)
            #expect(!"\(route.bodies)".contains("distinct("), "\(route.target)")
        }
        #expect(try world.connection.command("KEYS", "odo:verify:*").elements.isEmpty)

        // A meter that counts only a part of the log is not compared.
        try world.connection.command(
            "HSET", "odo:1:{dir}:ledger", "since:tokens", "2", "since:buckets", "2")
        let later = try Verification.run(configuration)
        #expect(
            later.unchecked.map(\.path) == ["/api/analytics/overview", "/api/v1/analytics/tokens"])
        #expect(later.answers.count == 17)
    }

    @Test func marksThatDoNotArriveAreATimeout() throws {
        var world = try HandWrittenLedger.make(events: 200)
        try world.connection.command("HSET", "odo:1:{7}:marks", "usage/0", "0")
        var configuration = try world.configuration
        configuration.timeoutMilliseconds = 400
        let report = try Verification.run(configuration)
        #expect(report.ending == .timedOut && report.exitCode == 3)
        #expect(report.note == "1 marks do not stand at the end of the log")
        configuration.prefix = "elsewhere"
        #expect(try Verification.run(configuration).exitCode == 3)
    }

    @Test func theBooksAreCheckedByThemselves() throws {
        var world = try HandWrittenLedger.make(events: 500)
        let redis = try world.configuration.redis
        func differences() throws -> [String] {
            try BookCheck.run(redis, prefix: "odo", generation: 1).differences.map {
                "\($0.key) \($0.member ?? "")"
            }
        }
        let report = try BookCheck.run(redis, prefix: "odo", generation: 1)
        #expect(report.ending == .equal && report.records == 500, "\(report.differences)")
        // 64 shards and the outcomes, for each partition.
        #expect(report.sums.isMultiple(of: 65) && report.sums >= 65)
        try world.connection.command("HINCRBY", "odo:1:{9}:audit", "usage/1:accepted", "1")
        #expect(
            try differences() == [
                "odo:1:{*}:audit usage/1:accepted+duplicate+ignored+rejected-further"
            ])
        // A shard that is one record ahead of the others may have one outcome more.
        try world.connection.command("HINCRBY", "odo:1:{9}:audit", "usage/1:delivered", "1")
        #expect(try differences() == ["odo:1:{9}:audit usage/1:delivered+gaps+lost"])
        try world.connection.command("HINCRBY", "odo:1:{9}:marks", "usage/1", "1")
        #expect(try differences() == [])
        try world.connection.command("HSET", "odo:1:{7}:marks", "!torn", "why")
        #expect(try differences() == ["odo:1:{7}:audit !torn"])
        #expect(throws: VerifyError.self) {
            try BookCheck.run(redis, prefix: "elsewhere", generation: 1)
        }
    }

    @Test func aLedgerOfAnotherLayoutIsRefused() throws {
        var world = try HandWrittenLedger.make(events: 10)
        try world.connection.command("HSET", "odo:1:{dir}:ledger", "layout", "2")
        let configuration = try world.configuration
        #expect(throws: VerifyError.self) { _ = try Verification.run(configuration) }
        try world.connection.command("HSET", "odo:1:{dir}:ledger", "layout", "1")
        for count in ["0", "3", "063", "8192", "many"] {
            try world.connection.command("HSET", "odo:1:{dir}:ledger", "shards", count)
            #expect(throws: VerifyError.self, "\(count)") {
                _ = try Verification.run(configuration)
            }
        }
    }
}
