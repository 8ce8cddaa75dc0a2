import API
import Foundation
import Ledger
import Metering
import Redis
import TestSupport
import Testing

@testable import Query

/// What may happen while a large ranking is read or prepared, forced at the
/// worst moment; small sets show it.
@Suite struct LargeRankingFaultTests {
    private let organization = "org-large"
    private static let days = ["2026-03-07", "2026-03-08", "2026-03-09"]

    /// An event of some day, as the commit script would write it.
    private func add(_ service: TestService, _ member: String, day: String, _ amount: Int) throws {
        try service.rank(organization, "user_interactions:day:\(day)", [member: amount])
        try service.add(
            organization, "interactions:day:\(day.prefix(7))", [String(day.suffix(2)): amount])
    }

    private func source(_ engine: QueryEngine) throws -> RankingSource {
        let range = TimeRange(
            start: try TestService.nanoseconds("2026-03-07T00:00:00Z") / 1_000_000_000,
            end: try TestService.nanoseconds("2026-03-10T00:00:00Z") / 1_000_000_000)
        let meters = RankingMeters(
            first: "user_interactions", firstCount: "interactions", second: "user_agent_flows",
            secondCount: "agent_flows")
        let coverage = try #require(
            engine.exactCoverage(of: [meters.first, meters.second], range))
        return try #require(RankingSource(meters, coverage, Array(organization.utf8), engine))
    }

    /// Three days with 200 members each, of which ten do most.
    private func open() throws -> (TestService, QueryWorker, RankingSource) {
        let service = try TestService()
        for day in LargeRankingFaultTests.days {
            for member in 1...200 {
                try add(service, "u\(member)", day: day, member > 190 ? 10_000 + member : member)
            }
        }
        let query = service.worker.query
        query.deadline = .now + .seconds(30)
        return (service, query, try source(query.engine))
    }

    private func waitUntilPrepared(_ rankings: RankingMemory, _ source: RankingSource) throws {
        let deadline = Date().addingTimeInterval(60)
        while rankings.isPreparing(source) {
            guard Date() < deadline else { throw TestFailure("the ranking was never prepared") }
            usleep(1_000)
        }
    }

    /// A member that rises past the places where the lists are read is found all the same.
    @Test func nobodyRisesUnseen() throws {
        let (service, query, source) = try open()
        defer { withExtendedLifetime(service) {} }
        let search = RankingSearch(
            source: source, limit: 1, cells: query.cells, deadline: query.deadline)
        var found = try #require(try search.run())
        let name = Array("u3".utf8)
        #expect(found.members[name] == nil)
        for day in LargeRankingFaultTests.days { try add(service, "u3", day: day, 50_000) }
        #expect(try search.complete(&found))
        #expect(found.members[name]?.first == 150_009)
    }

    /// Where the search takes too long, the sums are prepared.
    @Test func slowSearchPrepares() throws {
        let (service, query, source) = try open()
        defer { withExtendedLifetime(service) {} }
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let configuration = service.redis.configuration
        let engine = query.engine
        let rankings = RankingMemory {
            gate.wait()
            return QueryWorker(
                engine: engine,
                cells: CellReader(configuration: configuration, layout: engine.layout))
        }
        let slow = QueryWorker(engine: engine, cells: query.cells, rankings: rankings)
        slow.deadline = .now + .seconds(30)
        let before = try slow.version(source)
        slow.deadline = .now
        #expect(throws: QueryError.self) { try slow.members(source, 1, before, isLast: false) }
        #expect(rankings.isPreparing(source))
    }

    /// A day that changes while the sums are made is left out of them, and all others are held.
    @Test func lateEventsWhilePreparing() throws {
        let (service, query, source) = try open()
        defer { withExtendedLifetime(service) {} }
        var restless: Set<Int64> = []
        var isFirst = true
        let result = try query.rankingBase(
            source, restless: [],
            hasRoom: { _ in
                if isFirst {
                    #expect(throws: Never.self) { try add(service, "late", day: "2026-03-08", 1) }
                }
                isFirst = false
                return true
            }, noteRestless: { restless.formUnion($0) })
        guard case .made(let base) = result else {
            Issue.record("nothing was made")
            return
        }
        let changed = source.parts.filter { restless.contains($0.range.start) && $0.isFirst }
        #expect(restless.count == 1 && changed.count == 1)
        let held = zip(source.parts, base.isHeld).filter { $1 }.map(\.0)
        #expect(!held.contains(changed[0]))
        #expect(held.contains { $0.isFirst })
        #expect(Array("u200".utf8).withUnsafeBytes { base.totals.sum($0) } == 10_200)
        let other = try query.rankingBase(
            source, restless: [], hasRoom: { _ in false }, noteRestless: { _ in })
        guard case .tooLarge = other else {
            Issue.record("it took more than there was room for")
            return
        }
    }

    /// What was read before the sums were made does not drop them; a change afterwards does.
    @Test func olderReaders() throws {
        let (service, query, source) = try open()
        defer { withExtendedLifetime(service) {} }
        let rankings = try #require(query.rankings)
        let older = try query.version(source)
        try add(service, "late", day: "2026-03-08", 1)
        rankings.prepare(source)
        try waitUntilPrepared(rankings, source)
        #expect(rankings.base(source, older.version, readAt: older.readAt) == nil)
        let newer = try query.version(source)
        #expect(rankings.base(source, newer.version, readAt: newer.readAt) != nil)
        try add(service, "late", day: "2026-03-08", 1)
        let newest = try query.version(source)
        #expect(rankings.base(source, newest.version, readAt: newest.readAt) == nil)
    }

    /// Sums make room for others while these are being made, not afterwards.
    @Test func roomWhilePreparing() throws {
        let (service, query, source) = try open()
        defer { withExtendedLifetime(service) {} }
        let rankings = try #require(query.rankings)
        rankings.prepare(source)
        try waitUntilPrepared(rankings, source)
        let now = try query.version(source)
        #expect(rankings.makeRoom(for: 1 << 20))
        #expect(rankings.base(source, now.version, readAt: now.readAt) != nil)
        #expect(!rankings.makeRoom(for: (256 << 20) + 1))
        #expect(rankings.base(source, now.version, readAt: now.readAt) != nil)
        #expect(rankings.makeRoom(for: 256 << 20))
        #expect(rankings.base(source, now.version, readAt: now.readAt) == nil)
    }

    /// A new connection to the same server keeps the sums; another server drops
    /// them, though its counts are equal.
    @Test func anotherServer() throws {
        let (service, query, source) = try open()
        defer { withExtendedLifetime(service) {} }
        let rankings = try #require(query.rankings)
        let first = try query.version(source)
        rankings.prepare(source)
        try waitUntilPrepared(rankings, source)
        try service.run("CLIENT", "KILL", "TYPE", "normal")
        let second = try query.version(source)
        #expect(second.version == first.version && second.serverChanges == 0)
        #expect(rankings.base(source, second.version, readAt: second.readAt) != nil)

        service.redis.stop()
        try service.redis.start()
        var connection = try Connection(service.redis.configuration)
        for words in [
            ["HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", "256", "hash", "fnv1a32"],
            ["HSET", "odo:1:{dir}:ledger", "directory:usage-directory", "1"],
            ["HSET", TestService.marks(organization), "!contract", "1:a"],
            ["HSET", TestService.key(organization, "workspace:day:2026-03")]
                + zip(7...9, second.version.firsts).flatMap {
                    ["interactions:0\($0)", String($1)]
                },
        ] {
            let reply = try connection.command(words.map { Array($0.utf8) })
            #expect(reply.integer != nil)
        }
        let third = try query.version(source)
        #expect(third.version == first.version && third.serverChanges == 1)
        #expect(rankings.base(source, third.version, readAt: third.readAt) == nil)
    }
}
