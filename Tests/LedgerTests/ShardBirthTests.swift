import Foundation
import Redis
import TestSupport
import Testing

@testable import Ledger

/// The id of a shard's birth in marks and audit.
@Suite struct ShardBirthTests {
    private let partition = LogPartition(topic: "usage", partition: 0)

    private func read(_ fixture: LedgerFixture) throws -> [ShardMarks] {
        var connection = try fixture.server.connect()
        return try Marks.read(&connection, layout: fixture.layout, partitions: [partition])
    }

    private func make(_ fixture: LedgerFixture, _ partition: Int32 = 0) throws {
        var connection = try fixture.server.connect()
        try Marks.createAbsent(
            &connection, layout: fixture.layout, shards: [fixture.shard],
            at: [(LogPartition(topic: "usage", partition: partition), 4)])
    }

    @Test func itIsDrawnWithTheFirstMarksAndStays() throws {
        let fixture = try LedgerFixture()
        try make(fixture)
        let first = try #require(try read(fixture)[fixture.shard].birth)
        #expect(first.utf8.count == 16 && first.allSatisfy(\.isHexDigit))
        #expect(try fixture.field("audit", "!birth") == first)
        #expect(try fixture.field("marks", "usage/0") == "4")
        try make(fixture, 1)
        #expect(try fixture.field("marks", "usage/1") == "4")
        let marks = try read(fixture)
        #expect(marks[fixture.shard].birth == first && marks[fixture.shard].torn == nil)
        // No other shard was asked for.
        #expect(marks[fixture.shard + 1].birth == nil && marks[fixture.shard + 1].torn == nil)
    }

    @Test func halvesOfTwoBirthsAreTorn() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        try make(fixture)
        let own = try #require(try read(fixture)[fixture.shard].birth)
        for (marks, audit) in [(own, "ffff"), (own, nil), (nil, own)] as [(String?, String?)] {
            for (key, value) in [(fixture.marksKey, marks), (fixture.auditKey, audit)] {
                try connection.command([Array("HDEL".utf8), key, ShardBirth.member])
                guard let value else { continue }
                try connection.command([
                    Array("HSET".utf8), key, ShardBirth.member, Array(value.utf8),
                ])
            }
            let torn = try read(fixture)[fixture.shard].torn
            #expect(torn == ShardBirth.splitReason(marks: marks, audit: audit))
            #expect(torn?.hasPrefix("split: ") ?? false)
        }
    }

    /// A ledger of an earlier version has marks and audit without an id.
    @Test func aShardOfAnEarlierVersionKeepsNone() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        try fixture.prepare()
        try connection.command([
            Array("HSET".utf8), fixture.auditKey, Array("usage/0:delivered".utf8), Array("9".utf8),
        ])
        try make(fixture, 1)
        let marks = try read(fixture)[fixture.shard]
        #expect(marks.birth == nil && marks.torn == nil)
        #expect(try fixture.field("audit", "!birth") == nil)
    }

    /// What was counted is still there, and nothing says up to where.
    @Test func marksThatAreLostAloneAreNotMadeAgainAsIfNothingWereCounted() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        try make(fixture)
        try connection.command([Array("DEL".utf8), fixture.marksKey])
        try make(fixture)
        let torn = try read(fixture)[fixture.shard].torn
        #expect(torn?.hasPrefix("split: ") ?? false)
        // Both gone: a new birth.
        try connection.command([Array("DEL".utf8), fixture.marksKey, fixture.auditKey])
        try make(fixture)
        let marks = try read(fixture)[fixture.shard]
        #expect(marks.birth != nil && marks.torn == nil)
    }

    @Test func aResetIsABirth() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        try make(fixture)
        let first = try read(fixture)[fixture.shard].birth
        try ShardReset.run(
            &connection, redis: fixture.server.configuration, layout: fixture.layout,
            shard: fixture.shard, contract: ContractStamp(number: 1, digest: "abc"),
            origins: [partition: Origin(offset: 4, decidedMilliseconds: 0)])
        let marks = try read(fixture)[fixture.shard]
        #expect(marks.birth != nil && marks.birth != first && marks.torn == nil)
        #expect(try fixture.field("audit", "!birth") == marks.birth)
    }
}
