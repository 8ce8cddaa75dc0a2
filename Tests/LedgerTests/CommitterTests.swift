import Foundation
import Ledger
import Redis
import TestSupport
import Testing

/// Commits on their way, and marks.
@Suite struct CommitterTests {
    @Test func manyInFlightComeBackInOrder() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        for shard in 0..<fixture.layout.shardCount {
            try connection.command([
                "HSET", fixture.layout.marksKey(shard: shard), "!contract", fixture.contract,
            ])
        }
        try Marks.createAbsent(
            &connection, layout: fixture.layout, at: [(fixture.partition, 0)])
        var committer = try fixture.committer()
        var arguments = CommitArguments()
        for round in 0..<3 as Range<Int64> {
            // A restart forgets scripts; the second round meets that in the middle of a pipeline.
            if round == 1 { try connection.command("SCRIPT", "FLUSH") }
            for shard in 0..<fixture.layout.shardCount {
                arguments.begin(
                    marksKey: fixture.layout.marksKey(shard: shard),
                    auditKey: fixture.layout.auditKey(shard: shard),
                    scratchKey: fixture.layout.scratchKey(shard: shard), contract: fixture.contract)
                arguments.addRange(
                    member: fixture.partition.markMember, from: round, to: round + 1)
                arguments.beginGroup(
                    .add, key: fixture.layout.shardPrefix(shard) + Array("h".utf8))
                arguments.addEntry(member: "f", delta: 1)
                committer.submit(&arguments, tag: shard)
            }
            var tags: [Int] = []
            while let result = committer.receive() {
                #expect(result.outcome == .applied(zerosLeft: 0))
                tags.append(result.tag)
            }
            #expect(tags == Array(0..<fixture.layout.shardCount))
        }
        let marks = try Marks.read(
            &connection, layout: fixture.layout, partitions: [fixture.partition])
        #expect(marks.map(\.shard) == Array(0..<fixture.layout.shardCount))
        #expect(marks.allSatisfy { $0.marks == [PartitionMark(offset: 3, fingerprint: nil)] })
        #expect(marks.allSatisfy { $0.contract == "1:abc" && $0.torn == nil })
        #expect(
            try connection.command([
                "HGET", fixture.layout.shardPrefix(9) + Array("h".utf8), "f",
            ]).integer == 3)
    }

    @Test func aBrokenConnectionEndsInUnknown() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        fixture.server.freeze(true)
        var arguments = fixture.begun()
        committer.submit(&arguments, tag: 1)
        #expect(committer.tryReceive() == nil)
        fixture.server.freeze(false)
        fixture.server.stop()
        arguments = fixture.begun()
        committer.submit(&arguments, tag: 2)
        var tags: [Int] = []
        while let result = committer.receive() {
            // The first may have been answered before the kill.
            if case .unknown = result.outcome { tags.append(result.tag) }
        }
        #expect(tags.suffix(1) == [2])
        let isAlive = committer.isAlive
        #expect(!isAlive)
    }

    @Test func readsAndCreatesMarks() throws {
        let fixture = try LedgerFixture()
        var connection = try fixture.server.connect()
        let one = LogPartition(topic: "usage", partition: 1)
        let key = fixture.layout.marksKey(shard: 5)
        try connection.command(["HSET", key, "usage/1", "70", "usage/1@", "69 -1 00ff00ff00ff00ff"])
        try connection.command(["HSET", key, "!torn", "broken"])
        try Marks.createAbsent(
            &connection, layout: fixture.layout, at: [(fixture.partition, 7), (one, 8)])
        let marks = try Marks.read(
            &connection, layout: fixture.layout, partitions: [one, fixture.partition],
            shards: [4, 5])
        #expect(marks[0].marks.map(\.offset) == [8, 7])
        #expect(marks[1].marks.map(\.offset) == [70, 7])
        #expect(
            marks[1].marks[0].fingerprint
                == Fingerprint(offset: 69, timestamp: -1, hash: 0x00ff_00ff_00ff_00ff))
        #expect(marks[1].torn == "broken" && marks[0].torn == nil && marks[0].contract == nil)

        try connection.command(["HSET", key, "usage/0", "seven"])
        do throws(LedgerError) {
            _ = try Marks.read(
                &connection, layout: fixture.layout, partitions: [fixture.partition])
            Issue.record("read a mark that is none")
        } catch {
            #expect(error.code == .corrupt)
        }
        #expect(try connection.command("PING").text == "PONG")
    }

    @Test func fingerprintsAreTheirText() throws {
        let key: [UInt8] = "k"
        let value: [UInt8] = "value"
        let print = key.withUnsafeBytes { key in
            value.withUnsafeBytes { Fingerprint(offset: 5, timestamp: 6, key: key, value: $0) }
        }
        #expect(Fingerprint(text: print.text) == print)
        let noKey = value.withUnsafeBytes {
            Fingerprint(offset: 5, timestamp: 6, key: nil, value: $0)
        }
        let noValue = key.withUnsafeBytes {
            Fingerprint(offset: 5, timestamp: 6, key: $0, value: nil)
        }
        #expect(Set([print.hash, noKey.hash, noValue.hash]).count == 3)
        // 8 bytes of length, "k", "value", by the definition.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in [1, 0, 0, 0, 0, 0, 0, 0] + key + value {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        #expect(print.hash == hash)
        #expect(Fingerprint(text: Array("1 2".utf8)) == nil)
        #expect(Fingerprint(text: Array("1 2 3".utf8)) == nil)
    }
}
