import Foundation
import Ledger
import Redis
import TestSupport
import Testing

/// Commits that go through, and those that a mark, a contract or a marker stops.
@Suite struct CommitScriptTests {
    typealias Everything = [String: [String: String]]

    func high(_ value: Int64) -> String {
        let text = String(UInt64(bitPattern: value) ^ (1 << 63))
        return String(repeating: "0", count: 20 - text.utf8.count) + text
    }

    @Test func appliesEveryKindAtOnce() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var arguments = CommitArguments()
        arguments.begin(
            marksKey: fixture.marksKey, auditKey: fixture.auditKey, scratchKey: fixture.scratchKey,
            contract: fixture.contract)
        let print = Fingerprint(offset: 109, timestamp: 1_700, hash: 0xAB)
        arguments.addRange(member: "usage/0", from: 100, to: 110, fingerprint: print)
        arguments.addAudit(member: "usage/0:delivered", delta: 10)
        arguments.beginGroup(.add, key: fixture.key("h"), expirySecond: fixture.later)
        arguments.addEntry(member: "a", delta: 5)
        arguments.addEntry(member: "b", delta: -9_007_199_254_740_993)
        arguments.beginGroup(.score, key: fixture.key("z"))
        arguments.addEntry(member: "m", delta: 7)
        arguments.beginGroup(.minimum, key: fixture.key("x"))
        arguments.addEntry(member: "min", value: Array(high(-3).utf8))
        arguments.beginGroup(.maximum, key: fixture.key("x"))
        arguments.addEntry(member: "max", value: Array(high(4).utf8))
        arguments.beginGroup(.first, key: fixture.key("x"))
        arguments.addEntry(member: "first", value: Array((high(10) + ":a").utf8))
        arguments.beginGroup(.last, key: fixture.key("x"))
        arguments.addEntry(member: "last", value: Array((high(10) + ":b").utf8))
        arguments.beginGroup(.distinct, key: fixture.key("p"), expirySecond: fixture.later)
        for index in 0..<2_500 { arguments.addDistinct(Array("u\(index)".utf8)) }
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))

        var all = try fixture.everything()
        #expect(all.removeValue(forKey: fixture.name("p"))?["<expiry>"] == "4000000000")
        let expected: Everything = [
            fixture.text(fixture.marksKey): [
                "!contract": "1:abc", "!begun": "1", "!done": "1", "usage/0": "110",
                "usage/0@": "109 1700 00000000000000ab",
            ],
            fixture.text(fixture.auditKey): ["usage/0:delivered": "10"],
            fixture.name("h"): ["a": "5", "b": "-9007199254740993", "<expiry>": "4000000000"],
            fixture.name("z"): ["m": "7"],
            fixture.name("x"): [
                "min": high(-3), "max": high(4), "first": high(10) + ":a", "last": high(10) + ":b",
            ],
        ]
        #expect(all == expected)
        var connection = try fixture.server.connect()
        let counted = try connection.command(["PFCOUNT", fixture.key("p")]).integer ?? 0
        #expect((2_400...2_600).contains(counted))
    }

    @Test func extremesKeepTheRightOne() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        let steps: [(CommitArguments.Kind, [String], String)] = [
            (.minimum, [high(5), high(-5), high(3)], high(-5)),
            (.maximum, [high(-5), high(6), high(3)], high(6)),
            (
                .first, [high(9) + ":x", high(8) + ":a", high(8) + ":b", high(8) + ":a"],
                high(8) + ":b"
            ),
            (
                .last, [high(8) + ":x", high(9) + ":B", high(9) + ":a", high(9) + ":A"],
                high(9) + ":a"
            ),
            (.last, [high(8) + ":é", high(8) + ":z", high(8) + ":é\u{0}"], high(8) + ":é\u{0}"),
        ]
        var mark: Int64 = 100
        for (number, (kind, values, kept)) in steps.enumerated() {
            for value in values {
                var arguments = fixture.begun(from: mark, to: mark + 1)
                arguments.beginGroup(kind, key: fixture.key("x"))
                arguments.addEntry(member: Array("f\(number)".utf8), value: Array(value.utf8))
                #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
                mark += 1
            }
            #expect(try fixture.everything()[fixture.name("x")]?["f\(number)"] == kept)
            // All of them in one commit give the same.
            var together = fixture.begun(from: mark, to: mark + 1)
            together.beginGroup(kind, key: fixture.key("y"))
            for value in values {
                together.addEntry(member: Array("f\(number)".utf8), value: Array(value.utf8))
            }
            #expect(committer.commit(&together) == .applied(zerosLeft: 0))
            mark += 1
            #expect(try fixture.everything()[fixture.name("y")]?["f\(number)"] == kept)
        }
    }

    @Test func zerosAreRemovedAndTheirKeysWithThem() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var first = fixture.begun()
        first.beginGroup(.add, key: fixture.key("h"), expirySecond: fixture.later)
        first.addEntry(member: "a", delta: 5)
        first.addEntry(member: "new", delta: 0)
        first.addEntry(member: "swing", delta: 2)
        first.addEntry(member: "swing", delta: -2)
        first.addEntry(member: "swing", delta: 3)
        first.beginGroup(.score, key: fixture.key("z"))
        first.addEntry(member: "m", delta: 5)
        #expect(committer.commit(&first) == .applied(zerosLeft: 0))
        var all = try fixture.everything()
        #expect(
            all[fixture.name("h")] == ["a": "5", "swing": "3", "<expiry>": "4000000000"])

        var second = fixture.begun(from: 110, to: 120)
        second.beginGroup(.add, key: fixture.key("h"), expirySecond: fixture.later)
        second.addEntry(member: "a", delta: -5)
        second.addEntry(member: "swing", delta: -3)
        second.beginGroup(.score, key: fixture.key("z"))
        second.addEntry(member: "m", delta: -5)
        #expect(committer.commit(&second) == .applied(zerosLeft: 0))
        all = try fixture.everything()
        #expect(Array(all.keys) == [fixture.text(fixture.marksKey)])
    }

    @Test func manyScoresAreAddedByAUnionWhereThatIsCheaper() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var from: Int64 = 100
        func commit(_ scores: [(member: String, delta: Int64)], expiry: Int64) throws -> Int64 {
            var arguments = fixture.begun(from: from, to: from + 1)
            from += 1
            arguments.addScores(key: fixture.key("z"), expirySecond: expiry, scores)
            committer.submit(&arguments, tag: 7)
            let received = committer.receive()
            let result = try #require(received)
            #expect(result.outcome == .applied(zerosLeft: 0) && result.tag == 7)
            let all = try fixture.everything()
            #expect(all[fixture.text(fixture.scratchKey)] == nil)
            return result.singleScores
        }
        func content() throws -> [String: String]? { try fixture.everything()[fixture.name("z")] }
        // A new key is filled; an expiry that is there stays, whatever the commit names.
        #expect(try commit([("b", 7), ("a", 5)], expiry: 4_000_000_000) == 0)
        #expect(try commit([("b", 1), ("c", 2)], expiry: 4_100_000_000) == 0)
        #expect(try content() == ["a": "5", "b": "8", "c": "2", "<expiry>": "4000000000"])
        // Few members of many: one by one.
        let many = (0..<9).map { (member: "m\($0)", delta: Int64(1)) }
        #expect(try commit(many, expiry: 1) == 0)
        #expect(try commit([("a", 1), ("m0", 1)], expiry: 1) == 2)
        #expect(try content()?["m0"] == "2")
        #expect(try content()?["<expiry>"] == "4000000000")
        // Beside a great or a negative score too.
        var connection = try fixture.server.connect()
        for score in ["2000000000000000", "-1"] {
            try connection.command(["ZADD", fixture.key("z"), Array(score.utf8), "a"])
            #expect(try commit(many, expiry: 1) == 9)
        }
        #expect(try content()?["m0"] == "4")
    }

    /// A dump writes texts and numbers differently by their lengths;
    /// Redis reads each as it was meant.
    @Test(arguments: [2, 31, 128, 129, 3_000])
    func aSetIsReadByRedisAsItWasWritten(count: Int) throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        let lengths = [1, 2, 63, 64, 65, 127, 128, 4_095, 4_096, 16_370, 16_380, 16_383, 70_000]
        let scores = (0..<count).map { index in
            let number = String(index)
            let length = max(lengths[count > 200 ? 0 : index % lengths.count], number.utf8.count)
            let name = number + String(repeating: "x", count: length - number.utf8.count)
            let bits = index % 49
            return (name, (1 << bits) - Int64(index / 49 % 2) * (bits > 0 ? 1 : 0))
        }
        var arguments = fixture.begun()
        arguments.addScores(key: fixture.key("z"), scores)
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        let expected = Dictionary(uniqueKeysWithValues: scores.map { ($0.0, String($0.1)) })
        #expect(try fixture.everything()[fixture.name("z")] == expected)
        // And by ours, which the plain pipelines of the benchmark use.
        var dump = KeyDump()
        for (member, score) in scores {
            Array(member.utf8).withUnsafeBytes { dump.append($0, number: score) }
        }
        dump.withText(.sortedSet) { text in
            let read = KeyDump.entries(of: text).map {
                (
                    String(decoding: $0.member, as: UTF8.self),
                    String(decoding: $0.value, as: UTF8.self)
                )
            }
            #expect(Dictionary(uniqueKeysWithValues: read) == expected)
        }
    }

    @Test func expiryIsSetOnlyWhereTheKeyWasAbsent() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        for (from, expiry) in [(100, 4_000_000_000), (110, 4_100_000_000)] as [(Int64, Int64)] {
            var arguments = fixture.begun(from: from, to: from + 10)
            for name in ["h1", "h2"] {
                arguments.beginGroup(.add, key: fixture.key(name), expirySecond: expiry)
                arguments.addEntry(member: "a", delta: 1)
            }
            arguments.beginGroup(.add, key: fixture.key("past\(from)"), expirySecond: 1_000)
            arguments.addEntry(member: "a", delta: 1)
            #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        }
        let all = try fixture.everything()
        #expect(all[fixture.name("h1")] == ["a": "2", "<expiry>": "4000000000"])
        #expect(all[fixture.name("h2")] == ["a": "2", "<expiry>": "4000000000"])
        #expect(all[fixture.name("past100")] == nil && all[fixture.name("past110")] == nil)
    }

    @Test func aStaleMarkChangesNothing() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        let before = try fixture.everything()
        for from in [90, 101, nil] as [Int64?] {
            var arguments = fixture.begun(from: from)
            arguments.addAudit(member: "usage/0:delivered", delta: 10)
            arguments.beginGroup(.add, key: fixture.key("h"))
            arguments.addEntry(member: "a", delta: 1)
            #expect(committer.commit(&arguments) == .mismatch([100]))
            #expect(try fixture.everything() == before)
        }
    }

    @Test func aResentCommitIsRefusedWithItsOwnEnd() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare(mark: nil)
        var committer = try fixture.committer()
        func arguments() -> CommitArguments {
            var arguments = fixture.begun(from: nil, to: 7)
            arguments.beginGroup(.add, key: fixture.key("h"))
            arguments.addEntry(member: "a", delta: 1)
            return arguments
        }
        var one = arguments()
        #expect(committer.commit(&one) == .applied(zerosLeft: 0))
        let after = try fixture.everything()
        #expect(after[fixture.name("h")] == ["a": "1"])
        var again = arguments()
        #expect(committer.commit(&again) == .mismatch([7]))
        #expect(try fixture.everything() == after)
    }

    @Test func severalRangesMatchAllOrNothing() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.marksKey, "usage/1", "5"])
        var committer = try fixture.committer()
        let before = try fixture.everything()
        func commit(_ second: Int64?, _ third: Int64?) throws -> CommitOutcome {
            var arguments = fixture.begun()
            arguments.addRange(member: "usage/1", from: second, to: 6)
            arguments.addRange(member: "other/0", from: third, to: 9)
            arguments.beginGroup(.add, key: fixture.key("h"))
            arguments.addEntry(member: "a", delta: 1)
            return committer.commit(&arguments)
        }
        #expect(try commit(4, nil) == .mismatch([100, 5, nil]))
        #expect(try commit(5, 0) == .mismatch([100, 5, nil]))
        #expect(try fixture.everything() == before)
        #expect(try commit(5, nil) == .applied(zerosLeft: 0))
        #expect(
            try fixture.everything()[fixture.text(fixture.marksKey)] == [
                "!contract": "1:abc", "!begun": "1", "!done": "1", "usage/0": "110",
                "usage/1": "6", "other/0": "9",
            ])
        #expect(try commit(5, nil) == .mismatch([110, 6, 9]))
    }

    @Test func manyRangesAndCellsInOneCommit() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        for partition in 1...3_000 {
            arguments.addRange(
                member: Array("usage/\(partition)".utf8), from: nil, to: Int64(partition),
                fingerprint: Fingerprint(offset: 1, timestamp: -1, hash: .max))
        }
        for group in 0..<200 {
            arguments.beginGroup(.add, key: fixture.key("h\(group)"))
            for field in 0..<50 { arguments.addEntry(member: Array("\(field)".utf8), delta: 2) }
        }
        #expect(arguments.entryCount == 10_000)
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        let all = try fixture.everything()
        #expect(all.count == 201)
        #expect(all[fixture.text(fixture.marksKey)]?.count == 6_004)
        #expect(all[fixture.text(fixture.marksKey)]?["usage/3000"] == "3000")
        #expect(all[fixture.name("h199")]?["49"] == "2")
    }

    @Test func anotherContractChangesNothing() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        var committer = try fixture.committer()
        for current in ["2:def", ""] {
            if current.isEmpty {
                try connection.command(["HDEL", fixture.marksKey, "!contract"])
            } else {
                try connection.command(["HSET", fixture.marksKey, "!contract", Array(current.utf8)])
            }
            let before = try fixture.everything()
            // The contract is compared first: also before a mark that does not match.
            var arguments = fixture.begun(from: 1)
            arguments.beginGroup(.add, key: fixture.key("h"))
            arguments.addEntry(member: "a", delta: 1)
            #expect(committer.commit(&arguments) == .contract(current: current))
            #expect(try fixture.everything() == before)
        }
    }

    @Test func aTornShardIsLeftAlone() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.marksKey, "!torn", "why"])
        var committer = try fixture.committer()
        let before = try fixture.everything()
        var arguments = fixture.begun()
        #expect(committer.commit(&arguments) == .torn("why"))
        #expect(try fixture.everything() == before)
    }

    /// What is left where Redis dropped a torn transaction, went on, and ran
    /// the torn part at its next start.
    @Test(arguments: [false, true])
    func aPartOfACommitIsNoticedByTheNext(isWholeButItsEnd: Bool) throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        var committer = try fixture.committer()
        func commit(from: Int64) -> CommitOutcome {
            var arguments = fixture.begun(from: from)
            arguments.beginGroup(.add, key: fixture.key("h"))
            arguments.addEntry(member: "a", delta: 1)
            return committer.commit(&arguments)
        }
        // The torn part first, then the commit that was made after it had been dropped.
        try connection.command(["HINCRBY", fixture.marksKey, "!begun", "1"])
        if isWholeButItsEnd {
            try connection.command(["HSET", fixture.marksKey, "!done", "1", "usage/0", "110"])
        }
        try connection.command(["HINCRBY", fixture.marksKey, "!begun", "1"])
        try connection.command(["HSET", fixture.marksKey, "!done", "1", "usage/0", "110"])
        let reason = "a part of a commit was run: 2 begun, 1 done"
        #expect(commit(from: 110) == .torn(reason))
        let marks = try Marks.read(
            &connection, layout: fixture.layout, partitions: [], shards: [fixture.shard])
        #expect(marks.map(\.torn) == [reason])
    }

    @Test func anIdleCommitMovesMarksOnly() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        #expect(
            try fixture.everything() == [
                fixture.text(fixture.marksKey): ["!contract": "1:abc", "usage/0": "110"]
            ])
    }
}
