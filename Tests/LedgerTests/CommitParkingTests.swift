import Foundation
import Ledger
import Redis
import TestSupport
import Testing

/// Commits with one cell that refuses: it alone is left out and parked, everything else is applied.
@Suite struct CommitParkingTests {
    /// A commit of cells of every kind, and among them what `bad` adds.
    private func commit(
        _ fixture: LedgerFixture, _ bad: (inout CommitArguments) -> Void = { _ in }
    ) throws -> CommitResult? {
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        arguments.addAudit(member: "usage/0:delivered", delta: 10)
        for name in ["old", "new"] {
            arguments.beginGroup(.add, key: fixture.key(name + "h"), expirySecond: fixture.later)
            arguments.addEntry(member: "there", delta: 5)
            arguments.addEntry(member: "gone", delta: -3)
            arguments.addEntry(member: "ends", delta: -10)
            arguments.beginGroup(.score, key: fixture.key(name + "z"), expirySecond: fixture.later)
            arguments.addEntry(member: "there", delta: 5)
            arguments.addEntry(member: "gone", delta: -3)
            if name == "new" { bad(&arguments) }
            arguments.addScores(
                key: fixture.key(name + "s"), expirySecond: fixture.later,
                [("there", 5), ("gone", 3)])
            arguments.addScores(key: fixture.key(name + "m"), [("there", 5), ("gone", 3)])
            arguments.beginGroup(
                .maximum, key: fixture.key(name + "x"), expirySecond: fixture.later)
            arguments.addEntry(member: "there", value: "99999999999999999999")
            arguments.beginGroup(
                .distinct, key: fixture.key(name + "p"), expirySecond: fixture.later)
            arguments.addDistinct("same")
        }
        committer.submit(&arguments, tag: 3)
        return committer.receive()
    }

    /// Commits with a group of that kind, and checks that all else is
    /// as without it; what was parked.
    private func parked(
        _ fixture: LedgerFixture, _ kind: CommitArguments.Kind, value: String = "",
        _ prepare: (inout Connection) throws -> Void
    ) throws -> [String: String] {
        let twin = try LedgerFixture.filled()
        var connection = try fixture.server.connect()
        try prepare(&connection)
        let bad = try fixture.everything()[fixture.name("bad")]
        #expect(try commit(twin)?.outcome == .applied(zerosLeft: 0))
        let result = try commit(fixture) { arguments in
            arguments.beginGroup(kind, key: fixture.key("bad"), expirySecond: fixture.later)
            switch kind {
            case .add, .score: arguments.addEntry(member: "f", delta: Int64(value) ?? 7)
            case .distinct: arguments.addDistinct("f")
            default: arguments.addEntry(member: "f", value: Array(value.utf8))
            }
        }
        #expect(result?.outcome == .applied(zerosLeft: 0))
        #expect(result?.parked?.count == 1 && result?.parked?.entries == 1)
        #expect(result?.parked?.cells.first?.key == fixture.key("bad"))
        #expect(result?.parked?.cells.first?.member == (kind == .distinct ? "" : "f"))
        var stands = try fixture.everything()
        #expect(stands.removeValue(forKey: fixture.name("bad")) == bad)
        #expect(stands[fixture.text(fixture.marksKey)]?.removeValue(forKey: "!parked") == "1")
        stands[fixture.name("parked")] = nil
        stands[fixture.name("bad:parked")] = nil
        #expect(try stands == twin.everything())
        return try fixture.parked()
    }

    /// What a cell of that kind takes.
    private func value(_ kind: CommitArguments.Kind) -> String {
        switch kind {
        case .add, .score, .distinct: "7"
        case .minimum, .maximum: "00000000000000000001"
        case .first, .last: "00000000000000000001:x"
        }
    }

    private func name(_ fixture: LedgerFixture, _ kind: CommitArguments.Kind) -> String {
        let letter = String(decoding: [kind.rawValue], as: UTF8.self)
        return "\(letter) \(fixture.later) \(fixture.name("bad")) \(kind == .distinct ? "" : "f")"
    }

    @Test(arguments: CommitArguments.Kind.allCases)
    func aKeyOfAnotherType(kind: CommitArguments.Kind) throws {
        let fixture = try LedgerFixture.filled()
        let value = value(kind)
        let parked = try parked(fixture, kind, value: value) {
            try $0.command(["SET", fixture.key("bad"), "text"])
        }
        #expect(parked == [name(fixture, kind): kind == .distinct ? "1" : value])
        guard kind == .distinct else { return }
        var connection = try fixture.server.connect()
        #expect(try connection.command(["PFCOUNT", fixture.key("bad:parked")]).integer == 1)
        #expect(
            try connection.command(["EXPIRETIME", fixture.key("bad:parked")]).integer
                == fixture.later)
    }

    @Test func anEmptyStringAndABrokenOneAreNoHyperLogLog() throws {
        for text in ["", "HYLL but broken"] {
            let fixture = try LedgerFixture.filled()
            let parked = try parked(fixture, .distinct) {
                try $0.command(["SET", fixture.key("bad"), Array(text.utf8)])
            }
            #expect(parked == [name(fixture, .distinct): "1"])
        }
    }

    @Test(arguments: [
        ("many", "7"), ("9223372036854775800", "9007199254740991"), ("1.5", "1"),
    ])
    func aNumberThatIsNoneAndOneThatWouldPassItsEnd(
        stands: String, delta: String
    ) throws {
        let fixture = try LedgerFixture.filled()
        let parked = try parked(fixture, .add, value: delta) {
            try $0.command(["HSET", fixture.key("bad"), "f", Array(stands.utf8), "g", "1"])
        }
        #expect(parked == [name(fixture, .add): delta])
    }

    @Test(arguments: [
        ("9007199254740991", "1"), ("9007199254740991", "9007199254740990"),
        ("-9007199254740991", "-2"), ("5", "9007199254740992"), ("inf", "1"), ("0.5", "1"),
    ])
    func aScoreStaysBelowTheLimitOfDoubles(stands: String, delta: String) throws {
        let fixture = try LedgerFixture.filled()
        let parked = try parked(fixture, .score, value: delta) {
            try $0.command(["ZADD", fixture.key("bad"), Array(stands.utf8), "f", "1", "g"])
        }
        #expect(parked == [name(fixture, .score): delta])
    }

    @Test(arguments: [CommitArguments.Kind.minimum, .maximum, .first, .last])
    func noExtremeInAnExtreme(kind: CommitArguments.Kind) throws {
        let fixture = try LedgerFixture.filled()
        let parked = try parked(fixture, kind, value: value(kind)) {
            try $0.command(["HSET", fixture.key("bad"), "f", "12"])
        }
        #expect(parked == [name(fixture, kind): value(kind)])
    }

    /// A producer's sentinel, often enough to pass 2^63: the other
    /// organization of the shard goes on.
    @Test func manyOfTheLargestAmountsStopNobodyElse() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare(mark: 0)
        var committer = try fixture.committer()
        for number in 0..<1_025 as Range<Int64> {
            var arguments = fixture.begun(from: number, to: number + 1)
            arguments.beginGroup(.add, key: fixture.key("one:totals"))
            arguments.addEntry(member: "bytes", delta: 9_007_199_254_740_991)
            arguments.beginGroup(.add, key: fixture.key("two:totals"))
            arguments.addEntry(member: "bytes", delta: 1)
            #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        }
        #expect(try fixture.field("two:totals", "bytes") == "1025")
        let cell = try fixture.field("one:totals", "bytes").flatMap { Int128($0) }
        let parked = try fixture.parked()["H 0 \(fixture.name("one:totals")) bytes"]
        let all = (cell ?? 0) + (parked.flatMap { Int128($0) } ?? 0)
        let expected: Int128 = 1_025 * 9_007_199_254_740_991
        #expect(all == expected)
        #expect(try fixture.field("marks", "usage/0") == "1025")
    }

    /// Two members that pass 2^53 among many that do not, as the dump of a set.
    @Test func twoMembersOfARankingBeyond2To53LeaveTheOthersAlone() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare()
        var connection = try fixture.server.connect()
        try connection.command([
            "ZADD", fixture.key("r"), "9007199254740000", "a", "9007199254740001", "b", "7", "c",
        ])
        var committer = try fixture.committer()
        var arguments = fixture.begun()
        arguments.addScores(
            key: fixture.key("r"), [("a", 1_000), ("b", 2_000), ("c", 3), ("d", 4)])
        committer.submit(&arguments, tag: 3)
        let result = committer.receive()
        #expect(result?.outcome == .applied(zerosLeft: 0))
        #expect(result?.parked?.entries == 2)
        #expect(
            try fixture.everything()[fixture.name("r")] == [
                "a": "9007199254740000", "b": "9007199254740001", "c": "10", "d": "4",
            ])
        #expect(
            try fixture.parked() == [
                "Z 0 \(fixture.name("r")) a": "1000", "Z 0 \(fixture.name("r")) b": "2000",
            ])
    }

    @Test func aParkedSumThatPassesItsEndGoesOnInAnotherField() throws {
        let fixture = try LedgerFixture()
        try fixture.prepare(mark: 0)
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("bad"), "f", "many", "m", "many"])
        let name = "H 0 \(fixture.name("bad")) f"
        let second = "H#2 0 \(fixture.name("bad")) f"
        let parked = fixture.layout.parkedKey(shard: 3)
        try connection.command([
            "HSET", parked, Array(name.utf8), "9223372036854775807",
            Array("M 0 \(fixture.name("bad")) m".utf8), "no extreme",
        ])
        var committer = try fixture.committer()
        for mark in 0..<2 as Range<Int64> {
            var arguments = fixture.begun(from: mark, to: mark + 1)
            arguments.beginGroup(.add, key: fixture.key("bad"))
            arguments.addEntry(member: "f", delta: 5)
            arguments.beginGroup(.maximum, key: fixture.key("bad"))
            arguments.addEntry(member: "m", value: Array("0000000000000000000\(mark)".utf8))
            #expect(committer.commit(&arguments) == .applied(zerosLeft: 0))
        }
        let stands = try fixture.parked()
        #expect(stands[name] == "9223372036854775807" && stands[second] == "10")
        #expect(stands["M#2 0 \(fixture.name("bad")) m"] == "00000000000000000001")
    }

    // MARK: The way back

    private func retry(_ fixture: LedgerFixture) throws -> Int {
        var connection = try fixture.server.connect()
        var cursor = ParkedCells.begin
        return try ParkedCells.retry(
            &connection, layout: fixture.layout, shard: 3, contract: fixture.contract,
            cursor: &cursor)
    }

    @Test(arguments: CommitArguments.Kind.allCases)
    func whatWasParkedGoesIntoItsCellOnceThatTakesIt(
        kind: CommitArguments.Kind
    ) throws {
        let fixture = try LedgerFixture.filled()
        let value = value(kind)
        _ = try parked(fixture, kind, value: value) {
            try $0.command(["SET", fixture.key("bad"), "text"])
        }
        #expect(try retry(fixture) == 1)
        #expect(try fixture.field("marks", "!parked") == "1")
        var connection = try fixture.server.connect()
        try connection.command(["DEL", fixture.key("bad")])
        let before = try fixture.everything()
        #expect(try retry(fixture) == 0)
        var stands = try fixture.everything()
        let cell = stands.removeValue(forKey: fixture.name("bad"))
        #expect(cell?["<expiry>"] == String(fixture.later))
        if kind == .distinct {
            #expect(try connection.command(["PFCOUNT", fixture.key("bad")]).integer == 1)
        } else {
            #expect(cell?["f"] == value)
        }
        #expect(try fixture.parked().isEmpty)
        #expect(stands[fixture.text(fixture.marksKey)]?["!parked"] == "0")
        #expect(
            stands[fixture.text(fixture.marksKey)]?["usage/0"]
                == before[fixture.text(fixture.marksKey)]?["usage/0"])
        #expect(stands[fixture.name("bad:parked")] == nil)
        #expect(try retry(fixture) == 0)
    }

    @Test func whatHasExpiredLeavesTheParkedHashThoughItsCellStillRefuses() throws {
        let fixture = try LedgerFixture.filled()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("bad"), "f", "many"])
        _ = try commit(fixture) { arguments in
            arguments.beginGroup(.add, key: fixture.key("bad"), expirySecond: 1_000_000)
            arguments.addEntry(member: "f", delta: 1)
        }
        #expect(try fixture.parked().count == 1)
        #expect(try retry(fixture) == 0)
        #expect(try fixture.parked().isEmpty)
        #expect(try fixture.field("bad", "f") == "many")
    }

    @Test func nothingIsTriedUnderAnotherContractOrOnATornShard() throws {
        let fixture = try LedgerFixture.filled()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("bad"), "f", "many"])
        _ = try commit(fixture) { arguments in
            arguments.beginGroup(.add, key: fixture.key("bad"))
            arguments.addEntry(member: "f", delta: 1)
        }
        try connection.command(["HSET", fixture.key("bad"), "f", "3"])
        for (field, value) in [("!contract", "2:other"), ("!torn", "why")] {
            let before = try connection.command(["HGET", fixture.marksKey, Array(field.utf8)])
            try connection.command([
                "HSET", fixture.marksKey, Array(field.utf8), Array(value.utf8),
            ])
            #expect(throws: LedgerError.self) { try retry(fixture) }
            try connection.command([
                "HSET", fixture.marksKey, Array(field.utf8), before.bytes ?? [],
            ])
        }
        #expect(try fixture.field("bad", "f") == "3")
        #expect(try retry(fixture) == 0)
        #expect(try fixture.field("bad", "f") == "4")
    }

    @Test func theListSaysWhichCellHowMuchAndWhy() throws {
        let fixture = try LedgerFixture.filled()
        var connection = try fixture.server.connect()
        try connection.command(["HSET", fixture.key("o:calls:day:2026-03"), "09", "many"])
        _ = try commit(fixture) { arguments in
            arguments.beginGroup(.add, key: fixture.key("o:calls:day:2026-03"))
            arguments.addEntry(member: "09", delta: 5)
        }
        let cells = try ParkedCells.read(&connection, layout: fixture.layout, shard: 3)
        let cell = try #require(cells.first)
        #expect(cells.count == 1 && cell.kind == .add && cell.expirySecond == nil)
        #expect(cell.key == fixture.key("o:calls:day:2026-03") && cell.member == "09")
        #expect(cell.value == "5" && cell.meter == "calls")
        #expect(try RefusalProbe.refusal(of: cell, on: &connection) == "the cell is not an integer")
        try connection.command(["HSET", fixture.key("o:calls:day:2026-03"), "09", "1"])
        #expect(try RefusalProbe.refusal(of: cell, on: &connection) == nil)
    }
}
